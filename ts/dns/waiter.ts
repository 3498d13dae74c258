import type { MillraceError } from '../errors/millrace-error.js';
import type { Answer } from './answer.js';
import { codeOf } from './answer.js';
import { bounded } from './bounded.js';
import type { Cache, Entry } from './cache.js';
import type { Call } from './call.js';
import { lookupFailed, notFound } from './dns-error.js';
import type { Flight } from './flight.js';
import { inOnePart } from './names.js';
import type { AddressParts } from './names.js';
import type { Addresses, Family, ResolvedAddress } from './resolved-address.js';
import { listed } from './resolved-address.js';
import type { Tally } from './stats.js';

/** How long IPv4 waits for IPv6, in milliseconds (RFC 8305 §3, Resolution Delay). */
const RESOLUTION_DELAY = 50;
/** How long a caller may use a stale answer, in milliseconds (RFC 8767 §4). */
const STALE_TTL = 30_000;

/** What a caller looks at: it gives the result when there is one, or asks to be called again after some milliseconds. */
type Look<T> = (again: (ms: number) => void) => T | undefined;

/** Waits for flights, on behalf of single callers: each with its own signal and its own time. */
export class Waiter {
  private readonly _cache: Cache;
  private readonly _tally: Tally;

  constructor(cache: Cache, tally: Tally) {
    this._cache = cache;
    this._tally = tally;
  }

  /** All addresses. */
  whole(call: Call, flight: Flight): Promise<ResolvedAddress[]> {
    return this.wait(
      call,
      flight,
      () => this.ended(call, flight),
      () => this.late(call, flight),
    );
  }

  /** The addresses of one family as soon as RFC 8305 §3 lets a dialler begin with them. */
  parts(call: Call, flight: Flight): Promise<AddressParts> {
    let delayedUntil = 0;
    const look: Look<AddressParts> = (again) => {
      const list = this.ended(call, flight);
      if (list !== undefined) return inOnePart(list);
      const [part] = flight.parts;
      if (part === undefined || call.families.length === 1) return undefined;
      if (part.family === 4) {
        const now = performance.now();
        if (delayedUntil === 0) delayedUntil = now + RESOLUTION_DELAY;
        if (now < delayedUntil) {
          again(delayedUntil - now);
          return undefined;
        }
      }
      return { first: listed([part], this.lifetimeOf([part])), ...this.rest(call, flight, part.family) };
    };
    return this.wait(call, flight, look, () => inOnePart(this.late(call, flight)));
  }

  /** An answer past its time. */
  stale(entry: Entry): ResolvedAddress[] {
    this._tally.count('stale');
    return entry.answer.kind === 'found' ? listed(entry.answer.found, STALE_TTL) : [];
  }

  /** The error for an answer that says there is none. */
  none(call: Call, { cause }: Extract<Answer, { kind: 'none' }>): MillraceError {
    this._tally.count('notFound');
    const [only] = call.families.length === 1 ? call.families : [];
    const kind = only === undefined ? 'address' : `IPv${only} address`;
    const why = codeOf(cause) === 'ENOTFOUND' ? 'does not exist' : `has no ${kind}`;
    return notFound(call.host, why, cause);
  }

  private wait<T>(call: Call, flight: Flight, look: Look<T>, late: () => T): Promise<T> {
    return bounded<T>({ signal: call.signal, timeout: call.remaining, late }, (settle) => {
      let timer: NodeJS.Timeout | undefined;
      const again = (ms: number): void => {
        clearTimeout(timer);
        timer = setTimeout(see, Math.ceil(ms));
      };
      const see = (): void => {
        try {
          const value = look(again);
          if (value !== undefined) settle(() => value);
        } catch (error) {
          settle(() => {
            throw error;
          });
        }
      };
      flight.join(see);
      see();
      return () => {
        clearTimeout(timer);
        flight.leave(see);
      };
    });
  }

  /** The addresses, when no more will come; throws where there is none. */
  private ended(call: Call, { answer, stale, isSlow, parts }: Flight): ResolvedAddress[] | undefined {
    if (answer === null) return isSlow && stale !== null && parts.length === 0 ? this.stale(stale) : undefined;
    if (answer.kind === 'found') return listed(answer.found, this._cache.lifetime(answer));
    if (answer.kind === 'none') throw this.none(call, answer);
    if (stale !== null) return this.stale(stale);
    this._tally.count('failures');
    throw lookupFailed(call.host, answer.cause);
  }

  /** What there is when the caller's time is over. */
  private late(call: Call, { parts, stale }: Flight): ResolvedAddress[] {
    if (parts.length > 0) return listed(parts, this.lifetimeOf(parts));
    if (stale !== null) return this.stale(stale);
    this._tally.count('timeouts');
    throw call.timedOut();
  }

  /** The other family's addresses, for a caller that has begun with those of `begun`. */
  private rest(call: Call, flight: Flight, begun: Family): Pick<AddressParts, 'rest' | 'stop'> {
    const none = (): ResolvedAddress[] => [];
    let stop = (): void => undefined;
    const rest = bounded<ResolvedAddress[]>({ signal: call.signal, timeout: call.remaining, late: none }, (settle) => {
      stop = () => settle(none);
      const see = (): void => {
        const { answer } = flight;
        if (answer === null) return;
        const found = answer.kind === 'found' ? answer.found.filter(({ family }) => family !== begun) : [];
        settle(() => listed(found, this.lifetimeOf(found)));
      };
      flight.join(see);
      return () => flight.leave(see);
    });
    return { rest: rest.catch(none), stop: () => stop() };
  }

  private lifetimeOf(found: readonly Addresses[]): number {
    return this._cache.lifetime({ kind: 'found', found, partial: false });
  }
}
