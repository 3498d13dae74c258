import { describeValue, quote } from '../errors/escape.js';
import { misuse, outOfRange } from '../errors/millrace-error.js';
import { COUNTERS } from '../metrics/catalogue.generated.js';
import { native } from '../native/loader.js';
import { clientKey } from './client-key.js';
import type { Middleware } from './middleware.js';
import type { RateLimitStore } from './rate-limit-store.js';
import { StoreWatch } from './rate-limit-store.js';
import type { ServerRequest } from './request.js';
import type { ServerResponse } from './response.js';
import { plainPrefix, RoutePrefixes } from './route-prefix.js';
import { TokenBuckets } from './token-buckets.js';

/** So many requests in so much time; those past it get 429 with Retry-After. */
export interface RateLimit {
  /** The paths it covers: this one and those below it; of all limits the longest prefix decides. Default `/`. */
  prefix?: string;
  /**
   * What has a bucket of its own: each client (default), the route as a whole, or what a function says (undefined: the
   * request is not counted). The first two are checked before JavaScript runs.
   */
  by?: 'client' | 'route' | ((req: ServerRequest) => string | undefined);
  /** Requests in `interval`, 1 … 1 000 000. */
  requests: number;
  /** Milliseconds, 1 … 86 400 000. Default 1 000. */
  interval?: number;
  /** How many may come at once. Default `requests`. */
  burst?: number;
  /** Keeps the counts in place of this process; `requests`, `interval` and `burst` are then the store's affair. */
  store?: RateLimitStore;
  /** What happens to a request when the store fails or takes longer than `storeTimeout`: it goes on, or gets 503. */
  onStoreError?: 'open' | 'closed';
  /** Milliseconds, 1 … 60 000. Default 1 000. */
  storeTimeout?: number;
}

const REFUSED = COUNTERS.findIndex(({ key }) => key === 'millrace_limit_exceeded_total{option="rateLimits"}');
const NAMES = ['prefix', 'by', 'requests', 'interval', 'burst', 'store', 'onStoreError', 'storeTimeout'];

/** Whether the native core can check it, on the head and before JavaScript runs. */
export function isNative(limit: RateLimit): boolean {
  return limit.store === undefined && typeof limit.by !== 'function';
}

/** Throws a coded TypeError or RangeError for a limit that is none. */
export function checkRateLimits(limits: readonly RateLimit[]): void {
  limits.forEach((limit, place) => {
    const where = `serve: option 'rateLimits'[${place}]`;
    const wrong = (name: string, wanted: string, value: unknown): Error =>
      misuse('MILLRACE_INVALID_ARGUMENT', `${where}.${name} must be ${wanted}, got ${describeValue(value)}`);
    for (const name of Object.keys(limit)) {
      if (!NAMES.includes(name)) throw misuse('MILLRACE_UNKNOWN_OPTION', `${where}: there is no option ${quote(name)}`);
    }
    const { prefix, by, store, onStoreError } = limit;
    if (prefix !== undefined && (typeof prefix !== 'string' || !prefix.startsWith('/'))) {
      throw wrong('prefix', "a path that begins with '/'", prefix);
    }
    if (by !== undefined && by !== 'client' && by !== 'route' && typeof by !== 'function') {
      throw wrong('by', "'client', 'route' or a function", by);
    }
    if (store !== undefined && typeof store?.consume !== 'function') {
      throw wrong('store', 'an object with a function consume', store);
    }
    if (onStoreError !== undefined && onStoreError !== 'open' && onStoreError !== 'closed') {
      throw wrong('onStoreError', "'open' or 'closed'", onStoreError);
    }
    const ranges: [keyof RateLimit, number | undefined, number][] = [
      ['requests', limit.requests, 1_000_000],
      ['interval', limit.interval ?? 1_000, 86_400_000],
      ['burst', limit.burst ?? limit.requests, 1_000_000],
      ['storeTimeout', limit.storeTimeout ?? 1_000, 60_000],
    ];
    for (const [name, value, most] of ranges) {
      if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > most) {
        throw outOfRange(`${where}.${name} must be an integer from 1 to ${most}, got ${describeValue(value)}`);
      }
    }
  });
}

/** The limits that only JavaScript can check, as the outermost middleware; undefined where there is none. */
export function rateLimiter(limits: readonly RateLimit[]): Middleware | undefined {
  const own = limits
    .filter((limit) => !isNative(limit))
    .map((limit) => ({
      limit,
      name: (limit.prefix ?? '/').toLowerCase(),
      prefix: plainPrefix(limit.prefix ?? '/'),
      buckets: new TokenBuckets(limit),
      store: limit.store === undefined ? undefined : new StoreWatch(limit.store, limit),
    }));
  if (own.length === 0) return undefined;
  // Of all limits the longest prefix decides: where it is a native one's these do not hold.
  const prefixes = new RoutePrefixes(limits.map(({ prefix }) => prefix ?? '/'));
  return async (req, res, next) => {
    const found = prefixes.find(req.path);
    for (const { limit, name, prefix, buckets, store } of own) {
      if (!found.includes(prefix)) continue;
      const key = keyOf(limit, req);
      if (key === undefined) continue;
      const wait = store === undefined ? buckets.take(key) : await store.ask(`${name} ${key}`);
      if (wait !== 0) return refuse(res, wait);
    }
    return next();
  };
}

function keyOf({ by }: RateLimit, req: ServerRequest): string | undefined {
  if (typeof by === 'function') return by(req);
  return by === 'route' ? '' : clientKey(req.remoteAddress);
}

function refuse(res: ServerResponse, wait: number): void {
  res.statusCode = wait < 0 ? 503 : 429;
  res.setHeader('Retry-After', String(Math.max(1, Math.ceil(wait / 1_000))));
  if (wait > 0) native.count(REFUSED, 1);
  res.end();
}
