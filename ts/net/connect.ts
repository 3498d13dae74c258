import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';

import { namesFor } from '../dns/default-names.js';
import { withoutBrackets } from '../dns/host-text.js';
import type { LookupFunction } from '../dns/lookup-function.js';
import type { Resolver } from '../dns/resolver.js';
import { describeValue } from '../errors/escape.js';
import { abortError } from '../errors/abort-error.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import type { ConnectOptionValues } from '../options/connect.generated.js';
import { CONNECT_OPTIONS } from '../options/connect.generated.js';
import type { ConnectTimeouts, ConnectTimeoutValues } from '../options/connect-timeouts.generated.js';
import { CONNECT_TIMEOUTS } from '../options/connect-timeouts.generated.js';
import { validateOptions } from '../options/validate.js';
import type { ProxyOption, RouteHop } from '../proxy/route.js';
import { routeOf } from '../proxy/route.js';
import { clientContextOf } from '../tls/given-context.js';
import type { TlsContext } from '../tls/tls-context.js';
import type { TlsClientOptions } from '../tls/tls-options.js';
import { withAbstractName } from './abstract-name.js';
import { descriptorOf } from './bridge.js';
import type { ConnectErrorMessage, SocketMessage } from './channels.js';
import { SOCKET_CHANNELS } from './channels.js';
import type { DialPlan, Endpoint } from './dial.js';
import { dial } from './dial.js';
import type { KeepAlive } from './keep-alive.js';
import { keepAliveNumbers } from './keep-alive.js';
import type { Socket } from './socket.js';

/** Where and how to connect; docs/options.md has ranges and defaults. */
export interface ConnectOptions {
  /** A name or an address literal; `localhost` unless given. */
  host?: string | undefined;
  port?: number | undefined;
  /** A Unix socket instead; `@name` is an abstract name. */
  path?: string | undefined;
  /** A Duplex that is connected already, instead of an address. */
  over?: Duplex | undefined;
  family?: 0 | 4 | 6 | undefined;
  /** Who resolves the name; without it one that all connections of the thread share. */
  resolver?: Resolver | LookupFunction | undefined;
  localAddress?: string | undefined;
  /** `true` for a default context, a context, or the options of one. */
  tls?: boolean | TlsContext | TlsClientOptions | undefined;
  /** A proxy, several dialled one through another, or `'env'`. */
  proxy?: ProxyOption | undefined;
  timeouts?: ConnectTimeouts | undefined;
  signal?: AbortSignal | undefined;
  noDelay?: boolean | undefined;
  /** `false`: none. */
  keepAlive?: KeepAlive | boolean | undefined;
  /** TCP_USER_TIMEOUT in ms. */
  userTimeout?: number | undefined;
  /** TCP Fast Open, where the system has it. */
  fastOpen?: boolean | undefined;
}

/** Connects; resolves when the socket is open, through proxies and with TLS where that was asked for. */
export function connect(options: ConnectOptions): Promise<Socket> {
  return connectNoting(options, {});
}

/** How long what comes before a dial took, in ms. */
export interface ConnectNotes {
  /** The resolver. */
  dns?: number;
}

/** @internal As `connect`, with notes of how long it took. */
export async function connectNoting(options: ConnectOptions, notes: ConnectNotes): Promise<Socket> {
  const values = validateOptions<ConnectOptionValues>(CONNECT_OPTIONS, withAbstractName(options));
  const timeouts = validateOptions<ConnectTimeoutValues>(CONNECT_TIMEOUTS, values.timeouts ?? {});
  if (values.localAddress !== null && isIP(values.localAddress) === 0) {
    const got = describeValue(values.localAddress);
    throw misuse('MILLRACE_INVALID_ARGUMENT', `connect: option "localAddress" must be an IP address, got ${got}`);
  }
  const target = { scheme: 'tcp', host: values.host, port: values.port ?? 0 };
  const hops = values.path === null ? routeOf('connect', values.proxy as ProxyOption, target) : [];
  const deadline = deadlineOf(values.signal, timeouts.total);
  const { signal } = deadline;
  try {
    if (signal?.aborted === true) throw abortError(signal);
    const resolve: Resolve = {
      all: (host, family) => addressesOf({ ...values, host, family }, timeouts.dns, signal),
      parts: (host, family) => partsOf({ ...values, host, family }, timeouts.dns, signal),
    };
    return await open(values, timeouts, hops, noting(resolve, notes), signal);
  } catch (thrown) {
    const error = deadline.isOver() ? totalTimeout(timeouts.total ?? 0) : thrown;
    const { connectError } = SOCKET_CHANNELS;
    if (connectError.hasSubscribers) connectError.publish({ error } satisfies ConnectErrorMessage);
    throw error;
  } finally {
    deadline.stop();
  }
}

/** Who resolves the names of one connection. */
interface Resolve {
  all(host: string, family: ConnectOptionValues['family']): Promise<string[]>;
  /** As they come, for the first host on the way. */
  parts(host: string, family: ConnectOptionValues['family']): Promise<Parts>;
}

interface Parts {
  readonly addresses: readonly string[];
  readonly more: Promise<readonly string[]> | null;
  stop(): void;
}

/** Names are resolved side by side: the last of them counts. */
function noting(resolve: Resolve, notes: ConnectNotes): Resolve {
  const began = performance.now();
  const noted = <T>(host: string, found: Promise<T>): Promise<T> =>
    isIP(withoutBrackets(host)) !== 0 ? found : found.finally(() => (notes.dns = performance.now() - began));
  return {
    all: (host, family) => noted(host, resolve.all(host, family)),
    parts: (host, family) => noted(host, resolve.parts(host, family)),
  };
}

async function open(
  values: ConnectOptionValues,
  timeouts: ConnectTimeoutValues,
  hops: readonly RouteHop[],
  resolve: Resolve,
  signal: AbortSignal | null,
): Promise<Socket> {
  const keepAlive = keepAliveNumbers('connect', values.keepAlive);
  const tls = await clientContextOf('connect', values.tls);
  const { to, routes, ...names } = await planOf(values, hops, resolve);
  const plan = {
    to,
    hops,
    tls,
    servername: tls?.servername ?? withoutBrackets(values.host),
    socket: {
      ...(values.localAddress === null ? null : { localAddress: values.localAddress }),
      noDelay: values.noDelay,
      ...(keepAlive === undefined ? null : { keepAlive }),
      userTimeout: values.userTimeout ?? 0,
      fastOpen: values.fastOpen,
    },
    connectTimeout: timeouts.connect,
    tlsTimeout: timeouts.tls,
    proxyTimeout: timeouts.proxy,
  };
  let failure: unknown;
  try {
    for (const targets of routes) {
      try {
        const socket = await dial({ ...plan, targets }, signal);
        if (SOCKET_CHANNELS.connect.hasSubscribers) SOCKET_CHANNELS.connect.publish({ socket } satisfies SocketMessage);
        return socket;
      } catch (error) {
        failure = error;
        if (signal?.aborted === true || !isUnreachable(error)) break;
      }
    }
    throw causedBy(values.over as Duplex | null, failure);
  } finally {
    names.stop();
  }
}

/** A way that somebody has chosen already. */
export interface ChosenWay {
  readonly host: string;
  readonly port: number;
  /** Addresses of the host, the only ones that are connected to; empty where a proxy resolves its name. */
  readonly addresses: readonly string[];
  readonly hops: readonly RouteHop[];
  readonly connectTimeout: number;
}

/** @internal As `connect`, to addresses that were chosen and checked before: no name of the target is resolved here. */
export async function connectTo(way: ChosenWay, signal: AbortSignal | null): Promise<Socket> {
  const values = validateOptions<ConnectOptionValues>(CONNECT_OPTIONS, { host: way.host, port: way.port });
  const timeouts = validateOptions<ConnectTimeoutValues>(CONNECT_TIMEOUTS, { connect: way.connectTimeout });
  const all: Resolve['all'] = (host, family) => {
    if (host !== values.host || way.addresses.length === 0) {
      return addressesOf({ ...values, host, family }, timeouts.dns, signal);
    }
    const wanted = way.addresses.filter((address) => family !== 4 || !address.includes(':'));
    return Promise.resolve([...wanted]);
  };
  const resolve: Resolve = {
    all,
    parts: async (host, family) => ({ addresses: await all(host, family), more: null, stop: () => undefined }),
  };
  return open(values, timeouts, way.hops, resolve, signal);
}

/** @internal The addresses of a host, by the resolver of `connect`. */
export function resolveHost(host: string, signal: AbortSignal | null): Promise<string[]> {
  const values = validateOptions<ConnectOptionValues>(CONNECT_OPTIONS, { host, port: 1 });
  return addressesOf(values, validateOptions<ConnectTimeoutValues>(CONNECT_TIMEOUTS, {}).dns, signal);
}

/** Where to connect, and what each proxy is asked for; several ways where the last has to be told an address. */
async function planOf(
  { host, port, path, over, family, resolver }: ConnectOptionValues,
  hops: readonly RouteHop[],
  resolve: Resolve,
): Promise<{ to: DialPlan['to']; routes: Endpoint[][]; stop(): void }> {
  const target = { host: withoutBrackets(host), port: port ?? 0 };
  const ends: Endpoint[] = [...hops.slice(1), target];
  const wanted = hops.map(async ({ kind }, place): Promise<Endpoint[]> => {
    const end = ends[place];
    if (kind !== 'socks4' && kind !== 'socks5') return [{ host: end.host, port: end.port }];
    const addresses = await resolve.all(end.host, kind === 'socks4' ? 4 : place === hops.length - 1 ? family : 0);
    return addresses.map((address) => ({ host: address, port: end.port }));
  });
  const first = hops[0] ?? target;
  // A function's order is its own.
  const sorted = typeof resolver !== 'function';
  let stop = (): void => undefined;
  const begin = async (): Promise<DialPlan['to']> => {
    if (over !== null) return { fd: descriptorOf(over as Duplex) };
    if (path !== null) return { path };
    const parts = await resolve.parts(first.host, hops.length === 0 ? family : 0);
    stop = () => parts.stop();
    return { addresses: parts.addresses, more: parts.more, port: first.port, sorted };
  };
  const [place, ...found] = await Promise.all([begin(), ...wanted]).catch((error: unknown) => {
    stop();
    throw error;
  });
  const last = found.at(-1);
  if (last === undefined) return { to: place, routes: [[]], stop: () => stop() };
  const before = found.slice(0, -1).map(([end]) => end);
  return { to: place, routes: last.map((end) => [...before, end]), stop: () => stop() };
}

/** A failure on a Duplex that had failed itself: what the stream says of it is the cause. */
function causedBy(over: Duplex | null, failure: unknown): unknown {
  const cause = over?.errored ?? null;
  if (cause === null || !(failure instanceof MillraceError) || failure.cause !== undefined) return failure;
  return Object.defineProperty(failure, 'cause', { value: cause, configurable: true, writable: true });
}

/** What a proxy says of one address, and another may not be so. `ssh -D` says it by closing. */
const UNREACHABLE = new Set<string>([
  'MILLRACE_SOCKS_NETWORK_UNREACHABLE',
  'MILLRACE_SOCKS_HOST_UNREACHABLE',
  'MILLRACE_SOCKS_CONNECTION_REFUSED',
  'MILLRACE_SOCKS_TTL_EXPIRED',
  'MILLRACE_SOCKS_ADDRESS_UNSUPPORTED',
  'MILLRACE_SOCKS4_REJECTED',
  'MILLRACE_PROXY_CLOSED',
]);

function isUnreachable(error: unknown): boolean {
  return error instanceof MillraceError && UNREACHABLE.has(error.code);
}

/** The addresses of a host as they come (RFC 8305 §3): those of the other family may follow. */
async function partsOf(
  { host, family, resolver }: ConnectOptionValues,
  timeout: number,
  signal: AbortSignal | null,
): Promise<Parts> {
  const limits = { family, timeout, option: 'timeouts.dns', signal };
  const parts = await namesFor('connect', resolver).resolveParts(host, limits);
  const { first, rest } = parts;
  const texts = (list: typeof first): string[] => list.map(({ address }) => address);
  return { addresses: texts(first), more: rest === null ? null : rest.then(texts), stop: () => parts.stop() };
}

/** The addresses of a host. */
async function addressesOf(
  { host, family, resolver }: ConnectOptionValues,
  timeout: number,
  signal: AbortSignal | null,
): Promise<string[]> {
  const limits = { family, timeout, option: 'timeouts.dns', signal };
  const found = await namesFor('connect', resolver).resolve(host, limits);
  return found.map(({ address }) => address);
}

function totalTimeout(total: number): MillraceError {
  return new MillraceError('MILLRACE_TOTAL_TIMEOUT', undefined, {
    limit: { option: 'timeouts.total', value: total, seen: total },
  });
}

/** The caller's signal and the time for all of it, as one signal. */
function deadlineOf(
  given: AbortSignal | null,
  total: number | null,
): { signal: AbortSignal | null; isOver(): boolean; stop(): void } {
  if (total === null) return { signal: given, isOver: () => false, stop: () => undefined };
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(), total);
  const signal = given === null ? own.signal : AbortSignal.any([given, own.signal]);
  return {
    signal,
    isOver: () => own.signal.aborted && given?.aborted !== true,
    stop: () => clearTimeout(timer),
  };
}
