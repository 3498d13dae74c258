import type { Duplex } from 'node:stream';

import { namesFor } from '../dns/default-names.js';
import type { LookupFunction } from '../dns/lookup-function.js';
import type { Resolver } from '../dns/resolver.js';
import { abortError } from '../errors/abort-error.js';
import { describeValue } from '../errors/escape.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { attach, slotOf } from '../native/events.js';
import { native } from '../native/loader.js';
import type { ConnectOptionValues } from '../options/connect.generated.js';
import { CONNECT_OPTIONS } from '../options/connect.generated.js';
import type { ConnectTimeouts, ConnectTimeoutValues } from '../options/connect-timeouts.generated.js';
import { CONNECT_TIMEOUTS } from '../options/connect-timeouts.generated.js';
import { validateOptions } from '../options/validate.js';
import { TlsContext } from '../tls/tls-context.js';
import type { TlsClientOptions } from '../tls/tls-options.js';
import { descriptorOf } from './bridge.js';
import { Socket } from './socket.js';

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
  /** Who resolves the name; without it one that all connections of the thread share. */
  resolver?: Resolver | LookupFunction | undefined;
  localAddress?: string | undefined;
  /** `true` for a default context, a context, or the options of one. */
  tls?: boolean | TlsContext | TlsClientOptions | undefined;
  timeouts?: ConnectTimeouts | undefined;
  signal?: AbortSignal | undefined;
  noDelay?: boolean | undefined;
  /** `false`: none. */
  keepAlive?: KeepAlive | boolean | undefined;
  /** TCP_USER_TIMEOUT in ms. */
  userTimeout?: number | undefined;
}

const KEEP_ALIVE: KeepAlive = { idle: 60, interval: 10, count: 3 };
const SYSTEM = 2;

/** Connects; resolves when the socket is open, with TLS where that was asked for. */
export async function connect(options: ConnectOptions): Promise<Socket> {
  const values = validateOptions<ConnectOptionValues>(CONNECT_OPTIONS, options);
  const timeouts = validateOptions<ConnectTimeoutValues>(CONNECT_TIMEOUTS, values.timeouts ?? {});
  const keepAlive = keepAliveOf(values.keepAlive);
  const deadline = deadlineOf(values.signal, timeouts.total);
  try {
    deadline.signal?.throwIfAborted();
    const tls = await contextOf(values.tls);
    const named = values.path === null && values.over === null;
    const hosts = named ? await addressesOf(values, timeouts.dns, deadline.signal) : [''];
    const started = performance.now();
    let failure: unknown;
    for (const host of hosts) {
      const left = timeouts.connect - (performance.now() - started);
      if (left <= 0) break;
      try {
        return await open(values, host, tls, keepAlive, Math.max(1, Math.round(left)), timeouts.tls, deadline.signal);
      } catch (error) {
        failure = error;
        // Another address has the same certificate and the same rules.
        if (!(error instanceof MillraceError) || error.phase === 'tls' || deadline.signal?.aborted === true) break;
      }
    }
    throw (failure as Error | undefined) ?? new MillraceError('MILLRACE_CONNECT_TIMEOUT');
  } catch (error) {
    throw deadline.isOver() ? totalTimeout(timeouts.total ?? 0) : error;
  } finally {
    deadline.stop();
  }
}

async function open(
  values: ConnectOptionValues,
  host: string,
  tls: TlsContext | null,
  keepAlive: number[] | undefined,
  connectTimeout: number,
  tlsTimeout: number,
  signal: AbortSignal | null,
): Promise<Socket> {
  attach();
  const id = native.dial({
    ...placeOf(values, host),
    port: values.port ?? 0,
    ...(values.localAddress === null ? null : { localAddress: values.localAddress }),
    noDelay: values.noDelay,
    ...(keepAlive === undefined ? null : { keepAlive }),
    userTimeout: values.userTimeout ?? 0,
    tls: tls?.number ?? 0,
    servername: tls?.servername ?? values.host,
    connectTimeout,
    tlsTimeout,
  });
  const where = values.path === null ? { address: host, port: values.port ?? 0 } : { address: values.path };
  if (id < 0) throw id < -100_000 ? errorFromNative(-id - 100_000, where) : system(-id, where);
  const socket = new Socket(id, slotOf(id));
  const onAbort = (): void => socket.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await socket.opened();
    return socket;
  } catch (error) {
    if (signal?.aborted === true) throw abortError(signal);
    if (error instanceof MillraceError && error.errno !== undefined) throw system(error.errno, where);
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function placeOf({ path, over }: ConnectOptionValues, host: string): { host?: string; path?: string; fd?: number } {
  if (over !== null) return { fd: descriptorOf(over as Duplex) };
  return path === null ? { host } : { path };
}

function system(errno: number, where: { address: string; port?: number }): MillraceError {
  return errorFromNative(SYSTEM, { errno, syscall: 'connect', ...where });
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

/** The addresses of a host. */
async function addressesOf(
  { host, family, resolver }: ConnectOptionValues,
  timeout: number,
  signal: AbortSignal | null,
): Promise<string[]> {
  const limits = { family: FAMILIES[family], timeout, option: 'timeouts.dns', signal };
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
