import type { WatchedResponse } from './watched-response.js';

/**
 * The deadlines of handlers that have not begun their answer: a list in the order of time, for all have the same
 * timeout, and one timer for its first. An exchange costs two links, no timer of its own.
 *
 * Never early; late by what Node's timers are.
 */
export class HandlerDeadlines {
  readonly timeout: number;
  private readonly _expired: (res: WatchedResponse, waited: number, timeout: number) => void;
  private _first: WatchedResponse | undefined;
  private _last: WatchedResponse | undefined;
  private _timer: NodeJS.Timeout | undefined;

  constructor(timeout: number, expired: (res: WatchedResponse, waited: number, timeout: number) => void) {
    this.timeout = timeout;
    this._expired = expired;
  }

  get isEmpty(): boolean {
    return this._first === undefined;
  }

  add(res: WatchedResponse): void {
    res.deadlines = this;
    res.earlier = this._last;
    if (this._last === undefined) this._first = res;
    else this._last.later = res;
    this._last = res;
    if (this._timer === undefined) this.arm(this.timeout);
  }

  /** Takes out one that is in this list. */
  remove(res: WatchedResponse): void {
    const { earlier, later } = res;
    res.deadlines = undefined;
    if (earlier === undefined) this._first = later;
    else earlier.later = later;
    if (later === undefined) this._last = earlier;
    else later.earlier = earlier;
    res.earlier = res.later = undefined;
  }

  /** Forgets all: the server has closed. */
  clear(): void {
    clearTimeout(this._timer);
    this._first = this._last = this._timer = undefined;
  }

  private arm(after: number): void {
    this._timer = setTimeout(() => this.sweep(), after);
    // The server holds the process, or nobody does.
    this._timer.unref();
  }

  private sweep(): void {
    this._timer = undefined;
    const now = performance.now();
    for (let res = this._first; res !== undefined; res = this._first) {
      const waited = now - res.began;
      if (waited < this.timeout) break;
      this.remove(res);
      this._expired(res, waited, this.timeout);
    }
    // Expiring one may have added one.
    if (this._first === undefined || this._timer !== undefined) return;
    this.arm(Math.max(1, Math.ceil(this._first.began + this.timeout - now)));
  }
}
