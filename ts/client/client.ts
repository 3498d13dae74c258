import type { Writable } from 'node:stream';

import { quote } from '../errors/escape.js';
import { inspectedAs } from '../errors/inspected-as.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import type { HeadersInput } from '../message/head-text.js';
import { checkValue } from '../message/head-text.js';
import { native } from '../native/loader.js';
import type { ClientOptionValues } from '../options/client.generated.js';
import { CLIENT_OPTIONS } from '../options/client.generated.js';
import { validateOptions } from '../options/validate.js';
import type { OriginPool } from '../pool/origin-pool.js';
import type { PoolOptions } from '../pool/pool.js';
import { ConnectionPool } from '../pool/pool.js';
import type { PoolKey } from '../pool/pool-key.js';
import type { PoolStats } from '../pool/stats.js';
import type { ProxyOption } from '../proxy/route.js';
import { environmentProxy } from '../proxy/route.js';
import type { BreakerOptions } from '../resilience/circuit-breaker.js';
import { CircuitBreaker } from '../resilience/circuit-breaker.js';
import type { RetryOptions } from '../resilience/retry.js';
import { TlsContext } from '../tls/tls-context.js';
import type { TlsClientOptions } from '../tls/tls-options.js';
import type { Auth } from './auth/auth.js';
import { Authenticator } from './auth/authenticator.js';
import type { CallHelp } from './call.js';
import { Call } from './call.js';
import { isObserved } from './channels.js';
import { acceptEncoding } from './content-coding.js';
import type { CookieJar } from './cookies.js';
import { Cookies } from './cookies.js';
import type { Destination, RequestTarget } from './destination.js';
import { Destinations, shownUrl } from './destination.js';
import { ExchangeEvents } from './events.js';
import type { Prepared } from './exchange.js';
import type { Interceptor } from './interceptors.js';
import { Interceptors } from './interceptors.js';
import type { DispatchHandler, DispatchOptions, ExchangeControl } from './dispatch.js';
import { DispatchControl, DispatchExchange } from './dispatch.js';
import { fetchOver } from './fetch.js';
import { isIdempotent, methodNumber } from './method.js';
import type { FieldsText } from './prepare.js';
import { fieldsText, NO_FIELDS, plainBody, withQuery } from './prepare.js';
import type { RedirectMode } from './redirect.js';
import { RequestBody } from './request-body.js';
import type { ResponseRules, Upgraded } from './request-exchange.js';
import { RequestExchange } from './request-exchange.js';
import type { RequestOptions } from './request-options.js';
import { checkRequestOptions } from './request-options.js';
import type { ClientResponse, ResponseHead } from './response.js';
import { RequestTimeouts } from './timeouts.js';
import { Timings } from './timings.js';

/** What a client is, and what holds for its requests unless they say otherwise; docs/options.md has ranges and defaults. */
export interface ClientOptions extends Omit<RequestOptions, 'method' | 'body' | 'signal' | 'query'> {
  pool?: ConnectionPool | PoolOptions | undefined;
  maxHeaderSize?: number | undefined;
  maxHeaderFields?: number | undefined;
  tls?: TlsContext | TlsClientOptions | undefined;
  family?: 'any' | 'ipv4' | 'ipv6' | undefined;
  resolver?: PoolKey['resolver'];
  localAddress?: string | undefined;
  socketPath?: string | undefined;
  auth?: Auth | undefined;
  jar?: CookieJar | undefined;
  breaker?: BreakerOptions | CircuitBreaker | boolean | undefined;
}

/** A request as an interceptor sees it. */
export interface InterceptedRequest extends RequestOptions {
  readonly url: string | URL;
}

/** How many redirects `fetch` follows is the standard's affair; a client says it for `request`. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What else there is to an exchange. */
interface HopExtras {
  /** Fields beside the caller's: of the jar, of authentication. */
  readonly more: string;
  readonly onUpgrade?: ((upgraded: Upgraded) => void) | undefined;
}

const NO_EXTRAS: HopExtras = { more: '' };

/** An HTTP client: requests over the connections of a pool. */
export class Client implements AsyncDisposable {
  readonly pool: ConnectionPool;
  private readonly _values: ClientOptionValues;
  private readonly _ownsPool: boolean;
  private readonly _destinations = new Destinations();
  private readonly _times: RequestTimeouts;
  private readonly _fields: FieldsText;
  private readonly _help: CallHelp;
  /** Whether its calls are one exchange each, unless they are redirected. */
  private readonly _isPlain: boolean;
  private readonly _interceptors: Interceptors<InterceptedRequest, ClientResponse>;
  private _tls: TlsContext | undefined;
  private _tlsMade: Promise<TlsContext> | undefined;
  private _closed = false;

  constructor(options: ClientOptions = {}) {
    this._values = validateOptions<ClientOptionValues>(CLIENT_OPTIONS, options);
    const { pool, headers, timeouts, maxHeaderSize, maxHeaderFields, tls } = this._values;
    this._ownsPool = !(pool instanceof ConnectionPool);
    this.pool = pool instanceof ConnectionPool ? pool : new ConnectionPool(pool ?? {});
    this._times = new RequestTimeouts(timeouts, maxHeaderSize, maxHeaderFields);
    this._fields = headers === null ? NO_FIELDS : fieldsText(headers as HeadersInput);
    const { auth, jar, breaker } = this._values;
    this._help = {
      authenticator: auth === null || auth === false ? null : new Authenticator(auth),
      cookies: jar === null ? null : new Cookies(jar),
      breaker: breakerOf(breaker),
    };
    this._isPlain = Object.values(this._help).every((one) => one === null);
    this._interceptors = new Interceptors(({ url, ...options }) => this.send(url, options));
    if (tls instanceof TlsContext) {
      if (tls.kind !== 'client') {
        throw misuse('MILLRACE_INVALID_ARGUMENT', "Client: option 'tls' must be a client's context, got a server's");
      }
      this._tls = tls;
    }
  }

  /** Sends a request; resolves when the response's head is here. */
  request(url: string | URL, options: RequestOptions = NO_OPTIONS): Promise<ClientResponse> {
    if (this._interceptors.size > 0) return this._interceptors.run({ ...options, url });
    return this.send(url, options);
  }

  /** Has a function round every request from now on, inside of those that are there. */
  use(fn: Interceptor<InterceptedRequest, ClientResponse>): this {
    this._interceptors.use(fn);
    return this;
  }

  private send(url: string | URL, options: RequestOptions, mode: RedirectMode = 'client'): Promise<ClientResponse> {
    const timings = new Timings();
    const retries = options.retry ?? this._values.retry;
    const maxRedirects = options.maxRedirects ?? this._values.maxRedirects;
    const throws = options.throwOnError ?? this._values.throwOnError;
    const rules = { mode, maxRedirects, timings };
    const { body } = options;
    if (this._isPlain && retries === false && plainBody(body)) {
      return new Promise((resolve, reject) => {
        const answered = (response: ClientResponse): void => {
          if (throws && response.status >= 400) reject(statusError(response));
          else resolve(response);
        };
        const first = (response: ClientResponse): void => {
          if (!REDIRECTS.has(response.status) || maxRedirects === 0) return answered(response);
          this.call(url, options, rules).run(false, response).then(answered, reject);
        };
        this.exchange(url, options, body ?? undefined, undefined, NO_EXTRAS, timings, first, reject);
      });
    }
    return this.called(url, options, rules, retries, throws);
  }

  private call(url: string | URL, options: RequestOptions, rules: ConstructorParameters<typeof Call>[4]): Call {
    return new Call(this, this._help, url, options, rules);
  }

  private async called(
    url: string | URL,
    options: RequestOptions,
    rules: ConstructorParameters<typeof Call>[4],
    retries: RetryOptions | boolean,
    throws: boolean,
  ): Promise<ClientResponse> {
    if (options !== NO_OPTIONS) checkRequestOptions(options);
    this._destinations.targetOf(url);
    const response = await this.call(url, options, rules).run(retries);
    if (throws && response.status >= 400) throw statusError(response);
    return response;
  }

  get(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, options);
  }

  head(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, { ...options, method: 'HEAD' });
  }

  post(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, { ...options, method: 'POST' });
  }

  put(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, { ...options, method: 'PUT' });
  }

  patch(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, { ...options, method: 'PATCH' });
  }

  delete(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.request(url, { ...options, method: 'DELETE' });
  }

  /** As the platform's `fetch`, over this client's connections. */
  readonly fetch: typeof globalThis.fetch = (input, init) => fetchOver(this, input, init);

  /**
   * Sends a request and writes the response's body to what `sink` gives for its head, with back-pressure; resolves with
   * the head when the body has been written whole.
   */
  async stream(
    url: string | URL,
    options: RequestOptions,
    sink: (head: ResponseHead) => Writable,
  ): Promise<ResponseHead> {
    const response = await this.request(url, options);
    const { pipeline } = process.getBuiltinModule('node:stream/promises');
    try {
      await pipeline(response.body, sink(response));
    } catch (error) {
      // What is left of the body may never come, and nobody wants it.
      response.exchange.cancel(error);
      throw error;
    }
    return response;
  }

  /**
   * Asks for another protocol (`Upgrade`), or by the method CONNECT for a tunnel: the socket is the caller's. Rejects with
   * `MILLRACE_UPGRADE_REFUSED`, whose `response` is the server's, where it answers otherwise.
   */
  upgrade(url: string | URL, { protocol, ...options }: RequestOptions & { protocol: string }): Promise<Upgraded> {
    return new Promise((resolve, reject) => {
      const refused = (response: ClientResponse): void => {
        const message = `the server did not switch to ${quote(protocol)}: it answered ${response.status}`;
        reject(Object.assign(new MillraceError('MILLRACE_UPGRADE_REFUSED', message), { response }));
      };
      const more = `Connection\0upgrade\0Upgrade\0${checkValue('Upgrade', protocol)}\0`;
      const extras = { more, onUpgrade: resolve };
      this.exchange(url, options, undefined, undefined, extras, new Timings(), refused, reject);
    });
  }

  /** The primitive: no promise, no stream; what becomes of the request are calls of the handler. */
  dispatch(options: DispatchOptions, handler: DispatchHandler): ExchangeControl {
    const { url, body, ...rest } = options;
    const control = new DispatchControl(handler);
    const begin = (sorted: RequestBody | undefined): void => {
      if (control.aborted) return;
      this.launch(
        url,
        rest,
        sorted === undefined && plainBody(body) ? (body ?? undefined) : undefined,
        sorted,
        control,
      );
    };
    if (plainBody(body)) {
      begin(undefined);
    } else {
      const sorted = RequestBody.of(body);
      if (sorted instanceof RequestBody) begin(sorted);
      else sorted.then(begin).catch((error: unknown) => control.failed(error));
    }
    return control;
  }

  private launch(
    url: string | URL,
    options: RequestOptions,
    whole: string | Uint8Array | undefined,
    body: RequestBody | undefined,
    control: DispatchControl,
  ): void {
    if (this._closed) throw new MillraceError('MILLRACE_CLIENT_CLOSED');
    checkRequestOptions(options);
    const target = this._destinations.targetOf(url);
    const start = (): void => {
      if (control.aborted) return;
      const decompress = options.decompress ?? false;
      const prepared = this.prepare(options, target, whole, body, NO_EXTRAS, decompress);
      const origin = this.originOf(target.destination, options);
      const exchange = new DispatchExchange(origin, prepared, new Timings(), control, shownUrl(url, target));
      exchange.onOver = () => body?.close();
      exchange.start();
    };
    if (target.destination.scheme === 'http' || this._tls !== undefined) start();
    else
      this.makeTls()
        .then(start)
        .catch((error: unknown) => control.failed(error));
  }

  /** @internal A request by the rules of the Fetch standard. */
  fetched(url: string, options: RequestOptions): Promise<ClientResponse> {
    return this.send(url, options, 'fetch');
  }

  stats(): PoolStats {
    return this.pool.stats();
  }

  /** Takes no more requests; resolves when those that are under way are over, or have been cut after `timeout`. */
  async close({ timeout = 30_000 }: { timeout?: number } = {}): Promise<void> {
    this._closed = true;
    if (this._ownsPool) await this.pool.drain({ timeout });
  }

  /** Cuts every request. */
  destroy(error: Error = new MillraceError('MILLRACE_CLIENT_CLOSED')): void {
    this._closed = true;
    if (this._ownsPool) this.pool.destroy(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal One exchange. */
  hop(
    url: string | URL,
    options: RequestOptions,
    body: RequestBody | undefined,
    more: string,
    timings: Timings,
  ): Promise<ClientResponse> {
    return new Promise((resolve, reject) => {
      this.exchange(url, options, undefined, body, { more }, timings, resolve, reject);
    });
  }

  /** Begins an exchange: at once, or when the TLS context is there. */
  private exchange(
    url: string | URL,
    options: RequestOptions,
    whole: string | Uint8Array | undefined,
    body: RequestBody | undefined,
    extras: HopExtras,
    timings: Timings,
    resolve: (response: ClientResponse, exchange: RequestExchange) => void,
    reject: (error: unknown) => void,
  ): void {
    try {
      if (this._closed) throw new MillraceError('MILLRACE_CLIENT_CLOSED');
      if (options !== NO_OPTIONS) checkRequestOptions(options);
      const target = this._destinations.targetOf(url);
      const start = (): void => this.begin(url, options, target, whole, body, extras, timings, resolve, reject);
      if (target.destination.scheme === 'http' || this._tls !== undefined) start();
      else this.makeTls().then(start).catch(reject);
    } catch (error) {
      reject(error);
    }
  }

  private async makeTls(): Promise<void> {
    const { tls } = this._values;
    this._tlsMade ??= TlsContext.client({
      ALPNProtocols: ['http/1.1'],
      ...(typeof tls === 'object' && tls !== null ? tls : null),
    });
    this._tls = await this._tlsMade;
  }

  private begin(
    url: string | URL,
    options: RequestOptions,
    target: RequestTarget,
    whole: string | Uint8Array | undefined,
    body: RequestBody | undefined,
    extras: HopExtras,
    timings: Timings,
    resolve: (response: ClientResponse, exchange: RequestExchange) => void,
    reject: (error: unknown) => void,
  ): void {
    const values = this._values;
    const decompress = options.decompress ?? values.decompress;
    const prepared = this.prepare(options, target, whole, body, extras, decompress);
    const informational =
      options.onInformational ?? (values.onInformational as RequestOptions['onInformational'] | null);
    const rules: ResponseRules = {
      maxSize: options.maxResponseSize !== undefined ? options.maxResponseSize : values.maxResponseSize,
      maxStreamed: options.maxResponseSize ?? null,
      maxExpansion: options.maxExpansion !== undefined ? options.maxExpansion : values.maxExpansion,
      maxMemory: options.maxMemoryPerRequest !== undefined ? options.maxMemoryPerRequest : values.maxMemoryPerRequest,
      decompress,
      url: shownUrl(url, target),
      onInformational: informational ?? undefined,
    };
    const origin = this.originOf(target.destination, options);
    new RequestExchange(origin, prepared, rules, timings, resolve, reject, extras.onUpgrade).start();
  }

  private prepare(
    options: RequestOptions,
    { destination, target: path, userinfo }: RequestTarget,
    given: string | Uint8Array | undefined,
    body: RequestBody | undefined,
    { more, onUpgrade }: HopExtras,
    decompress: boolean,
  ): Prepared {
    const times = this._times.of(options.timeouts);
    const method = options.method ?? 'GET';
    const target = options.query === undefined ? path : withQuery(path, options.query);
    const own = options.headers === undefined ? NO_FIELDS : fieldsText(options.headers);
    const observed = isObserved();
    let fields = 0;
    let block: string | undefined;
    if (own.host || own.agent || own.codings || observed) {
      block = this.defaultFields(destination, decompress, own) + own.text;
    } else {
      const which = decompress ? 1 : 0;
      fields = destination.fields[which] ?? 0;
      if (fields === 0) {
        const text = this.defaultFields(destination, decompress, own);
        fields = destination.fields[which] = native.rememberFields(text);
        if (fields === 0) block = text;
      }
      if (own.text !== '') block = (block ?? '') + own.text;
    }
    let whole = given ?? body?.whole;
    let stream: Prepared['stream'] = whole === undefined ? body : undefined;
    const type = typeof given === 'string' ? TEXT : body?.type;
    let brought = type !== undefined && !own.type ? `Content-Type\0${type}\0` : '';
    if (stream !== undefined && body?.length !== undefined && !own.length)
      brought += `Content-Length\0${body.length}\0`;
    if (userinfo !== '' && !more.startsWith('Authorization\0')) brought += basic(userinfo);
    const expects = options.expectContinue ?? this._values.expectContinue ?? 0;
    const waits = expects > 0 && (stream !== undefined || (whole !== undefined && whole.length > 0));
    if (waits) {
      brought += 'Expect\x00100-continue\0';
      if (whole !== undefined) {
        if (!own.length) brought += `Content-Length\0${Buffer.byteLength(whole)}\0`;
        stream = onlyOf(whole);
        whole = undefined;
      }
    }
    if (brought !== '' || more !== '') block = (block ?? '') + brought + more;
    const maxMemory = options.maxMemoryPerRequest ?? this._values.maxMemoryPerRequest;
    if (maxMemory !== null && whole !== undefined && whole.length > maxMemory) {
      throw new MillraceError('MILLRACE_REQUEST_MEMORY', undefined, {
        limit: { option: 'maxMemoryPerRequest', value: maxMemory, seen: whole.length },
      });
    }
    const idempotent = options.idempotent ?? this._values.idempotent ?? isIdempotent(method);
    let events: ExchangeEvents | null = null;
    if (observed) {
      const headers = (block ?? '').split('\0').slice(0, -1);
      events = ExchangeEvents.begin({ origin: destination.origin, method, path: target, headers, idempotent });
      if (events !== null) block = events.request.headers.map((part) => `${part}\0`).join('');
    }
    return {
      destination,
      method,
      methodNumber: methodNumber(method),
      target,
      fields,
      block,
      profile: times.profile,
      body: whole,
      stream,
      idempotent,
      informational: options.onInformational !== undefined || this._values.onInformational !== null,
      upgrade: onUpgrade !== undefined,
      expectContinue: waits ? expects : 0,
      acquireTimeout: times.values.acquire,
      totalTimeout: times.total,
      connectTimeouts: times.connect,
      signal: options.signal,
      events,
    };
  }

  /** The fields that each request to an origin has, where the caller does not give them. */
  private defaultFields({ authority }: Destination, decompress: boolean, own: FieldsText): string {
    const all = this._fields;
    let text = own.host || all.host ? '' : `Host\0${authority}\0`;
    if (!own.agent && !all.agent) text += 'User-Agent\0millrace\0';
    if (decompress && !own.codings && !all.codings) text += `Accept-Encoding\0${acceptEncoding()}\0`;
    return text + all.text;
  }

  private originOf(destination: Destination, options: RequestOptions): OriginPool {
    const usual = options.proxy === undefined && options.isolationKey === undefined && this._values.proxy !== 'env';
    const known = destination.pool;
    if (usual && known !== undefined && !known.forgotten) return known;
    const { socketPath, localAddress, family } = this._values;
    const { scheme, host, port } = destination;
    let proxy = (options.proxy !== undefined ? options.proxy : this._values.proxy) as ProxyOption | null;
    // Here, because only here the scheme is known; asked each time, because the environment may change.
    if (proxy === 'env') proxy = environmentProxy({ scheme, host, port });
    const key: PoolKey = {
      scheme,
      host,
      port,
      tls: scheme === 'https' ? this._tls : undefined,
      servername: scheme === 'https' ? (this._tls?.servername ?? undefined) : undefined,
      resolver: (this._values.resolver ?? undefined) as PoolKey['resolver'],
      localAddress: localAddress ?? undefined,
      socketPath: socketPath ?? undefined,
      family,
      proxy: proxy ?? undefined,
      isolationKey: options.isolationKey ?? this._values.isolationKey ?? undefined,
    };
    const pool = this.pool.origin(key);
    if (usual) destination.pool = pool;
    return pool;
  }
}

function breakerOf(given: boolean | object): CircuitBreaker | null {
  if (given === false) return null;
  if (given instanceof CircuitBreaker) return given;
  return new CircuitBreaker(given === true ? {} : given);
}

const NO_OPTIONS: RequestOptions = Object.freeze({});
const TEXT = 'text/plain;charset=UTF-8';

function onlyOf(whole: string | Uint8Array): NonNullable<Prepared['stream']> {
  return {
    isReplayable: true,
    async *open() {
      yield await Promise.resolve(whole);
    },
  };
}

/** What `throwOnError` rejects with; the response is with it. */
function statusError(response: ClientResponse): MillraceError {
  const error = new MillraceError(
    'MILLRACE_HTTP_STATUS',
    `${response.url} answered ${response.status} ${response.statusText}`,
  );
  return Object.assign(error, { status: response.status, response });
}

/** RFC 7617, of a URL's user information. */
function basic(userinfo: string): string {
  let text = userinfo;
  try {
    text = decodeURIComponent(userinfo);
  } catch {
    // as it stands
  }
  return `Authorization\0Basic ${Buffer.from(text, 'utf8').toString('base64')}\0`;
}

// Its options have passwords, those of proxies and of origins.
inspectedAs(Client, (client) => client.stats());
