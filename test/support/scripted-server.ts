import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import type { ClientOptions } from '../../ts/index.js';
import { reset } from './reset.js';

/** A TCP server that does with each connection what its test says. */
export interface ScriptedServer {
  readonly url: string;
  readonly port: number;
  /** Connections so far. */
  readonly accepted: () => number;
  readonly open: () => number;
  /** Cuts every connection and stops. */
  readonly end: () => Promise<void>;
}

let tls: { cert: string; key: string; ca: string } | undefined;

/** From now on scripted servers speak TLS; clients of theirs take {@link trust}. */
export function scriptEverywhereOverTls(identity: { cert: string; key: string; ca: string }): void {
  tls = identity;
}

/** What a client of a scripted server has to be told of it. */
export function trust(): ClientOptions {
  return tls === undefined ? {} : { tls: { ca: tls.ca, servername: 'localhost' } };
}

/** The socket of a test over a connection: the connection itself, or the TLS on it. */
function socketOver(raw: Socket): Socket {
  if (tls === undefined) return raw;
  const { cert, key } = tls;
  const socket = new TLSSocket(raw, { isServer: true, cert, key });
  raw.on('error', () => undefined);
  // TLS has no reset of its own.
  return Object.assign(socket, { resetAndDestroy: () => (reset(raw), socket) });
}

/** Listens on a free port of the loopback; errors of its sockets are the test's doing. */
export async function scriptedServer(onConnection: (socket: Socket, number: number) => void): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((raw) => {
    const socket = socketOver(raw);
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket, accepted++);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    accepted: () => accepted,
    open: () => sockets.size,
    end: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Calls back once for each request without a body that a socket brings. */
export function onRequests(socket: Socket, answer: (head: string, number: number) => void): void {
  let waiting = '';
  let number = 0;
  socket.on('data', (bytes) => {
    waiting += bytes.toString('latin1');
    for (let end = waiting.indexOf('\r\n\r\n'); end >= 0; end = waiting.indexOf('\r\n\r\n')) {
      const head = waiting.slice(0, end);
      waiting = waiting.slice(end + 4);
      answer(head, number++);
    }
  });
}
