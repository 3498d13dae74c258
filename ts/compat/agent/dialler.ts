import type { LookupFunction } from 'node:net';

import type { ConnectOptions, ConnectTimeouts, ProxyHop, ProxyOption, Socket, TlsContext } from '../../index.js';
import { connect, proxyFromEnvironment } from '../../index.js';

/** How an agent connects, beyond Node's options. */
export interface DialOptions {
  /**
   * A proxy, several that are dialled one through another, or `'env'`: what `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and
   * `NO_PROXY` name for each target.
   */
  proxy?: ProxyOption | undefined;
  /** Of `connect`, per phase. Node's `timeout`, of silence, stays what it is. */
  timeouts?: ConnectTimeouts | undefined;
  /** TCP_USER_TIMEOUT in ms. */
  userTimeout?: number | undefined;
  /** Of https: in place of Node's options of TLS. */
  tls?: TlsContext | undefined;
}

/** What Node's agent asks for: its own options and those of the request. */
export interface ConnectionRequest {
  readonly host?: string | null | undefined;
  readonly port?: number | string | null | undefined;
  readonly socketPath?: string | null | undefined;
  readonly localAddress?: string | undefined;
  readonly family?: number | undefined;
  readonly lookup?: LookupFunction | null | undefined;
  readonly noDelay?: boolean | undefined;
  readonly timeout?: number | undefined;
  readonly servername?: string | null | undefined;
}

/** Connects as an agent's options say. It has the proxies and their credentials, and shows them to nobody. */
export class Dialler {
  readonly #scheme: 'http' | 'https';
  readonly #proxy: ProxyOption;
  readonly #settings: Pick<ConnectOptions, 'timeouts' | 'userTimeout' | 'keepAlive'>;

  constructor(scheme: 'http' | 'https', options: DialOptions & { keepAlive?: boolean; keepAliveMsecs?: number }) {
    this.#scheme = scheme;
    this.#proxy = options.proxy ?? null;
    const { timeouts, userTimeout, keepAlive, keepAliveMsecs } = options;
    const idle = keepAlive === true && keepAliveMsecs !== undefined ? Math.ceil(keepAliveMsecs / 1_000) : undefined;
    this.#settings = {
      ...(timeouts === undefined ? null : { timeouts }),
      ...(userTimeout === undefined ? null : { userTimeout }),
      ...(idle === undefined
        ? null
        : { keepAlive: { idle: Math.min(Math.max(idle, 1), 32_767), interval: 10, count: 3 } }),
    };
  }

  async dial(request: ConnectionRequest, tls: TlsContext | false, signal: AbortSignal): Promise<Socket> {
    const { socketPath, localAddress, family, lookup, noDelay } = request;
    return connect({
      ...(socketPath ? { path: socketPath } : this.#place(request)),
      ...(localAddress === undefined ? null : { localAddress }),
      ...(lookup ? { resolver: lookup } : null),
      family: family === 4 || family === 6 ? family : 0,
      noDelay: noDelay !== false,
      tls,
      signal,
      ...this.#settings,
    });
  }

  #place(request: ConnectionRequest): Pick<ConnectOptions, 'host' | 'port' | 'proxy'> {
    const host = request.host || 'localhost';
    const port = Number(request.port);
    return { host, port, proxy: this.#proxy === 'env' ? this.#fromEnvironment(host, port) : this.#proxy };
  }

  #fromEnvironment(host: string, port: number): ProxyHop | null {
    const found = proxyFromEnvironment({ scheme: this.#scheme, host, port });
    if (found === null) return null;
    const name = found.host.includes(':') ? `[${found.host}]` : found.host;
    const { username, password } = found;
    return { url: `${found.kind}://${name}:${found.port}`, username, password };
  }
}
