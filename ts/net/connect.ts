import type { LookupAddress } from 'node:dns';
import type { Duplex } from 'node:stream';
import { types } from 'node:util';

import { describeValue } from '../errors/escape.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import type { ConnectOptionValues } from '../options/connect.generated.js';
import { CONNECT_OPTIONS } from '../options/connect.generated.js';
import type { ConnectTimeouts, ConnectTimeoutValues } from '../options/connect-timeouts.generated.js';
import { CONNECT_TIMEOUTS } from '../options/connect-timeouts.generated.js';
import { validateOptions } from '../options/validate.js';
import type { ProxyOption, RouteHop } from '../proxy/route.js';
import { routeOf } from '../proxy/route.js';
import { TlsContext } from '../tls/tls-context.js';
import type { TlsClientOptions } from '../tls/tls-options.js';
import { abortError } from './abort.js';
import { descriptorOf } from './bridge.js';
import type { DialPlan, Endpoint } from './dial.js';
import { dial } from './dial.js';
import type { Socket } from './socket.js';

/** When an idle connection is asked whether its peer is still there, in seconds. */
export interface KeepAlive {
  idle: number;
  interval: number;
  count: number;
}

/** Where and how to connect; docs/options.md has ranges and defaults. */
export interface ConnectOptions {
  /** A name or an address literal; `localhost` unless given. */
  host?: string | undefined;
  port?: number | undefined;
  /** A Unix socket instead; `@name` is an abstract name. */
  path?: string | undefined;
  /** A Duplex that is connected already, instead of an address. */
  over?: Duplex | undefined;
  family?: 'any' | 'ipv4' | 'ipv6' | undefined;
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
}

const KEEP_ALIVE: KeepAlive = { idle: 60, interval: 10, count: 3 };

/** Connects; resolves when the socket is open, through proxies and with TLS where that was asked for. */
export async function connect(options: ConnectOptions): Promise<Socket> {
  const values = validateOptions<ConnectOptionValues>(CONNECT_OPTIONS, options);
  const timeouts = validateOptions<ConnectTimeoutValues>(CONNECT_TIMEOUTS, values.timeouts ?? {});
  const keepAlive = keepAliveOf(values.keepAlive);
  const target = { scheme: 'tcp', host: values.host, port: values.port ?? 0 };
  const hops = values.path === null ? routeOf('connect', values.proxy as ProxyOption, target) : [];
  const deadline = deadlineOf(values.signal, timeouts.total);
  try {
    deadline.signal?.throwIfAborted();
    const tls = await contextOf(values.tls);
    const resolve = (host: string, family: ConnectOptionValues['family']): Promise<string[]> =>
      addressesOf({ ...values, host, family }, timeouts.dns, deadline.signal);
    const { to, routes } = await planOf(values, hops, resolve);
    const plan = {
      to,
      hops,
      tls,
      servername: tls?.servername ?? values.host,
      socket: {
        ...(values.localAddress === null ? null : { localAddress: values.localAddress }),
        noDelay: values.noDelay,
        ...(keepAlive === undefined ? null : { keepAlive }),
        userTimeout: values.userTimeout ?? 0,
      },
      connectTimeout: timeouts.connect,
      tlsTimeout: timeouts.tls,
      proxyTimeout: timeouts.proxy,
    };
    let failure: unknown;
    for (const targets of routes) {
      try {
        return await dial({ ...plan, targets }, deadline.signal);
      } catch (error) {
        failure = error;
        if (deadline.signal?.aborted === true || !isUnreachable(error)) break;
      }
    }
    throw failure as Error;
  } catch (error) {
    throw deadline.isOver() ? totalTimeout(timeouts.total ?? 0) : error;
  } finally {
    deadline.stop();
  }
}

/** Where to connect, and what each proxy is asked for; several ways where the last has to be told an address. */
async function planOf(
  { host, port, path, over, family }: ConnectOptionValues,
  hops: readonly RouteHop[],
  resolve: (host: string, family: ConnectOptionValues['family']) => Promise<string[]>,
): Promise<{ to: DialPlan['to']; routes: Endpoint[][] }> {
  const target = { host: plainHost(host), port: port ?? 0 };
  const ends: Endpoint[] = [...hops.slice(1), target];
  const wanted = hops.map(async ({ kind }, place): Promise<Endpoint[]> => {
    const end = ends[place] as Endpoint;
    if (kind !== 'socks4' && kind !== 'socks5') return [{ host: end.host, port: end.port }];
    const addresses = await resolve(end.host, kind === 'socks4' ? 'ipv4' : place === hops.length - 1 ? family : 'any');
    return addresses.map((address) => ({ host: address, port: end.port }));
  });
  const first = hops[0] ?? target;
  const to =
    over !== null
      ? Promise.resolve({ fd: descriptorOf(over as Duplex) })
      : path !== null
        ? Promise.resolve({ path })
        : resolve(first.host, hops.length === 0 ? family : 'any').then((addresses) => ({
            addresses,
            port: first.port,
          }));
  const [place, ...found] = await Promise.all([to, ...wanted]);
  const last = found.at(-1);
  if (last === undefined) return { to: place, routes: [[]] };
  const before = found.slice(0, -1).map(([end]) => end as Endpoint);
  return { to: place, routes: last.map((end) => [...before, end]) };
}

/** What a proxy says of one address, and another may not be so. */
const UNREACHABLE = new Set<string>([
  'MILLRACE_SOCKS_NETWORK_UNREACHABLE',
  'MILLRACE_SOCKS_HOST_UNREACHABLE',
  'MILLRACE_SOCKS_CONNECTION_REFUSED',
  'MILLRACE_SOCKS_TTL_EXPIRED',
  'MILLRACE_SOCKS_ADDRESS_UNSUPPORTED',
  'MILLRACE_SOCKS4_REJECTED',
]);

function isUnreachable(error: unknown): boolean {
  return error instanceof MillraceError && UNREACHABLE.has(error.code);
}

/** An address literal in brackets is that address. */
function plainHost(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

async function contextOf(tls: unknown): Promise<TlsContext | null> {
  if (tls === false) return null;
  if (tls === true) return TlsContext.client();
  if (!(tls instanceof TlsContext)) return TlsContext.client(tls as TlsClientOptions);
  if (tls.kind !== 'client') {
    throw misuse('MILLRACE_INVALID_ARGUMENT', "connect: option 'tls' must be a client's context, got a server's");
  }
  return tls;
}

function keepAliveOf(given: boolean | object): number[] | undefined {
  if (given === false) return undefined;
  const { idle, interval, count } = { ...KEEP_ALIVE, ...(given === true ? {} : given) };
  for (const [name, value] of Object.entries({ idle, interval, count })) {
    if (!Number.isInteger(value) || value < 1 || value > 32_767) {
      const message = `connect: option 'keepAlive.${name}' must be an integer from 1 to 32767, got ${describeValue(value)}`;
      throw misuse('MILLRACE_INVALID_ARGUMENT', message);
    }
  }
  return [idle, interval, count];
}

const FAMILIES = { any: 0, ipv4: 4, ipv6: 6 } as const;

/** The addresses of a host, in the order of the system's resolver. */
async function addressesOf(
  { host, family }: ConnectOptionValues,
  timeout: number,
  signal: AbortSignal | null,
): Promise<string[]> {
  const [{ isIP }, { lookup }] = await Promise.all([import('node:net'), import('node:dns/promises')]);
  if (isIP(host) !== 0) return [host];
  const asked = lookup(host, { all: true, family: FAMILIES[family] });
  const found: LookupAddress[] = await within(asked, timeout, signal);
  return found.map(({ address }) => address);
}

/** The answer of the resolver, or its timeout; what comes later is dropped. */
function within<T>(asked: Promise<T>, timeout: number, signal: AbortSignal | null): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const onAbort = (): void => end(() => reject(abortError(signal as AbortSignal)));
    const timer = setTimeout(() => end(() => reject(new MillraceError('MILLRACE_DNS_TIMEOUT'))), timeout);
    signal?.addEventListener('abort', onAbort, { once: true });
    asked.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(types.isNativeError(error) ? dnsError(error) : new Error(String(error)))),
    );
  });
}

function dnsError(cause: Error): MillraceError {
  return new MillraceError('MILLRACE_DNS_FAILED', cause.message, { cause });
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
