import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';

import { withoutBrackets } from '../dns/host-text.js';
import { isThenable } from '../message/thenable.js';
import { logRecord } from '../log/log.js';
import { KIND } from '../native/events.js';
import type { Socket } from '../net/socket.js';
import type { CloseOptions, Server } from '../server/server.js';
import type { ServerRequest } from '../server/request.js';
import type { Judge } from './authentication.js';
import { basicCredentials } from './authentication.js';
import { decided } from './decided.js';
import { failureOf, proxyStatus } from './failure.js';
import type { Gateway, ProxyRequest } from './gateway.js';
import { SocksClient } from './socks-client.js';
import type { TunnelClient, TunnelLimits, TunnelStats } from './tunnel.js';
import { tunnel } from './tunnel.js';

/** What a proxy has done since it began to listen. */
export interface ProxyServerStats {
  connections: { active: number; accepted: number; refused: number };
  /** Clients that did not get as far as a request. */
  handshakes: {
    /** Cut after `handshakeTimeout`. */
    late: number;
    /** Broke a rule of their protocol, spoke none, or asked for BIND, UDP ASSOCIATE, or SOCKS4 where there is `auth`. */
    malformed: number;
  };
  tunnels: {
    /** Open or being opened. */
    active: number;
    /** Ended by themselves, by a limit or a reset. */
    ended: number;
    /** Never open: forbidden, unreachable, or the client went away. */
    failed: number;
  };
  /** Requests, of either kind, that were not let through. */
  denied: {
    /** By a rule or by `authorize`. */
    forbidden: number;
    /** To private addresses, or the proxy's own. */
    prohibited: number;
    /** Back to the proxy itself. */
    loops: number;
  };
  /** Requests that were forwarded, in absolute form. */
  forwarded: number;
  /** User names and passwords that were wrong or missing. */
  unauthenticated: number;
  /** Of tunnels that have ended: from clients to targets, and back. */
  bytes: { sent: number; received: number };
  /** Between the proxy and its clients, with all that open tunnels have moved so far. */
  wire: { received: number; sent: number };
}

export interface ProxyServerParts {
  readonly gateway: Gateway;
  readonly judge: Judge | null;
  /** For a judge to say yes or no. */
  readonly handshakeTimeout: number;
  readonly limits: TunnelLimits;
  readonly onClose: ((stats: TunnelStats) => void) | null;
}

export const BASIC = 'Basic realm="proxy", charset="UTF-8"';

/** A proxy that listens. Its event is `close`. */
export class ProxyServer extends EventEmitter implements AsyncDisposable {
  readonly #parts: ProxyServerParts;
  readonly #counts = { active: 0, ended: 0, failed: 0, forwarded: 0, unauthenticated: 0, sent: 0, received: 0 };
  #server: Server | undefined;

  /** Made by `createProxyServer`. */
  constructor(parts: ProxyServerParts) {
    super();
    this.#parts = parts;
  }

  get port(): number {
    return this.#listening().port;
  }

  address(): AddressInfo | string | null {
    return this.#listening().address();
  }

  /** Stops accepting, lets tunnels end, and cuts what is left after `timeout` ms (30 000). */
  close(options?: CloseOptions): Promise<{ finished: number; forced: number }> {
    return this.#listening().close(options);
  }

  /** Cuts everything now. */
  destroy(): void {
    this.#listening().destroy();
  }

  stats(): ProxyServerStats {
    const { connections, timeouts, requests, bytes } = this.#listening().stats();
    const { active, accepted, refused } = connections;
    const { active: open, ended, failed, forwarded, unauthenticated, sent, received } = this.#counts;
    return {
      connections: { active, accepted, refused },
      handshakes: { late: timeouts.headers + timeouts.tlsHandshake, malformed: requests.errors },
      tunnels: { active: open, ended, failed },
      denied: { ...this.#parts.gateway.denied },
      forwarded,
      unauthenticated,
      bytes: { sent, received },
      wire: bytes,
    };
  }

  ref(): this {
    this.#listening().ref();
    return this;
  }

  unref(): this {
    this.#listening().unref();
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  listensOn(server: Server): void {
    this.#server = server;
    server.once('close', () => this.emit('close'));
  }

  /** @internal A client that speaks SOCKS. */
  handleSocks(client: SocksClient, kind: number, text: string, length: number): void {
    if (kind === KIND.proxyCredentials) void this.#judgeSocks(client, text, length);
    else void this.#socks(client, text);
  }

  /** @internal CONNECT. */
  async handleConnect(req: ServerRequest, socket: Socket, head: Uint8Array): Promise<void> {
    const user = await this.authenticate(req);
    if (user === false) {
      answer(socket, 407, `Proxy-Authenticate: ${BASIC}\r\n`);
      return;
    }
    const target = authorityOf(req.url);
    if (target === null) {
      answer(socket, 400, '');
      return;
    }
    const { remoteAddress, remotePort } = req;
    const left = new AbortController();
    const onLeft = (): void => left.abort();
    socket.once('close', onLeft);
    const client: TunnelClient = {
      signal: left.signal,
      via: req.headers.getAll('via').join(', '),
      grant: (upstream) => {
        socket.off('close', onLeft);
        if (socket.closed) return null;
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        if (head.length > 0) upstream.write(head);
        return socket;
      },
      refuse: (error) => {
        const failure = failureOf(error);
        answer(socket, failure.status, `Proxy-Status: ${proxyStatus(failure)}\r\n`);
      },
    };
    await this.#tunnel({ protocol: 'connect', ...target, username: user, remoteAddress, remotePort }, client);
  }

  /** @internal Who sends a request; false where that had to be shown and was not. */
  async authenticate(req: ServerRequest): Promise<string | null | false> {
    const shown = basicCredentials(req.headers.get('proxy-authorization'));
    const { judge } = this.#parts;
    if (judge === null) return shown?.username ?? null;
    if (shown !== null && (await this.#isRight(judge, shown.username, shown.password))) return shown.username;
    this.#counts.unauthenticated++;
    return false;
  }

  /** @internal */
  countForwarded(): void {
    this.#counts.forwarded++;
  }

  async #judgeSocks(client: SocksClient, text: string, length: number): Promise<void> {
    const bytes = Buffer.from(text, 'latin1');
    const [username, password] = [bytes.toString('utf8', 0, length), bytes.toString('utf8', length)];
    const { judge } = this.#parts;
    const right = judge === null || (await this.#isRight(judge, username, password));
    if (right) client.username = username;
    else this.#counts.unauthenticated++;
    client.judge(right);
  }

  async #isRight(judge: Judge, username: string, password: string): Promise<boolean> {
    try {
      return await decided(() => judge(username, password), this.#parts.handshakeTimeout);
    } catch (error) {
      logRecord('error', 'proxy', 'the function auth has failed: nobody is let in by it', { error });
      return false;
    }
  }

  async #socks(client: SocksClient, text: string): Promise<void> {
    const [version, host = '', port, user = ''] = text.split('\0');
    const protocol = version === '4' ? 'socks4' : 'socks5';
    const username = client.username ?? (user === '' ? null : Buffer.from(user, 'latin1').toString());
    // Hooks and listeners are shown what is acted upon: they cannot change it.
    const request: ProxyRequest = Object.freeze({ protocol, host, port: Number(port), username, ...client.address });
    await this.#tunnel(request, {
      signal: client.signal,
      grant: ({ localAddress, localPort }) => client.grant({ address: localAddress, port: localPort }),
      refuse: (error) => client.refuse(failureOf(error)),
    });
  }

  async #tunnel(request: ProxyRequest, client: TunnelClient): Promise<void> {
    const { gateway, limits, onClose } = this.#parts;
    const counts = this.#counts;
    counts.active++;
    const { stats, opened } = await tunnel(gateway, request, client, limits);
    counts.active--;
    if (opened) counts.ended++;
    else counts.failed++;
    counts.sent += stats.sent;
    counts.received += stats.received;
    const failed = (error: unknown): void => {
      logRecord('error', 'proxy', 'the function onClose has failed', { error });
    };
    try {
      const answer: unknown = onClose?.(stats);
      if (isThenable(answer)) answer.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }

  #listening(): Server {
    return this.#server as Server;
  }
}

/** `host:port` of a CONNECT; the parser has checked its form. */
function authorityOf(authority: string): { host: string; port: number } | null {
  const colon = authority.lastIndexOf(':');
  const host = authority.slice(0, colon);
  const port = Number(authority.slice(colon + 1));
  if (colon < 1 || port < 1) return null;
  return { host: withoutBrackets(host), port };
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  407: 'Proxy Authentication Required',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
};

/** How long who was refused may take to leave, in ms: as a connection of the server that lingers. */
const LINGER_MS = 2_000;

/** A refused CONNECT ends its connection: what the client has sent behind it must not be read as a request. */
function answer(socket: Socket, status: number, fields: string): void {
  const head = `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n${fields}Content-Length: 0\r\nConnection: close\r\n\r\n`;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.end(head).then(
    () => socket.close(),
    () => undefined,
  );
}
