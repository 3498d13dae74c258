import { abortError } from '../errors/abort-error.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import type { HeaderView } from '../message/header-view.js';
import type { HeadersInput } from '../message/head-text.js';
import type { Outgoing } from '../message/outgoing-body.js';
import { outgoing } from '../message/outgoing-body.js';
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
import { TlsContext } from '../tls/tls-context.js';
import type { TlsClientOptions } from '../tls/tls-options.js';
import { acceptEncoding } from './content-coding.js';
import type { Destination, RequestTarget } from './destination.js';
import { Destinations } from './destination.js';
import type { Prepared } from './exchange.js';
import { isIdempotent, methodNumber } from './method.js';
import type { FieldsText } from './prepare.js';
import { bodyFields, fieldsText, NO_FIELDS, plainBody, withQuery } from './prepare.js';
import type { ResponseRules, Upgraded } from './request-exchange.js';
import { RequestExchange } from './request-exchange.js';
import type { RequestOptions } from './request-options.js';
import { checkRequestOptions } from './request-options.js';
import type { ClientResponse } from './response.js';
import type { RequestTimes } from './timeouts.js';
import { RequestTimeouts } from './timeouts.js';

/** What a client is, and what holds for its requests unless they say otherwise; docs/options.md has ranges and defaults. */
export interface ClientOptions extends Omit<RequestOptions, 'method' | 'body' | 'signal' | 'query'> {
  pool?: ConnectionPool | PoolOptions | undefined;
  pipelining?: number | undefined;
  maxHeaderSize?: number | undefined;
  maxHeaderFields?: number | undefined;
  tls?: TlsContext | TlsClientOptions | undefined;
  family?: 'any' | 'ipv4' | 'ipv6' | undefined;
  localAddress?: string | undefined;
  socketPath?: string | undefined;
}

/** One hop of a request: to one origin, without what follows from its answer. */
export interface Hop {
  readonly url: string | URL;
  readonly options: RequestOptions;
  readonly startedAt: number;
  /** Fields beside the caller's: of the jar, of authentication. */
  readonly more: string;
  readonly onUpgrade?: (upgraded: Upgraded) => void;
}

/** An HTTP client: requests over the connections of a pool. */
export class Client implements AsyncDisposable {
  readonly pool: ConnectionPool;
  private readonly _values: ClientOptionValues;
  private readonly _ownsPool: boolean;
  private readonly _destinations = new Destinations();
  private readonly _times: RequestTimeouts;
  private readonly _fields: FieldsText;
  private _tls: TlsContext | undefined;
  private _tlsMade: Promise<TlsContext> | undefined;
  private _closed = false;

  constructor(options: ClientOptions = {}) {
    this._values = validateOptions<ClientOptionValues>(CLIENT_OPTIONS, options);
    const { pool, headers, timeouts, maxHeaderSize, maxHeaderFields, tls } = this._values;
    this._ownsPool = !(pool instanceof ConnectionPool);
    this.pool = pool instanceof ConnectionPool ? pool : new ConnectionPool((pool ?? {}));
    this._times = new RequestTimeouts(timeouts, maxHeaderSize, maxHeaderFields);
    this._fields = headers === null ? NO_FIELDS : fieldsText(headers as HeadersInput);
    if (tls instanceof TlsContext) {
      if (tls.kind !== 'client') {
        throw misuse('MILLRACE_INVALID_ARGUMENT', "Client: option 'tls' must be a client's context, got a server's");
      }
      this._tls = tls;
    }
  }

  /** Sends a request; resolves when the response's head is here. */
  request(url: string | URL, options: RequestOptions = NO_OPTIONS): Promise<ClientResponse> {
    return this.hop({ url, options, startedAt: performance.now(), more: '' });
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

  /** @internal */
  hop(hop: Hop): Promise<ClientResponse> {
    return new Promise((resolve, reject) => {
      try {
        if (this._closed) throw new MillraceError('MILLRACE_CLIENT_CLOSED');
        const { options } = hop;
        if (options !== NO_OPTIONS) checkRequestOptions(options);
        const target = this._destinations.targetOf(hop.url);
        const { body } = options;
        const ready = target.destination.scheme === 'http' || this._tls !== undefined;
        if (ready && plainBody(body)) {
          const whole = body ?? undefined;
          this.begin(
            hop,
            target,
            typeof whole === 'string' ? { ...TEXT, whole } : whole && { ...BYTES, whole },
            resolve,
            reject,
          );
        } else {
          this.prepareFirst(hop, target)
            .then((sorted) => this.begin(hop, target, sorted, resolve, reject))
            .catch(reject);
        }
      } catch (error) {
        reject(error as Error);
      }
    });
  }

  /** What takes a turn: the sorting of a body, the making of a context. */
  private async prepareFirst({ options }: Hop, { destination }: RequestTarget): Promise<Outgoing | undefined> {
    if (options.signal?.aborted === true) throw abortError(options.signal);
    if (destination.scheme === 'https' && this._tls === undefined) {
      const { tls } = this._values;
      this._tlsMade ??= TlsContext.client({
        ALPNProtocols: ['http/1.1'],
        ...(typeof tls === 'object' && tls !== null ? (tls) : null),
      });
      this._tls = await this._tlsMade;
    }
    const { body } = options;
    return body === undefined || body === null ? undefined : outgoing(body);
  }

  private begin(
    hop: Hop,
    target: RequestTarget,
    body: Outgoing | undefined,
    resolve: (response: ClientResponse) => void,
    reject: (error: unknown) => void,
  ): void {
    const { options } = hop;
    const values = this._values;
    const times = this._times.of(options.timeouts);
    const decompress = options.decompress ?? values.decompress;
    const prepared = this.prepare(hop, target, body, times, decompress);
    const rules: ResponseRules = {
      maxSize: options.maxResponseSize !== undefined ? options.maxResponseSize : values.maxResponseSize,
      maxStreamed: options.maxResponseSize ?? null,
      maxExpansion: options.maxExpansion !== undefined ? options.maxExpansion : values.maxExpansion,
      maxMemory: options.maxMemoryPerRequest !== undefined ? options.maxMemoryPerRequest : values.maxMemoryPerRequest,
      decompress,
      url: typeof hop.url === 'string' ? hop.url : hop.url.href,
      startedAt: hop.startedAt,
      onInformational:
        options.onInformational ?? (values.onInformational as RequestOptions['onInformational']) ?? undefined,
    };
    const origin = this.originOf(target.destination, options);
    new RequestExchange(origin, prepared, rules, resolve, reject, hop.onUpgrade).start();
  }

  private prepare(
    { options, more, onUpgrade }: Hop,
    { destination, target, userinfo }: RequestTarget,
    body: Outgoing | undefined,
    times: RequestTimes,
    decompress: boolean,
  ): Prepared {
    const method = options.method ?? 'GET';
    const own = options.headers === undefined ? NO_FIELDS : fieldsText(options.headers);
    let fields = 0;
    let block: string | undefined;
    if (own.host || own.agent || own.codings) {
      block = this.defaultFields(destination, decompress, own) + own.text;
    } else {
      const which = decompress ? 1 : 0;
      fields = destination.fields[which];
      if (fields === 0) {
        const text = this.defaultFields(destination, decompress, own);
        fields = destination.fields[which] = native.rememberFields(text);
        if (fields === 0) block = text;
      }
      if (own.text !== '') block = (block ?? '') + own.text;
    }
    const brought = bodyFields(body, own) + more + (userinfo === '' ? '' : basic(userinfo));
    if (brought !== '') block = (block ?? '') + brought;
    const { expectContinue, idempotent } = options;
    const expects = expectContinue ?? this._values.expectContinue ?? 0;
    const waits = expects > 0 && body !== undefined && body.whole !== '';
    if (waits) block = `${block ?? ''}Expect\x00100-continue\0`;
    let whole = body?.whole;
    let chunks = body !== undefined && whole === undefined ? body.chunks : undefined;
    if (waits && whole !== undefined) {
      const length = typeof whole === 'string' ? Buffer.byteLength(whole) : whole.byteLength;
      if (!own.length) block = `${block ?? ''}Content-Length\0${length}\0`;
      chunks = only(whole);
      whole = undefined;
    }
    const maxMemory = options.maxMemoryPerRequest ?? this._values.maxMemoryPerRequest;
    if (maxMemory !== null && whole !== undefined && whole.length > maxMemory) {
      throw new MillraceError('MILLRACE_REQUEST_MEMORY', undefined, {
        limit: { option: 'maxMemoryPerRequest', value: maxMemory, seen: whole.length },
      });
    }
    return {
      destination,
      method,
      methodNumber: methodNumber(method),
      target: options.query === undefined ? target : withQuery(target, options.query),
      fields,
      block,
      profile: times.profile,
      body: whole,
      chunks,
      idempotent: idempotent ?? this._values.idempotent ?? isIdempotent(method),
      informational: options.onInformational !== undefined || this._values.onInformational !== null,
      upgrade: onUpgrade !== undefined,
      expectContinue: waits ? expects : 0,
      acquireTimeout: times.values.acquire,
      totalTimeout: times.total,
      connectTimeouts: times.connect,
      signal: options.signal,
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
    const usual = options.proxy === undefined && options.isolationKey === undefined;
    const known = destination.pool;
    if (usual && known !== undefined && !known.forgotten) return known;
    const { socketPath, localAddress, family } = this._values;
    const { scheme, host, port } = destination;
    const proxy = (options.proxy !== undefined ? options.proxy : this._values.proxy) as ProxyOption | null;
    const key: PoolKey = {
      scheme,
      host,
      port,
      tls: scheme === 'https' ? this._tls : undefined,
      servername: scheme === 'https' ? (this._tls?.servername ?? undefined) : undefined,
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

const NO_OPTIONS: RequestOptions = Object.freeze({});
const NOTHING: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {
    // nothing
  },
};
const TEXT = { type: 'text/plain; charset=utf-8', chunks: NOTHING };
const BYTES = { chunks: NOTHING };

async function* only(whole: string | Uint8Array): AsyncGenerator<string | Uint8Array> {
  await Promise.resolve();
  yield whole;
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

export type { HeaderView };
