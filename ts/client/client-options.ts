import type { ConnectionPool, PoolOptions } from '../pool/pool.js';
import type { PoolKey } from '../pool/pool-key.js';
import type { BreakerOptions, CircuitBreaker } from '../resilience/circuit-breaker.js';
import type { TlsContext } from '../tls/tls-context.js';
import type { TlsClientOptions } from '../tls/tls-options.js';
import type { Auth } from './auth/auth.js';
import type { CookieJar } from './cookies.js';
import type { DispatchFunction } from './dispatch-function.js';
import type { RequestOptions } from './request-options.js';

/** What a client is, and what holds for its requests unless they say otherwise; docs/options.md has ranges and defaults. */
export interface ClientOptions extends Omit<RequestOptions, 'method' | 'body' | 'signal' | 'query'> {
  pool?: ConnectionPool | PoolOptions | undefined;
  maxHeaderSize?: number | undefined;
  maxHeaderFields?: number | undefined;
  tls?: TlsContext | TlsClientOptions | undefined;
  family?: 0 | 4 | 6 | undefined;
  resolver?: PoolKey['resolver'];
  localAddress?: string | undefined;
  socketPath?: string | undefined;
  auth?: Auth | undefined;
  jar?: CookieJar | undefined;
  breaker?: BreakerOptions | CircuitBreaker | boolean | undefined;
  pipelining?: number | undefined;
  /** Stands in for the network. */
  dispatch?: DispatchFunction | undefined;
  /** By origin, `https://api.example.com`, or pattern, `*.example.com`. */
  origins?: Readonly<Record<string, OriginOptions>> | undefined;
}

/** What holds for the requests to some origins; null takes back what the client was given. */
export type OriginOptions = {
  [name in Exclude<keyof ClientOptions, 'origins'>]?: ClientOptions[name] | null;
};

/** A request as an interceptor sees it. */
export interface InterceptedRequest extends RequestOptions {
  readonly url: string | URL;
}
