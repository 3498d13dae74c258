import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';

import { parseHost } from '../dns/host-name.js';
import { comparableHost } from '../dns/host-text.js';
import { MillraceError } from '../errors/millrace-error.js';
import { logRecord } from '../log/log.js';
import type { Socket } from '../net/socket.js';
import type { RouteHop } from '../proxy/route.js';
import { CircleWatch, isLook, withNames } from './circle-watch.js';
import { decided } from './decided.js';
import type { Destination, Rules } from './rules.js';
import { isLoopback, isOwn, isReserved, isUnspecified, sameAddress } from './reserved-addresses.js';

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
  /** Whether `upstream` is the same for every request. */
  readonly isFixed: boolean;
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

/** How long the start of a proxy waits for the name of its upstream. */
const LOOK_MS = 5_000;

const DENIED: Readonly<Record<string, keyof Gateway['denied']>> = {
  MILLRACE_PROXY_TARGET_FORBIDDEN: 'forbidden',
  MILLRACE_PROXY_TARGET_PROHIBITED: 'prohibited',
  MILLRACE_PROXY_LOOP: 'loops',
};

/** Decides about requests and dials for them: the same way for every protocol. */
export class Gateway {
  /** How the proxy names itself in Via: what names it already goes round in a circle. */
  readonly name = `millrace-${randomBytes(6).toString('hex')}`;
  /** Requests that were not let through. */
  readonly denied = { forbidden: 0, prohibited: 0, loops: 0 };
  readonly #options: GatewayOptions;
  readonly #circles: CircleWatch;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#circles = new CircleWatch(async (hops, { host, port }, signal) => {
      const socket = await options.open({ host, port, addresses: addressesOf(host), hops }, signal);
      socket.destroy();
    });
  }

  /** A connection to what was asked for; rejects where it may not be reached, or cannot. */
  async open(request: ProxyRequest, signal: AbortSignal, via = ''): Promise<Socket> {
    const ways = await this.ways(request, signal, via);
    let failure: unknown;
    for (const way of ways) {
      const passage = this.#circles.enter(way.hops, `${request.host} ${request.port}`, signal);
      try {
        passage.signal.throwIfAborted();
        return await this.#options.open(way, passage.signal);
      } catch (error) {
        if (passage.isCircle) throw this.#counted(loop(request));
        failure = error;
        if (signal.aborted) break;
      } finally {
        passage.leave();
      }
    }
    throw failure as Error;
  }

  /**
   * Where a request may go; several ways where a proxy has to be told one address. `via`: the proxies that it has passed,
   * as far as its protocol says so.
   */
  async ways(request: ProxyRequest, signal: AbortSignal, via = ''): Promise<Way[]> {
    try {
      return await this.#ways(request, signal, via);
    } catch (error) {
      throw this.#counted(error);
    }
  }

  async #ways(request: ProxyRequest, signal: AbortSignal, via: string): Promise<Way[]> {
    const { allowPrivate, rules, upstream } = this.#options;
    if (this.#circles.hasReturned(request)) throw loop(request);
    await this.#authorize(request, signal);
    if (via.includes(this.name)) throw loop(request);
    const hops = upstream(request).map((hop) => this.#signed(hop, via));
    const { host, port } = request;
    if (!allowPrivate && isLocalName(host)) throw prohibited(request);
    const [first] = hops;
    if (first !== undefined && (await this.#isLoop(first, signal))) throw loop(request);
    if (isLook(host)) {
      if (hops.length === 0) throw new MillraceError('MILLRACE_DNS_NOT_FOUND', undefined, { hostname: host });
      this.#judge({ host, address: null, port }, request);
      const addresses = addressesOf(host);
      return [{ host, port, addresses, hops: addresses.length === 0 ? withNames(hops) : hops }];
    }
    const last = hops.at(-1)?.kind;
    const takesNames = last !== undefined && last !== 'socks4' && last !== 'socks5' && isIP(host) === 0;
    if (takesNames && rules?.needsAddresses !== true) {
      // What is no name (`127.1`, `[::1]`) might be an address to the next proxy, and nobody would have judged it.
      const { name } = parseHost(host);
      if (!allowPrivate && isLocalName(name)) throw prohibited(request);
      this.#judge({ host, address: null, port }, request);
      return [{ host, port, addresses: [], hops }];
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
    // A name that the next proxy resolved once more could be another address there than the one that was judged.
    if (takesNames) return addresses.map((address) => ({ host: address, port, addresses: [address], hops }));
    return [{ host, port, addresses, hops }];
  }

  /** Whether everything would go through the proxy itself. */
  async loops(): Promise<boolean> {
    const { isFixed, upstream } = this.#options;
    const sample: ProxyRequest = {
      protocol: 'connect',
      host: '',
      port: 1,
      username: null,
      remoteAddress: '',
      remotePort: 0,
    };
    const [first] = isFixed ? upstream(sample) : [];
    // What does not resolve now is not this host.
    return first !== undefined && this.#isLoop(first, AbortSignal.timeout(LOOK_MS)).catch(() => false);
  }

  /** The error, which a refusal is counted by. */
  #counted(error: unknown): Error {
    const reason = DENIED[(error as { code?: string }).code ?? ''];
    if (reason !== undefined) this.denied[reason]++;
    return error as Error;
  }

  /** Asks the hook. Who goes away meanwhile waits no longer, and one that fails lets nobody pass. */
  async #authorize(request: ProxyRequest, signal: AbortSignal): Promise<void> {
    const { authorize, handshakeTimeout } = this.#options;
    signal.throwIfAborted();
    if (authorize === null) return;
    let answer: unknown;
    try {
      answer = await decided(() => authorize(request), handshakeTimeout, signal);
    } catch (error) {
      signal.throwIfAborted();
      logRecord('error', 'proxy', 'the function authorize has failed: the request is refused', { error });
      throw error;
    }
    signal.throwIfAborted();
    if (answer !== true) throw forbidden(request);
  }

  /** A proxy on the way, told by whom it is asked where its protocol can say so (RFC 9110 §7.6.3). */
  #signed(hop: RouteHop, via: string): RouteHop {
    if (hop.kind !== 'http' && hop.kind !== 'https') return hop;
    return { ...hop, fields: `${hop.fields}Via\0${via === '' ? '' : `${via}, `}1.1 ${this.name}\0` };
  }

  /** Whether the first proxy of an upstream is the proxy that would go through it. */
  async #isLoop({ host, port }: RouteHop, signal: AbortSignal): Promise<boolean> {
    if (this.#options.own()?.port !== port) return false;
    const addresses = isIP(host) === 0 ? await this.#options.resolve(host, signal) : [host];
    return addresses.some((address) => this.#isItself(address, port));
  }

  #judge(destination: Destination, request: ProxyRequest): void {
    const { address, port } = destination;
    const { allowPrivate, rules } = this.#options;
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
    // What `connect` takes for this host.
    const target = isUnspecified(address) ? (address.includes(':') ? '::1' : '127.0.0.1') : address;
    if (isUnspecified(own.address)) return isLoopback(target) || isOwn(target);
    return sameAddress(own.address, target);
  }
}

/** Of a literal itself; of a name none are known. */
function addressesOf(host: string): string[] {
  return isIP(host) === 0 ? [] : [host];
}

/** Names that stand for this host wherever they are resolved (RFC 6761 §6.3). */
function isLocalName(host: string): boolean {
  const name = comparableHost(host);
  return name === 'localhost' || name.endsWith('.localhost');
}

function forbidden({ host, port }: ProxyRequest): MillraceError {
  return new MillraceError('MILLRACE_PROXY_TARGET_FORBIDDEN', undefined, { address: host, port });
}

function loop({ host, port }: ProxyRequest): MillraceError {
  return new MillraceError('MILLRACE_PROXY_LOOP', undefined, { address: host, port });
}

function prohibited({ host, port }: ProxyRequest): MillraceError {
  return new MillraceError('MILLRACE_PROXY_TARGET_PROHIBITED', undefined, { address: host, port });
}
