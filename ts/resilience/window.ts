/** How finely a window of time is cut: what it counts is late by a slot at most. */
const SLOTS = 10;

/**
 * Two counts over the last so many milliseconds, in slots of a tenth of that; memory does not grow with what is counted.
 * Time is the monotonic clock.
 */
export class CountWindow {
  private readonly _slot: number;
  private readonly _firsts = new Float64Array(SLOTS);
  private readonly _seconds = new Float64Array(SLOTS);
  /** The number, since the clock began, of the slot that is counted into. */
  private _at: number;
  private _first = 0;
  private _second = 0;

  constructor(window: number) {
    this._slot = window / SLOTS;
    this._at = this.now();
  }

  /** Adds to the one and the other count. */
  add(first: number, second: number): void {
    this.turn();
    const place = this._at % SLOTS;
    this._firsts[place] += first;
    this._seconds[place] += second;
    this._first += first;
    this._second += second;
  }

  get first(): number {
    this.turn();
    return this._first;
  }

  get second(): number {
    this.turn();
    return this._second;
  }

  clear(): void {
    this._firsts.fill(0);
    this._seconds.fill(0);
    this._first = this._second = 0;
    this._at = this.now();
  }

  private now(): number {
    return Math.floor(performance.now() / this._slot);
  }

  /** Forgets the slots that have left the window. */
  private turn(): void {
    const now = this.now();
    if (now - this._at >= SLOTS) return this.clear();
    while (this._at < now) {
      const place = ++this._at % SLOTS;
      this._first -= this._firsts[place];
      this._second -= this._seconds[place];
      this._firsts[place] = this._seconds[place] = 0;
    }
  }
}
