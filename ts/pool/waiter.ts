import type { ConnectTimeouts } from '../options/connect-timeouts.generated.js';
import type { PooledConnection } from './pooled-connection.js';

/** Who wants a connection. */
export interface Waiter {
  /** Takes a connection; false: it is not usable after all, and another is wanted. */
  take(connection: PooledConnection, reused: boolean): boolean;
  fail(error: unknown): void;
  /** What may be taken for the connection that is opened for it. */
  readonly connectTimeouts: ConnectTimeouts;
  readonly acquireTimeout: number;
  /** Whether its own time for all of it is over. */
  isOver(): boolean;
}

/** A waiter in a queue. */
export interface Queued {
  readonly waiter: Waiter;
  readonly since: number;
  timer: NodeJS.Timeout | undefined;
  /** Served, failed or withdrawn: it stands in the queue and does not count. */
  done: boolean;
}

/** First in, first out; withdrawals leave a gap that is passed over. */
export class WaitQueue {
  private _items: Queued[] = [];
  private _head = 0;
  private _size = 0;

  /** How many wait. */
  get size(): number {
    return this._size;
  }

  push(item: Queued): void {
    this._items.push(item);
    this._size++;
  }

  /** Puts one before all others: it has waited before. */
  unshift(item: Queued): void {
    if (this._head > 0) this._items[--this._head] = item;
    else this._items.unshift(item);
    this._size++;
  }

  /** The first that waits, which stays in the queue. */
  peek(): Queued | undefined {
    while (this._head < this._items.length) {
      const item = this._items[this._head];
      if (!item.done) return item;
      this._head++;
    }
    this._items = [];
    this._head = 0;
    return undefined;
  }

  /** The one behind so many that wait. */
  at(place: number): Queued | undefined {
    let left = place;
    for (let index = this._head; index < this._items.length; index++) {
      const item = this._items[index];
      if (item !== undefined && !item.done && left-- === 0) return item;
    }
    return undefined;
  }

  /** Takes one out, wherever it stands. */
  settle(item: Queued): void {
    if (item.done) return;
    item.done = true;
    this._size--;
    if (item.timer !== undefined) clearTimeout(item.timer);
    item.timer = undefined;
    if (this._head > 1024 && this._head * 2 > this._items.length) {
      this._items = this._items.slice(this._head);
      this._head = 0;
    }
  }
}
