import { MillraceError } from '../errors/millrace-error.js';
import type { ConnectTimeouts } from '../options/connect-timeouts.generated.js';
import type { TimeoutValues } from '../options/timeouts.generated.js';
import { TIMEOUTS } from '../options/timeouts.generated.js';
import { validateOptions } from '../options/validate.js';
import { numberOf } from './core-times.js';

/** Timeouts as requests need them. */
export interface RequestTimes {
  readonly values: TimeoutValues;
  /** The number by which the native core knows those that it keeps. */
  readonly profile: number;
  readonly connect: ConnectTimeouts;
  /** From the call on; 0: none. */
  readonly total: number;
}

/** How many combinations are remembered by their options. */
const MOST = 512;

/** The timeouts of a client, and of its requests that have others. */
export class RequestTimeouts {
  readonly defaults: RequestTimes;
  private readonly _maxHeaderSize: number;
  private readonly _maxHeaderFields: number;
  private readonly _known = new Map<string, RequestTimes>();

  constructor(given: object | null, maxHeaderSize: number, maxHeaderFields: number) {
    this._maxHeaderSize = maxHeaderSize;
    this._maxHeaderFields = maxHeaderFields;
    this.defaults = this.make(validateOptions<TimeoutValues>(TIMEOUTS, given ?? {}));
  }

  /** Those of a request that was given some of its own. */
  of(given: object | null | undefined): RequestTimes {
    if (given === undefined || given === null) return this.defaults;
    const key = JSON.stringify(given);
    let times = this._known.get(key);
    if (times === undefined) {
      const merged: Record<string, unknown> = { ...this.defaults.values };
      for (const [name, value] of Object.entries(given)) if (value !== undefined) merged[name] = value;
      times = this.make(validateOptions<TimeoutValues>(TIMEOUTS, merged));
      if (this._known.size >= MOST) this._known.clear();
      this._known.set(key, times);
    }
    return times;
  }

  private make(values: TimeoutValues): RequestTimes {
    const { send, headers, body, dns, connect, tls, proxy, total } = values;
    const profile = numberOf({
      send: send ?? 0,
      headers: headers ?? 0,
      body: body ?? 0,
      maxHeaderSize: this._maxHeaderSize,
      maxHeaderFields: this._maxHeaderFields,
    });
    return { values, profile, connect: { dns, connect, tls, proxy }, total: total ?? 0 };
  }
}

/** The error of `timeouts.total`; its timer may be a little before the clock. */
export function totalTimeout(value: number, took: number): MillraceError {
  const seen = Math.max(value, Math.round(took));
  return new MillraceError('MILLRACE_TOTAL_TIMEOUT', undefined, { limit: { option: 'timeouts.total', value, seen } });
}
