import { MillraceError } from '../errors/millrace-error.js';
import type { HeadersInput } from '../message/head-text.js';
import { entriesOf } from '../message/head-text.js';
import { isRetryable } from '../errors/retryable.js';
import type { BreakerPass, CircuitBreaker } from '../resilience/circuit-breaker.js';
import type { RetryOptions } from '../resilience/retry.js';
import { retry } from '../resilience/retry.js';
import type { AuthRequest } from './auth/auth.js';
import type { Authenticator } from './auth/authenticator.js';
import type { Client } from './client.js';
import type { Cookies } from './cookies.js';
import { isIdempotent } from './method.js';
import type { RedirectMode } from './redirect.js';
import { MAX_REDIRECTS, nextRequest } from './redirect.js';
import { RequestBody } from './request-body.js';
import type { RequestOptions } from './request-options.js';
import type { ClientResponse } from './response.js';
import type { Timings } from './timings.js';

/** What the calls to an origin have beside its connections. */
export interface CallHelp {
  readonly authenticator: Authenticator | null;
  readonly cookies: Cookies | null;
  readonly breaker: CircuitBreaker | null;
}

/** SPEC §11. */
const RETRIED: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * A call that takes more than one exchange, or may: redirects, tries again, challenges. Each exchange is a hop.
 */
export class Call {
  private readonly _client: Client;
  private readonly _mode: RedirectMode;
  private readonly _url: string | URL;
  private readonly _options: RequestOptions;
  private readonly _maxRedirects: number;
  private readonly _timings: Timings;
  private _body: RequestBody | undefined;

  constructor(
    client: Client,
    url: string | URL,
    options: RequestOptions,
    { mode, maxRedirects, timings }: { mode: RedirectMode; maxRedirects?: number; timings: Timings },
  ) {
    this._client = client;
    this._mode = mode;
    this._url = url;
    this._options = options;
    this._maxRedirects = maxRedirects ?? MAX_REDIRECTS[mode];
    this._timings = timings;
  }

  /** All of it; `first` is the answer to a first hop that was made already. */
  async run(retries: RetryOptions | boolean, first?: ClientResponse): Promise<ClientResponse> {
    const { body } = this._options;
    this._body = body === undefined || body === null ? undefined : await RequestBody.of(body);
    try {
      const response = await (first !== undefined || retries === false
        ? this.follow(first)
        : this.tries(retries === true ? {} : retries));
      const { exchange } = response;
      if (exchange.over) this._body?.close();
      else exchange.onOver = () => this._body?.close();
      return response;
    } catch (error) {
      this._body?.close();
      throw error;
    }
  }

  private async tries(options: RetryOptions): Promise<ClientResponse> {
    const { method = 'GET', signal } = this._options;
    const { values } = this._client.settingsOf(this._url);
    const idempotent = this._options.idempotent ?? values.idempotent ?? isIdempotent(method);
    const repeatable = idempotent && (this._body?.isReplayable ?? true);
    return retry<ClientResponse>(() => this.follow(undefined), {
      ...(signal === undefined ? null : { signal }),
      ...(options as RetryOptions<ClientResponse>),
      isRetryable: (error, attempt) => repeatable && (options.isRetryable ?? isRetryable)(error, attempt),
      isRetryableResult: (response, attempt) => {
        const own = options.isRetryableResult;
        return repeatable && (own === undefined ? RETRIED.has(response.status) : own(response, attempt));
      },
      onRetry: async (notice) => {
        await notice.result?.dump().catch(() => undefined);
        await (options as RetryOptions<ClientResponse>).onRetry?.(notice);
      },
    });
  }

  private async follow(first: ClientResponse | undefined): Promise<ClientResponse> {
    let url = new URL(this._url);
    let { query, ...options }: RequestOptions = this._options;
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.append(name, String(value));
    query = undefined;
    let sameOrigin = true;
    let hasBody = this._body !== undefined;
    let response = first ?? (await this.hop(url, options, hasBody, sameOrigin));
    for (let followed = 0; ; followed++) {
      const next = nextRequest(
        {
          method: options.method ?? 'GET',
          url,
          headers: options.headers === undefined ? [] : entriesOf(options.headers),
          body: !hasBody ? 'none' : this._body?.isReplayable === true ? 'replayable' : 'once',
        },
        { status: response.status, location: response.headers.get('location') },
        { mode: this._mode, maxRedirects: this._maxRedirects, followed },
      );
      if (next === null) {
        response.redirects = followed;
        return response;
      }
      await response.dump();
      await response.settled();
      sameOrigin &&= !next.crossOrigin;
      hasBody &&= next.keepBody;
      url = next.url;
      options = { ...options, method: next.method, headers: next.headers as HeadersInput };
      response = await this.hop(url, options, hasBody, sameOrigin);
    }
  }

  /** One exchange, or two or three where it is challenged. */
  private async hop(url: URL, options: RequestOptions, hasBody: boolean, sameOrigin: boolean): Promise<ClientResponse> {
    const { help, hasOwnAuth } = this._client.settingsOf(url);
    const { authenticator, cookies, breaker } = help;
    const pass: BreakerPass | undefined = breaker?.enter(url.origin);
    try {
      const auth = sameOrigin || hasOwnAuth ? authenticator : null;
      const asked: AuthRequest = {
        method: options.method ?? 'GET',
        url,
        target: url.pathname + url.search,
        body: !hasBody
          ? null
          : this._body?.isReplayable === true
            ? () => (this._body as RequestBody).open()
            : undefined,
      };
      let value = hasOwn(options.headers, 'authorization') ? undefined : await auth?.header(asked);
      for (let attempt = 1; ; attempt++) {
        const response = await this.exchange(url, options, hasBody, auth?.field, value);
        let again: string | null = null;
        try {
          const lines = response.headers.getAll('set-cookie');
          if (cookies !== null && lines.length > 0) await cookies.store(url, lines);
          if (auth !== null) again = await auth.challenge(asked, response.status, response.headers, attempt);
          if (again === null) auth?.accepted(asked, response.headers);
        } catch (error) {
          // Nobody gets this response: its exchange must not wait for a reader.
          response.exchange.cancel(error);
          throw error;
        }
        if (again === null) {
          if (RETRIED.has(response.status) && response.status >= 500)
            pass?.fail(new MillraceError('MILLRACE_HTTP_STATUS'));
          else pass?.succeed();
          return response;
        }
        await response.dump();
        await response.settled();
        value = again;
      }
    } catch (error) {
      pass?.fail(error);
      throw error;
    }
  }

  private async exchange(
    url: URL,
    options: RequestOptions,
    hasBody: boolean,
    field: string | undefined,
    value: string | undefined,
  ): Promise<ClientResponse> {
    const { cookies } = this._client.settingsOf(url).help;
    let more = field === undefined || value === undefined ? '' : `${field}\0${value}\0`;
    let sent = options;
    if (cookies !== null) {
      const own = hasOwn(options.headers, 'cookie');
      const cookie = await cookies.header(url, own);
      if (own !== undefined && options.headers !== undefined) {
        sent = {
          ...options,
          headers: [...entriesOf(options.headers)].filter(([name]) => name.toLowerCase() !== 'cookie'),
        };
      }
      if (cookie !== undefined && cookie !== '') more += `Cookie\0${cookie}\0`;
    }
    return this._client.hop(
      url,
      { ...sent, body: undefined },
      hasBody ? this._body : undefined,
      more,
      this._timings.again(),
    );
  }
}

/** The value of a field of the caller's. */
function hasOwn(headers: HeadersInput | undefined, wanted: string): string | undefined {
  if (headers === undefined) return undefined;
  for (const [name, value] of entriesOf(headers)) if (name.toLowerCase() === wanted) return value;
  return undefined;
}
