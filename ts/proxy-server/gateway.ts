import { isIP } from 'node:net';

import { MillraceError } from '../errors/millrace-error.js';
import type { Socket } from '../net/socket.js';
import type { RouteHop } from '../proxy/route.js';
import { Deadline } from '../resilience/deadline.js';
import type { Destination, Rules } from './rules.js';
import { isLoopback, isOwn, isReserved, sameAddress } from './reserved-addresses.js';

/** What a client of a proxy asks for. */
export interface ProxyRequest {
  readonly protocol: 'socks4' | 'socks5' | 'connect' | 'http';
  readonly host: string;
  readonly port: number;
  /** Who it is: proven where the proxy has `auth`, and what SOCKS4 claims otherwise. */
  readonly username: string | null;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** What decides where a proxy goes, and goes there. */
export interface GatewayOptions {
  readonly rules: Rules | null;
  readonly authorize: ((request: ProxyRequest) => boolean | Promise<boolean>) | null;
  readonly allowPrivate: boolean;
  readonly upstream: (request: ProxyRequest) => readonly RouteHop[];
  readonly handshakeTimeout: number;
  readonly resolve: (host: string, signal: AbortSignal) => Promise<readonly string[]>;
  readonly open: (way: Way, signal: AbortSignal) => Promise<Socket>;
  /** Where the proxy itself listens. */
  readonly own: () => { address: string; port: number } | null;
}

/** Where to go: straight to one of several addresses, or through other proxies. */
export interface Way {
  readonly host: string;
  readonly port: number;
  /** Checked addresses; empty where a proxy further on resolves the name. */
  readonly addresses: readonly string[];
  readonly hops: readonly RouteHop[];
}

/** Decides about requests and dials for them: the same way for every protocol. */
export class Gateway {
  readonly #options: GatewayOptions;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** A connection to what was asked for; rejects where it may not be reached, or cannot. */
  async open(request: ProxyRequest, signal: AbortSignal): Promise<Socket> {
    const way = await this.way(request, signal);
    return this.#options.open(way, signal);
  }

  /** Where a request may go. */
  async way(request: ProxyRequest, signal: AbortSignal): Promise<Way> {
    const { authorize, upstream, handshakeTimeout } = this.#options;
    if (authorize !== null) {
      const asked = Promise.resolve(authorize(request));
      const answer = await Deadline.after(handshakeTimeout).race(asked);
      if (answer !== true) throw forbidden(request);
    }
    signal.throwIfAborted();
    const hops = upstream(request);
    const { host, port } = request;
    const last = hops.at(-1)?.kind;
    const isResolvedThere = last !== undefined && last !== 'socks4' && last !== 'socks5' && isIP(host) === 0;
    if (isResolvedThere) {
      this.#judge({ host, address: null, port }, request);
      return { host, port, addresses: [], hops };
    }
    const found = isIP(host) === 0 ? await this.#options.resolve(host, signal) : [host];
    const addresses: string[] = [];
    let refusal: unknown;
    for (const address of found) {
      try {
        this.#judge({ host, address, port }, request);
        addresses.push(address);
      } catch (error) {
        refusal = error;
      }
    }
    if (addresses.length === 0) throw (refusal as Error | undefined) ?? prohibited(request);
    return { host, port, addresses, hops };
  }

  #judge(destination: Destination, request: ProxyRequest): void {
    const { address, port } = destination;
    const { allowPrivate, rules } = this.#options;
    if (address === null && !allowPrivate && isLocalName(destination.host)) throw prohibited(request);
    if (address !== null) {
      if (this.#isItself(address, port)) throw prohibited(request);
      if (!allowPrivate && (isReserved(address) || isOwn(address))) throw prohibited(request);
    }
    if (rules !== null && !rules.allows(destination)) throw forbidden(request);
  }

  /** A proxy that dials itself would do so for ever. */
  #isItself(address: string, port: number): boolean {
    const own = this.#options.own();
    if (own === null || own.port !== port) return false;
    const everywhere = own.address === '::' || own.address === '0.0.0.0';
    return everywhere
      ? isLoopback(address) || isOwn(address) || isUnspecified(address)
      : sameAddress(own.address, address);
  }
}

/** An unspecified address is this host for `connect`. */
function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || sameAddress(address, '::');
}

/** Names that stand for this host wherever they are resolved (RFC 6761 §6.3). */
function isLocalName(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return name === 'localhost' || name.endsWith('.localhost');
}

function forbidden({ host, port }: ProxyRequest): MillraceError {
  return new MillraceError('MILLRACE_PROXY_TARGET_FORBIDDEN', undefined, { address: host, port });
}

function prohibited({ host, port }: ProxyRequest): MillraceError {
  return new MillraceError('MILLRACE_PROXY_TARGET_PROHIBITED', undefined, { address: host, port });
}
