import { abortError } from '../errors/abort-error.js';
import { totalTimeout } from './timeouts.js';

/**
 * What ends a call between its exchanges: its signal, and `timeouts.total`, which goes from the call to the last byte over
 * all of them. While an exchange is under way it does nothing, for each of them ends itself by both.
 */
export class Cutoff {
  private readonly _start: number;
  private readonly _total: number;
  private readonly _signal: AbortSignal | undefined;
  private readonly _stop = new AbortController();
  private _timer: NodeJS.Timeout | undefined;
  private _exchanging = false;
  private _reject: ((error: unknown) => void) | undefined;

  /** `start` as `performance.now()` tells it; a `total` of 0 is none. */
  constructor(start: number, total: number, signal: AbortSignal | undefined) {
    this._start = start;
    this._total = total;
    this._signal = signal;
  }

  /** Aborted when the call is over: what it waits for then is given up. */
  get stop(): AbortSignal {
    return this._stop.signal;
  }

  /** What a call ends with; rejects before it does where the call has to be over between two exchanges. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this._total === 0 && this._signal === undefined) return work();
    const cut = new Promise<never>((_, reject) => (this._reject = reject));
    this._signal?.addEventListener('abort', this.look);
    this.look();
    try {
      return await Promise.race([work(), cut]);
    } finally {
      clearTimeout(this._timer);
      this._signal?.removeEventListener('abort', this.look);
      this._stop.abort();
    }
  }

  /** An exchange of the call; throws where the call is over. */
  async exchange<T>(exchange: () => Promise<T>): Promise<T> {
    const error = this.over();
    if (error !== undefined) throw error;
    this._exchanging = true;
    try {
      return await exchange();
    } finally {
      this._exchanging = false;
      this.look();
    }
  }

  /** Why the call is over, if it is. */
  private over(): Error | undefined {
    if (this._signal?.aborted === true) return abortError(this._signal);
    const took = performance.now() - this._start;
    return this._total > 0 && took >= this._total ? totalTimeout(this._total, took) : undefined;
  }

  private readonly look = (): void => {
    clearTimeout(this._timer);
    if (this._exchanging || this._stop.signal.aborted) return;
    const error = this.over();
    if (error !== undefined) {
      this._reject?.(error);
      this._stop.abort();
    } else if (this._total > 0) {
      // A timer may be a little before the clock: it looks again.
      this._timer = setTimeout(this.look, Math.ceil(this._total - (performance.now() - this._start)));
    }
  };
}
