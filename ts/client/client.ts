import { describeValue, quote } from '../errors/escape.js';
import { inspectedAs } from '../errors/inspected-as.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import { checkValue } from '../message/head-text.js';
import { ConnectionPool } from '../pool/pool.js';
import type { PoolStats } from '../pool/stats.js';
import type { RetryOptions } from '../resilience/retry.js';
import { Call } from './call.js';
import { isObserved } from './channels.js';
import type { ClientOptions, InterceptedRequest } from './client-options.js';
import type { RequestTarget } from './destination.js';
import { Destinations } from './destination.js';
import type { DispatchHandler, DispatchOptions, ExchangeControl } from './dispatch.js';
import type { DispatchFunction } from './dispatch-function.js';
import { fetchOver } from './fetch.js';
import { dispatchedOf, HandedExchange } from './handed-exchange.js';
import type { Interceptor } from './interceptors.js';
import { Interceptors } from './interceptors.js';
import { Origins } from './origins.js';
import { plainBody, UNOBSERVED } from './prepare.js';
import { Receiver } from './receiver.js';
import type { RedirectMode } from './redirect.js';
import { RequestBody } from './request-body.js';
import type { Upgraded } from './request-exchange.js';
import type { RequestOptions } from './request-options.js';
import { checkRequestOptions } from './request-options.js';
import type { ClientResponse } from './response.js';
import { Settings } from './settings.js';
import { Timings } from './timings.js';
import type { ConnectionChoice } from './transport.js';
import { Transport } from './transport.js';
import { Verbs } from './verbs.js';

/** How many redirects `fetch` follows is the standard's affair; a client says it for `request`. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const NO_OPTIONS: RequestOptions = Object.freeze({});

/** An HTTP client: requests over the connections of a pool. */
export class Client extends Verbs implements AsyncDisposable {
  readonly pool: ConnectionPool;
  private readonly _settings: Settings;
  private readonly _ownsPool: boolean;
  private readonly _destinations: Destinations;
  private readonly _transport: Transport;
  private readonly _interceptors: Interceptors<InterceptedRequest, ClientResponse>;
  private readonly _fetchInterceptors: Interceptors<InterceptedRequest, ClientResponse>;
  /** Stands in for the network. */
  private _dispatch: DispatchFunction | null;

  constructor(options: ClientOptions = {}) {
    super();
    this._settings = new Settings('Client', options);
    const origins = new Origins(this._settings, options);
    this._destinations = new Destinations((scheme, host, port) => origins.settingsOf(scheme, host, port));
    this._transport = new Transport((url) => this._destinations.targetOf(url));
    this._ownsPool = !(this._settings.values.pool instanceof ConnectionPool);
    this.pool = this._settings.pool;
    this._dispatch = this._settings.dispatch ?? null;
    this._interceptors = new Interceptors(({ url, ...rest }) => this.send(url, rest));
    this._fetchInterceptors = new Interceptors(({ url, ...rest }) => this.send(url, rest, 'fetch'));
  }

  /** Sends a request; resolves when the response's head is here. */
  request(url: string | URL, options: RequestOptions = NO_OPTIONS): Promise<ClientResponse> {
    if (this._interceptors.size > 0) return this._interceptors.run({ ...options, url });
    return this.send(url, options);
  }

  /** Has a function round every request from now on, inside of those that are there; `fetch` and the like included. */
  use(fn: Interceptor<InterceptedRequest, ClientResponse>): this {
    this._interceptors.use(fn);
    this._fetchInterceptors.use(fn);
    return this;
  }

  /**
   * Has a function stand in for the network from now on, beneath the interceptors; null: none does. Origins that were
   * given one of their own keep it.
   */
  useDispatch(fn: DispatchFunction | null): this {
    if (fn !== null && typeof fn !== 'function') {
      throw misuse('MILLRACE_INVALID_ARGUMENT', `useDispatch: needs a function or null, got ${describeValue(fn)}`);
    }
    this._dispatch = fn;
    return this;
  }

  private send(url: string | URL, options: RequestOptions, mode: RedirectMode = 'client'): Promise<ClientResponse> {
    let target: RequestTarget;
    try {
      if (options !== NO_OPTIONS) checkRequestOptions(options);
      target = this._destinations.targetOf(url);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    const { settings } = target.destination;
    const { values } = settings;
    const timings = new Timings();
    const retries = options.retry ?? values.retry;
    const maxRedirects = options.maxRedirects ?? values.maxRedirects;
    const throws = options.throwOnError ?? values.throwOnError;
    const { body } = options;
    // Of a traced request each hop is made in the caller's context, which a redirect that arrives does not have.
    const traced = (options.traceparent ?? values.traceparent) || isObserved();
    const plain = settings.isPlain && retries === false && !traced && plainBody(body);
    if (!plain || this.standInOf(settings) !== null) {
      return this.called(url, options, { mode, maxRedirects, timings }, retries, throws);
    }
    return new Promise((resolve, reject) => {
      const answered = (response: ClientResponse): void => {
        if (throws && response.status >= 400) reject(statusError(response));
        else resolve(response);
      };
      const first = (response: ClientResponse): void => {
        if (!REDIRECTS.has(response.status) || maxRedirects === 0) return answered(response);
        const rules = { mode, maxRedirects, timings };
        new Call(this, url, options, rules).run(false, response).then(answered, reject);
      };
      const recipient = { timings, answered: first, failed: reject };
      this._transport.exchange(target, options, body ?? undefined, UNOBSERVED, recipient);
    });
  }

  private async called(
    url: string | URL,
    options: RequestOptions,
    rules: ConstructorParameters<typeof Call>[3],
    retries: RetryOptions | boolean,
    throws: boolean,
  ): Promise<ClientResponse> {
    const response = await new Call(this, url, options, rules).run(retries);
    if (throws && response.status >= 400) throw statusError(response);
    return response;
  }

  /** As the platform's `fetch`, over this client's connections. */
  readonly fetch: typeof globalThis.fetch = (input, init) => fetchOver(this, input, init);

  /**
   * Asks for another protocol (`Upgrade`), or by the method CONNECT for a tunnel: the socket is the caller's. Rejects with
   * `MILLRACE_UPGRADE_REFUSED`, whose `response` is the server's, where it answers otherwise. Always goes to the network.
   */
  upgrade(url: string | URL, { protocol, ...options }: RequestOptions & { protocol: string }): Promise<Upgraded> {
    return new Promise((resolve, reject) => {
      const refused = (response: ClientResponse): void => {
        const message = `the server did not switch to ${quote(protocol)}: it answered ${response.status}`;
        reject(Object.assign(new MillraceError('MILLRACE_UPGRADE_REFUSED', message), { response }));
      };
      const more = `Connection\0upgrade\0Upgrade\0${checkValue('Upgrade', protocol)}\0`;
      const extras = { more, onUpgrade: resolve };
      checkRequestOptions(options);
      const target = this._destinations.targetOf(url);
      const recipient = { timings: new Timings(), answered: refused, failed: reject };
      this._transport.exchange(target, options, undefined, extras, recipient);
    });
  }

  /** The primitive: no promise, no stream; what becomes of the request are calls of the handler. */
  dispatch(options: DispatchOptions, handler: DispatchHandler): ExchangeControl {
    const { dispatch } = this._transport;
    const { url, body, ...rest } = options;
    const target = this._destinations.targetOf(url);
    const standIn = this.standInOf(target.destination.settings);
    if (standIn === null) return dispatch(options, handler);
    this._transport.assertOpen();
    checkRequestOptions(rest);
    const sorted = RequestBody.of(body);
    const ready = sorted instanceof RequestBody ? sorted : undefined;
    const request = { ...dispatchedOf(rest, target, ready, ''), ...(ready === undefined ? { body } : null) };
    return Receiver.run(standIn, request, handler, dispatch, new Timings());
  }

  /**
   * Opens so many connections for requests to an origin, as the caps allow: those that requests with the same `proxy` and
   * `isolationKey` use next. Answers with how many there are more than before.
   */
  prewarm(url: string | URL, count: number, options: ConnectionChoice = {}): Promise<number> {
    return this._transport.prewarm(url, count, options);
  }

  /** @internal A request by the rules of the Fetch standard. */
  fetched(url: string, options: RequestOptions): Promise<ClientResponse> {
    if (this._fetchInterceptors.size > 0) return this._fetchInterceptors.run({ ...options, url });
    return this.send(url, options, 'fetch');
  }

  stats(): PoolStats {
    return this.pool.stats();
  }

  /** Takes no more requests; resolves when those that are under way are over, or have been cut after `timeout`. */
  async close({ timeout = 30_000 }: { timeout?: number } = {}): Promise<void> {
    this._transport.close();
    if (this._ownsPool) await this.pool.drain({ timeout });
  }

  /** Cuts every request. */
  destroy(error: Error = new MillraceError('MILLRACE_CLIENT_CLOSED')): void {
    this._transport.close();
    if (this._ownsPool) this.pool.destroy(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal What holds for a URL's origin. */
  settingsOf(url: string | URL): Settings {
    return this._destinations.targetOf(url).destination.settings;
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
      const target = this._destinations.targetOf(url);
      const { settings } = target.destination;
      const standIn = this.standInOf(settings);
      const recipient = { timings, answered: resolve, failed: reject };
      if (standIn === null) return this._transport.exchange(target, options, body, { more }, recipient);
      this._transport.assertOpen();
      const exchange = new HandedExchange(target, options, body, recipient);
      const { total } = settings.times.of(options.timeouts);
      // Of the network codings are asked for where they are undone above it.
      const decompress = options.decompress ?? settings.values.decompress;
      const request = dispatchedOf({ ...options, decompress }, target, body, more);
      exchange.start(standIn, request, this._transport.dispatch, total);
    });
  }

  private standInOf(settings: Settings): DispatchFunction | null {
    const { dispatch } = settings;
    return settings === this._settings || dispatch === undefined ? this._dispatch : dispatch;
  }
}

/** What `throwOnError` rejects with; the response is with it. */
function statusError(response: ClientResponse): MillraceError {
  const error = new MillraceError(
    'MILLRACE_HTTP_STATUS',
    `${response.url} answered ${response.status} ${response.statusText}`,
  );
  return Object.assign(error, { status: response.status, response });
}

// Its options have passwords, those of proxies and of origins.
inspectedAs(Client, (client) => client.stats());
