import type { Answer } from './answer.js';
import type { Entry } from './cache.js';
import type { Addresses } from './resolved-address.js';

/**
 * A lookup under way, and all the callers that wait for it. It ends with its answer, or when nobody waits any more: then
 * its signal is aborted.
 */
export class Flight {
  readonly key: string;
  /** What was known, whose time has passed. */
  readonly stale: Entry | null;
  /** What has come so far, of the name that the answer will be about. */
  readonly parts: Addresses[] = [];
  /** How it ended. */
  answer: Answer | null = null;
  /** It takes so long that `stale` may be given. */
  isSlow = false;
  /** Flushed: its answer is not to be kept. */
  isOutdated = false;
  private readonly _abort = new AbortController();
  private readonly _callers = new Set<() => void>();
  private readonly _onAbandoned: (flight: Flight) => void;

  constructor(key: string, stale: Entry | null, onAbandoned: (flight: Flight) => void) {
    this.key = key;
    this.stale = stale;
    this._onAbandoned = onAbandoned;
  }

  /** Aborted when nobody waits any more. */
  get signal(): AbortSignal {
    return this._abort.signal;
  }

  /** The function is called whenever there is something new to see. */
  join(caller: () => void): void {
    this._callers.add(caller);
  }

  leave(caller: () => void): void {
    if (!this._callers.delete(caller) || this._callers.size > 0 || this.answer !== null) return;
    if (this.signal.aborted) return;
    this._abort.abort();
    this._onAbandoned(this);
  }

  /** The addresses of one family are there. */
  part(addresses: Addresses): void {
    this.parts.push(addresses);
    this.tell();
  }

  slow(): void {
    this.isSlow = true;
    this.tell();
  }

  end(answer: Answer): void {
    this.answer = answer;
    this.tell();
  }

  private tell(): void {
    for (const caller of [...this._callers]) caller();
  }
}
