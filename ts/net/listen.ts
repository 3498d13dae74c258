import { misuse } from '../errors/millrace-error.js';
import type { NativeServerOptions } from '../native/binding.js';
import { SERVER_RAW } from '../native/binding.js';
import { native } from '../native/loader.js';
import type { SocketListenOptions, SocketListenOptionValues } from '../options/listen.generated.js';
import { SOCKET_LISTEN_OPTIONS } from '../options/listen.generated.js';
import { validateOptions } from '../options/validate.js';
import type { TlsContext } from '../tls/tls-context.js';
import type { TlsServerOptions } from '../tls/tls-options.js';
import { gateError } from './gate-error.js';
import { withAbstractName } from './abstract-name.js';
import { bind } from './bind.js';
import type { KeepAlive } from './keep-alive.js';
import { keepAliveNumbers } from './keep-alive.js';
import type { OnConnection } from './listener.js';
import { Listener } from './listener.js';
import { listening } from './listening.js';

/** Where and how to listen for raw connections; docs/options.md has ranges and defaults. */
export interface ListenSocketOptions extends SocketListenOptions {
  /** A context, or the options of one that the listener makes for itself. Absent: plain connections. */
  tls?: TlsContext | TlsServerOptions | undefined;
  /** `false`: none. */
  keepAlive?: KeepAlive | boolean | undefined;
}

/**
 * Listens for connections that speak no protocol of ours: each is given to `onConnection` as a `Socket` once it is open,
 * with PROXY head and TLS where those were asked for. What `onConnection` throws or rejects with is logged, and its
 * socket destroyed. Resolves when it listens.
 */
export async function listen(options: ListenSocketOptions, onConnection: OnConnection): Promise<Listener> {
  const values = validateOptions(SOCKET_LISTEN_OPTIONS, withAbstractName(options));
  if (typeof onConnection !== 'function') {
    throw misuse('MILLRACE_INVALID_ARGUMENT', 'listen: the second argument must be a function that takes sockets');
  }
  const native_ = nativeOptions(values);
  return listening('listen', values, (tls) =>
    bind(native_, values, ({ id, place, name }) => {
      setGate(id, values, name);
      if (tls !== null) native.serverTls(id, tls.number);
      return new Listener(id, place, tls, onConnection);
    }),
  );
}

function setGate(id: number, values: SocketListenOptionValues, name: string): void {
  const allow = [...(values.allow ?? [])];
  const deny = [...(values.deny ?? [])];
  const code = native.setGate(id, {
    maxConnections: values.maxConnections ?? -1,
    maxConnectionsPerIp: values.maxConnectionsPerIp ?? -1,
    allow,
    deny,
    trustProxy: [],
    rates: [],
    scope: values.limitScope === 'process' ? name : undefined,
  });
  if (code !== 0) throw gateError(code, { allow, deny, trustProxy: [] });
}

/** What only HTTP asks is at rest. */
function nativeOptions(values: SocketListenOptionValues): NativeServerOptions {
  const keepAlive = keepAliveNumbers('listen', values.keepAlive);
  return {
    kind: SERVER_RAW,
    port: values.port,
    backlog: values.backlog,
    reusePort: values.reusePort,
    ipv6Only: values.ipv6Only,
    proxyProtocol: ['off', 'optional', 'required'].indexOf(values.proxyProtocol),
    noDelay: values.noDelay,
    ...(keepAlive === undefined ? null : { keepAlive }),
    userTimeout: values.userTimeout ?? 0,
    fastOpen: values.fastOpen,
    deferAccept: values.deferAccept,
    headersTimeout: values.handshakeTimeout,
    tlsHandshakeTimeout: values.handshakeTimeout,
    maxConnections: values.maxConnections ?? -1,
    writeHighWaterMark: values.writeHighWaterMark,
    requestTimeout: 0,
    bodyTimeout: 0,
    writeTimeout: 0,
    keepAliveTimeout: 0,
    maxRequestsPerConnection: -1,
    maxPipelined: 1,
    maxUrlSize: 1,
    maxHeaderSize: 1,
    maxHeaderFields: 1,
    maxBodySize: -1,
    upgrades: false,
    connects: false,
    minReceiveRate: 0,
    minSendRate: 0,
  };
}
