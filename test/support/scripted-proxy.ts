import { once } from 'node:events';
import type { AddressInfo, Server as NodeTcp } from 'node:net';
import { createServer } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { createServer as createSecure } from 'node:tls';

import { RawClient } from './raw-client.js';

/** What a scripted proxy does with each connection; `number` counts them from 0. */
export type Script = (peer: RawClient, number: number) => unknown;

const running = new Set<NodeTcp>();

/** A proxy that says what its script says, on the loopback until the test ends. */
export class ScriptedProxy {
  /** The connections so far. */
  readonly peers: RawClient[] = [];
  readonly #server: NodeTcp;

  private constructor(server: NodeTcp) {
    this.#server = server;
  }

  static async start(script: Script, tls?: TlsOptions): Promise<ScriptedProxy> {
    const server = tls === undefined ? createServer({ allowHalfOpen: true }) : createSecure(tls);
    const proxy = new ScriptedProxy(server);
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket) => {
      const peer = RawClient.accepted(socket);
      proxy.peers.push(peer);
      // A client that goes away in the middle ends the script.
      Promise.resolve(script(peer, proxy.peers.length - 1)).catch(() => undefined);
    });
    server.on('tlsClientError', () => undefined);
    running.add(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Its URL, with user information where that is wanted. */
  url(kind: string, user = ''): string {
    return `${kind}://${user === '' ? '' : `${user}@`}127.0.0.1:${this.port}`;
  }
}

/** To be called before `endsWithItsTest`, which cuts what the proxies have accepted. */
export function scriptedProxiesEndWithTheirTest(): void {
  afterEach(() => {
    for (const server of running) server.close();
    running.clear();
  });
}

/** Sends the parts one by one, each once something more has come. */
export async function inTurn(peer: RawClient, parts: readonly (string | Uint8Array)[]): Promise<void> {
  for (const part of parts) {
    await peer.more();
    peer.send(part);
  }
}

/** Replies of SOCKS5 (RFC 1928 §6), SOCKS4 and a CONNECT. */
export const socks5Reply = (code: number): string => `\x05${String.fromCharCode(code)}\0\x01\0\0\0\0\0\0`;
export const socks4Reply = (code: number): string => `\0${String.fromCharCode(code)}\0\0\0\0\0\0`;
export const httpReply = (status: number, ...fields: string[]): string =>
  `HTTP/1.1 ${status} Because\r\n${fields.map((field) => `${field}\r\n`).join('')}Content-Length: 0\r\n\r\n`;
