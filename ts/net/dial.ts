import { abortError } from '../errors/abort-error.js';
import { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { attach, slotOf } from '../native/events.js';
import type { NativeDial, NativeHop } from '../native/binding.js';
import { native } from '../native/loader.js';
import type { RouteHop } from '../proxy/route.js';
import { labelOf } from '../proxy/route.js';
import { TlsContext } from '../tls/tls-context.js';
import type { DialFailure } from './dial-failure.js';
import { Socket } from './socket.js';

/** A host and a port, or the host's addresses. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** One dial: everything is resolved, checked and chosen. */
export interface DialPlan {
  /** Where we connect to: addresses in their order, a Unix socket's path, or a descriptor that is handed over. */
  readonly to:
    | {
        readonly addresses: readonly string[];
        /** Addresses that come later; null: there are none. It never rejects. */
        readonly more: Promise<readonly string[]> | null;
        readonly port: number;
        readonly sorted: boolean;
      }
    | { path: string }
    | { fd: number };
  readonly hops: readonly RouteHop[];
  /** What each hop is asked for. */
  readonly targets: readonly Endpoint[];
  /** TLS with the target. */
  readonly tls: TlsContext | null;
  readonly servername: string;
  readonly socket: Pick<NativeDial, 'localAddress' | 'noDelay' | 'keepAlive' | 'userTimeout' | 'fastOpen'>;
  readonly connectTimeout: number;
  readonly tlsTimeout: number;
  readonly proxyTimeout: number;
}

const SYSTEM = 2;
const KINDS = { socks4: 0, socks4a: 1, socks5: 2, socks5h: 3, http: 4, https: 4 } as const;
let proxyTls: Promise<TlsContext> | undefined;

/** Dials; resolves when everything on the way is open. */
export async function dial(plan: DialPlan, signal: AbortSignal | null): Promise<Socket> {
  attach();
  const hops = await Promise.all(plan.hops.map((hop, place) => nativeHop(hop, plan.targets[place])));
  const id = native.dial({
    ...placeOf(plan),
    ...plan.socket,
    ...(hops.length === 0 ? null : { hops }),
    tls: plan.tls?.number ?? 0,
    servername: plan.servername,
    connectTimeout: plan.connectTimeout,
    tlsTimeout: plan.tlsTimeout,
    proxyTimeout: plan.proxyTimeout,
  });
  if (id < 0) throw id < -100_000 ? errorFromNative(-id - 100_000, whereOf(plan)) : refused(-id, plan);
  const { to } = plan;
  if ('addresses' in to) void to.more?.then((addresses) => native.dialAddresses(id, [...addresses], to.port));
  const socket = new Socket(id, slotOf(id));
  const onAbort = (): void => socket.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await socket.opened((failure) => explain(failure, plan));
    // It may be refused yet, and is to say where: nobody knows any more then.
    if (plan.socket.fastOpen) void socket.remoteAddress;
    return socket;
  } catch (error) {
    if (signal?.aborted === true) throw abortError(signal);
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function explain({ codeId, hop, a, b, detail }: DialFailure, plan: DialPlan): MillraceError {
  const proxy = plan.hops[hop];
  const through = proxy === undefined ? '' : `, at the proxy ${labelOf(proxy)}`;
  if (codeId === SYSTEM) return systemFailure(a, detail, plan, through);
  const error = errorFromNative(codeId, { value: a, seen: b, ...whereOf(plan) });
  if (error.code === 'MILLRACE_CONNECT_TIMEOUT') return lateFailure(error, detail, through);
  const said = detail === '' ? '' : `: ${detail}`;
  if (said === '' && through === '') return error;
  const { limit, address, port, phase = 'proxy' } = error;
  return new MillraceError(error.code, `${error.message}${through}${said}`, {
    // What belongs to any connection, or to HTTP, belongs here to the handshake with the proxy.
    ...(proxy === undefined ? null : { phase }),
    ...(limit === undefined ? null : { limit }),
    ...(address === undefined ? null : { address }),
    ...(port === undefined ? null : { port }),
  });
}

/** No address answered in time; those that had failed before stand in `errors`. */
function lateFailure(error: MillraceError, detail: string, through: string): MillraceError {
  const failures = failuresOf(detail);
  if (failures.length === 0 && through === '') return error;
  const before = failures.length === 0 ? '' : ` (before that: ${rows(failures)})`;
  const { limit, address, port, retryable } = error;
  const told = new MillraceError(error.code, `${error.message}${through}${before}`, {
    ...(limit === undefined ? null : { limit }),
    ...(address === undefined ? null : { address }),
    ...(port === undefined ? null : { port }),
    retryable,
  });
  return failures.length === 0 ? told : withErrors(told, failures);
}

/** The first address speaks for all: the others' failures stand beside it in `errors`, as an AggregateError has them. */
function systemFailure(errno: number, detail: string, plan: DialPlan, through: string): MillraceError {
  const failures = failuresOf(detail);
  const first = failures[0] ?? refused(errno, plan);
  if (failures.length <= 1 && through === '') return first;
  const rest = failures.length > 1 ? ` (and ${failures.length - 1} more: ${rows(failures.slice(1))})` : '';
  const { errno: number, syscall, address, port, cause, retryable } = first;
  const error = new MillraceError(first.code, `${first.message}${through}${rest}`, {
    ...(number === undefined ? null : { errno: number }),
    ...(syscall === undefined ? null : { syscall }),
    ...(address === undefined ? null : { address }),
    ...(port === undefined ? null : { port }),
    cause,
    retryable,
    phase: 'connect',
  });
  return withErrors(error, failures);
}

/** An error for each line: address, port, errno. */
function failuresOf(detail: string): MillraceError[] {
  const lines = detail === '' ? [] : detail.split('\n');
  return lines.map((line) => {
    const [address = '', port = '0', number = '0'] = line.split(' ');
    return errorFromNative(SYSTEM, {
      errno: Number(number),
      syscall: 'connect',
      phase: 'connect',
      address,
      port: Number(port),
    });
  });
}

function withErrors(error: MillraceError, failures: readonly MillraceError[]): MillraceError {
  return Object.defineProperty(error, 'errors', { value: failures, configurable: true, writable: true });
}

function rows(failures: readonly MillraceError[]): string {
  return failures.map(({ message }) => message).join(', ');
}

function refused(errno: number, plan: DialPlan): MillraceError {
  return errorFromNative(SYSTEM, { errno, syscall: 'connect', phase: 'connect', ...whereOf(plan) });
}

function whereOf({ to }: DialPlan): { address?: string; port?: number } {
  if ('path' in to) return { address: to.path };
  if ('fd' in to) return {};
  const [address] = to.addresses;
  return address === undefined ? {} : { address, port: to.port };
}

function placeOf({ to }: DialPlan): Pick<NativeDial, 'hosts' | 'path' | 'fd' | 'port' | 'sorted' | 'more'> {
  if ('path' in to) return { path: to.path, port: 0, sorted: false, more: false };
  if ('fd' in to) return { fd: to.fd, port: 0, sorted: false, more: false };
  return { hosts: [...to.addresses], port: to.port, sorted: to.sorted, more: to.more !== null };
}

async function nativeHop(hop: RouteHop, target: Endpoint): Promise<NativeHop> {
  // Other contexts are the caller's; the default one is made once.
  const tls = hop.kind === 'https' ? (hop.tls ?? (await (proxyTls ??= TlsContext.client()))) : null;
  return {
    kind: KINDS[hop.kind],
    tls: tls?.number ?? 0,
    servername: tls?.servername ?? hop.host,
    host: target.host,
    port: target.port,
    ...(hop.credentials === null ? null : { credentials: [...hop.credentials] }),
    fields: hop.fields,
  };
}
