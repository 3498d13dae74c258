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
  /** How many exchanges may be on the connection that it takes, itself included; 1: it is to be alone. */
  readonly depth: number;
  /** Its place among all that ever asked; 0: it has not asked yet. */
  order: number;
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

/** A connection's worth of waiters; those who may share one count for a part of it. */
const WHOLE = 2 ** 30;
let orders = 0;

/** The place of who asks for the first time. */
export function nextOrder(): number {
  return ++orders;
}

/** What a waiter takes of a connection. */
function shareOf({ depth }: Waiter): number {
  return Math.floor(WHOLE / depth);
}

/**
 * First in, first out; who comes back, because the connection that it was given died, has its place of before. Withdrawals
 * leave a gap that is passed over.
 */
export class WaitQueue {
  private _items: Queued[] = [];
  private _head = 0;
  private _size = 0;
  private _shares = 0;

  /** How many wait. */
  get size(): number {
    return this._size;
  }

  /** How many connections those who wait would fill. */
  get connections(): number {
    return Math.ceil(this._shares / WHOLE);
  }

  /** Whether so many connections would take the waiter too. */
  hasRoomFor(waiter: Waiter, connections: number): boolean {
    return this._shares + shareOf(waiter) <= connections * WHOLE;
  }

  push(item: Queued): void {
    const items = this._items;
    const { order } = item.waiter;
    this._size++;
    this._shares += shareOf(item.waiter);
    let place = items.length;
    if (place > this._head && items[place - 1].waiter.order > order) {
      place = this._head;
      while (items[place].waiter.order < order) place++;
    }
    items.splice(place, 0, item);
  }

  /** Takes the first waiters out, as many as share one connection, so long as `goes` says so. */
  takeShare(goes: () => boolean): Waiter[] {
    const taken: Waiter[] = [];
    let left = WHOLE;
    for (let item = this.peek(); item !== undefined && goes(); item = this.peek()) {
      left -= shareOf(item.waiter);
      if (left < 0) break;
      this.settle(item);
      taken.push(item.waiter);
    }
    return taken;
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

  /** Takes one out, wherever it stands. */
  settle(item: Queued): void {
    if (item.done) return;
    item.done = true;
    this._size--;
    this._shares -= shareOf(item.waiter);
    if (item.timer !== undefined) clearTimeout(item.timer);
    item.timer = undefined;
    if (this._head > 1024 && this._head * 2 > this._items.length) {
      this._items = this._items.slice(this._head);
      this._head = 0;
    }
  }
}
