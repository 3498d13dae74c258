import { describeValue } from '../errors/escape.js';
import { MillraceError, misuse, outOfRange } from '../errors/millrace-error.js';

/** The longest that a timer of Node.js waits, in milliseconds; a longer one would fire at once. */
const MAX_TIMER = 2_147_483_647;

/**
 * A moment by which something has to be over: one budget of time that all the steps of a piece of work share. It is
 * read by the monotonic clock, so it is never early and a change of the system's time does not move it.
 *
 * It costs no timer until `signal` is read or `race` is called; that timer holds the process only during a `race`, and
 * `clear()` (or the end of a `using` block) lets it go. A deadline that was cleared still tells the time.
 */
export class Deadline {
  /** No end: `remaining()` is Infinity. */
  static readonly never: Deadline = new Deadline(Infinity, Infinity);

  private readonly _ms: number;
  private readonly _at: number;
  private _abort: AbortController | undefined;
  private _timer: NodeJS.Timeout | undefined;
  private _racing = 0;

  private constructor(ms: number, at: number) {
    this._ms = ms;
    this._at = at;
  }

  /** In so many milliseconds from now: 0 or more, Infinity for none. */
  static after(ms: number): Deadline {
    return new Deadline(checked('Deadline.after', ms), performance.now() + ms);
  }

  /** Milliseconds that are left; 0 when it has passed. */
  remaining(): number {
    return Math.max(0, this._at - performance.now());
  }

  /** Whether it has passed. */
  get expired(): boolean {
    return performance.now() >= this._at;
  }

  /**
   * Aborted when it passes, with an error of the code `MILLRACE_DEADLINE`: for `fetch`, timers and whatever else takes a
   * signal. Made when first read.
   */
  get signal(): AbortSignal {
    if (this._abort === undefined) {
      this._abort = new AbortController();
      this.look();
    }
    return this._abort.signal;
  }

  /** A deadline for one step: in so many milliseconds, and no later than this one. */
  within(ms: number): Deadline {
    const step = performance.now() + checked('Deadline.within', ms);
    return step < this._at ? new Deadline(ms, step) : new Deadline(this._ms, this._at);
  }

  /**
   * Settles as `work` does, or rejects with the signal's reason when the deadline passes first. The work itself is not
   * stopped: give it the signal for that. What becomes of it later is heard by nobody.
   */
  async race<T>(work: PromiseLike<T>): Promise<T> {
    const { signal } = this;
    let late = (): void => undefined;
    const passed = new Promise<never>((_, reject) => {
      late = () => reject(signal.reason as Error);
      if (signal.aborted) late();
      else signal.addEventListener('abort', late, { once: true });
    });
    this._racing++;
    this._timer?.ref();
    try {
      return await Promise.race([work, passed]);
    } finally {
      if (--this._racing === 0) this._timer?.unref();
      signal.removeEventListener('abort', late);
    }
  }

  /** Lets the timer go: the signal is then not aborted any more. */
  clear(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  /** Aborts the signal if it is time; else waits on. */
  private look(): void {
    this._timer = undefined;
    const left = this.remaining();
    if (left === 0) {
      this._abort?.abort(this.error());
    } else if (left !== Infinity) {
      // A timer may fire a fraction of a millisecond early by the other clock, hence the second look.
      this._timer = setTimeout(() => this.look(), Math.min(MAX_TIMER, Math.ceil(left)));
      if (this._racing === 0) this._timer.unref();
    }
  }

  private error(): MillraceError {
    const seen = performance.now() - this._at + this._ms;
    const message = `the deadline of ${this._ms} ms has passed`;
    return new MillraceError('MILLRACE_DEADLINE', message, { limit: { option: 'deadline', value: this._ms, seen } });
  }
}

function checked(where: string, ms: number): number {
  if (typeof ms !== 'number') {
    const got = describeValue(ms);
    throw misuse('MILLRACE_INVALID_ARGUMENT', `${where}: milliseconds must be a number, got ${got}`);
  }
  if (!(ms >= 0)) throw outOfRange(`${where}: milliseconds must be 0 or more, got ${describeValue(ms)}`);
  return ms;
}
