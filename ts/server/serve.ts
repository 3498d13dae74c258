import type { NativeServerOptions } from '../native/binding.js';
import { SERVER_HTTP1 } from '../native/binding.js';
import { native } from '../native/loader.js';
import type { ListenOptions, ServerLimits, ServerOptionValues, ServerTimeouts } from '../options/server.generated.js';
import { SERVER_OPTIONS } from '../options/server.generated.js';
import { validateOptions } from '../options/validate.js';
import { bind } from '../net/bind.js';
import { listening } from '../net/listening.js';
import type { Socket } from '../net/socket.js';
import type { CompressionOptions } from './compression/options.js';
import { compressionSettings } from './compression/options.js';
import type { AccessLog } from './access-log.js';
import { setGate } from './gate.js';
import type { Middleware } from './middleware.js';
import type { RateLimit } from './rate-limit.js';
import { checkRateLimits, rateLimiter } from './rate-limit.js';
import type { ReputationOptions } from './reputation.js';
import { nativeReputation } from './reputation.js';
import type { ServerRequest } from './request.js';
import type { ServerResponse } from './response.js';
import type { SocksHook } from './server.js';
import { Server } from './server.js';
import type { TlsContext } from '../tls/tls-context.js';
import type { TlsServerOptions } from '../tls/tls-options.js';
import type { Validate } from './validate-head.js';
import type { LazyResponse } from './web-response.js';

/** A Response, ours or the platform's. */
export type AnyResponse = Response | LazyResponse;

interface ServeBase extends ListenOptions, ServerTimeouts, ServerLimits {
  /** A context, or the options of one that the server makes for itself. Absent: plain connections. */
  tls?: TlsContext | TlsServerOptions | undefined;
  /** Lets the next connection of a client that broke rules wait, or refuses it; off unless asked. */
  reputation?: boolean | ReputationOptions | undefined;
  /** Takes over the connection of an Upgrade request. Absent: the field is ignored and the request served. */
  onUpgrade?(req: ServerRequest, socket: Socket, head: Uint8Array): unknown;
  /** Takes over the connection of a CONNECT request. Absent: 405. */
  onConnect?(req: ServerRequest, socket: Socket, head: Uint8Array): unknown;
  /** What a handler threw or rejected with, or that it took too long: answer with a status or a Response; else 500. */
  onError?(
    error: unknown,
    req: ServerRequest | null,
  ): AnyResponse | number | void | Promise<AnyResponse | number | void>;
  /** Looks at a request's head before anything else: answer with nothing, or with the status to refuse it with. */
  validate?: Validate | undefined;
  /** How many requests may come in how much time. */
  rateLimits?: readonly RateLimit[] | undefined;
  /** Functions round the handler, the first outermost. */
  middleware?: readonly Middleware[] | undefined;
  /** One record for each exchange that ended: true logs it at `info`, a function is given it. */
  accessLog?: AccessLog | undefined;
  /** Whether what is logged on behalf of a request carries its id and its trace's. */
  logContext?: boolean | undefined;
  /** Compresses responses by content negotiation; off unless asked. */
  compression?: boolean | CompressionOptions | undefined;
}

/** What `serve` takes: options, and one of the two kinds of handler. */
export type ServeOptions = ServeBase &
  (
    | { handler(req: ServerRequest, res: ServerResponse): unknown; fetch?: never }
    | { fetch(request: Request, info: { req: ServerRequest }): AnyResponse | Promise<AnyResponse>; handler?: never }
  );

/** Starts a server; resolves when it listens. */
export function serve(options: ServeOptions): Promise<Server> {
  return start(options, null);
}

/** What makes a server a proxy's. */
export interface ProxyPart {
  /** `SERVER_PROXY` or `SERVER_PROXY_AUTH`. */
  readonly kind: number;
  readonly onSocks: SocksHook;
}

/** @internal As `serve`; with a `proxy`, clients may speak SOCKS too. */
export async function start(options: ServeOptions, proxy: ProxyPart | null): Promise<Server> {
  const values = await withCompression(withRateLimits(validateOptions(SERVER_OPTIONS, options)));
  nativeReputation(values.reputation);
  return listening('serve', values, (tls) => listen(values, tls, proxy));
}

/** Rate limits that the native core cannot check become the outermost middleware. */
function withRateLimits(values: ServerOptionValues): ServerOptionValues {
  const limits = (values.rateLimits ?? []) as readonly RateLimit[];
  checkRateLimits(limits);
  const limiter = rateLimiter(limits);
  if (limiter === undefined) return values;
  return { ...values, middleware: [limiter, ...((values.middleware ?? []) as readonly Middleware[])] };
}

/** The options of `compression` in the form in which responses ask them; they are checked before anything listens. */
async function withCompression(values: ServerOptionValues): Promise<ServerOptionValues> {
  if (values.compression === false) return values;
  const given = values.compression === true ? {} : values.compression;
  return { ...values, compression: await compressionSettings(given)() };
}

function listen(values: ServerOptionValues, tls: TlsContext | null, proxy: ProxyPart | null): Promise<Server> {
  const kind = proxy?.kind ?? SERVER_HTTP1;
  return bind({ ...nativeOptions(values), kind }, values, ({ id, place, name }) => {
    setGate(id, values, name);
    if (tls !== null) native.serverTls(id, tls.number);
    return new Server(id, values, place, reloader(id, name), tls, proxy?.onSocks);
  });
}

const reloader = (id: number, place: string) => (next: ServerOptionValues) => reloadNative(id, next, place);

function reloadNative(id: number, values: ServerOptionValues, place: string): number {
  const found = native.reloadServer(id, nativeOptions(values));
  if (found !== 0) setGate(id, values, place);
  return found;
}

/** Where "no limit" is null here, it is a negative number there. */
function nativeOptions(values: ServerOptionValues): NativeServerOptions {
  return {
    port: values.port,
    backlog: values.backlog,
    reusePort: values.reusePort,
    ipv6Only: values.ipv6Only,
    proxyProtocol: ['off', 'optional', 'required'].indexOf(values.proxyProtocol),
    headersTimeout: values.headersTimeout,
    requestTimeout: values.requestTimeout,
    bodyTimeout: values.bodyTimeout,
    writeTimeout: values.writeTimeout,
    keepAliveTimeout: values.keepAliveTimeout,
    maxConnections: values.maxConnections ?? -1,
    maxRequestsPerConnection: values.maxRequestsPerConnection ?? -1,
    maxPipelined: values.maxPipelined,
    maxUrlSize: values.maxUrlSize,
    maxHeaderSize: values.maxHeaderSize,
    maxHeaderFields: values.maxHeaderFields,
    maxBodySize: values.maxBodySize ?? -1,
    writeHighWaterMark: values.writeHighWaterMark,
    upgrades: values.onUpgrade !== null,
    connects: values.onConnect !== null,
    minReceiveRate: values.minReceiveRate,
    minSendRate: values.minSendRate,
    tlsHandshakeTimeout: values.tlsHandshakeTimeout,
    kind: SERVER_HTTP1,
    noDelay: true,
    userTimeout: 0,
    fastOpen: values.fastOpen,
    deferAccept: values.deferAccept,
  };
}
