import { MillraceError } from '../errors/millrace-error.js';
import { inspectedAs } from '../errors/inspected-as.js';
import type { PoolOptionValues } from '../options/pool.generated.js';
import type { ConnectParams } from './connect-channels.js';
import { publishConnectError, publishConnectOpen, publishConnectStart } from './connect-channels.js';
import type { Dialled } from './dialler.js';
import { Dialler } from './dialler.js';
import { Pipes } from './pipes.js';
import type { ConnectionPool } from './pool.js';
import type { PoolKey } from './pool-key.js';
import { connectParamsOf, originText } from './pool-key.js';
import type { Retirement } from './pooled-connection.js';
import { PooledConnection } from './pooled-connection.js';
import type { Queued, Waiter } from './waiter.js';
import { nextOrder, WaitQueue } from './waiter.js';

/** How long before the server's own idle timeout a connection is given up, in ms. */
const MARGIN = 1_000;
/** No connection is too old by more than this share of `maxConnectionAge` less than another. */
const JITTER = 0.1;
/** The global is a getter: looked up once. */
const clock = performance;
/** How often who has waited for too long looks whether a connection is still being opened, in ms. */
const AGAIN = 20;

/**
 * The connections of one key. Each is being opened, idle, or with exchanges; the sum of these is what the caps bound, and
 * a place is taken before a dial begins. Who finds none waits, first in, first out. Who may go behind others on a
 * connection that has exchanges (pipelining) does so before another is opened.
 */
export class OriginPool {
  readonly key: PoolKey;
  readonly text: string;
  readonly origin: string;
  /** Idle, the one used last at the end. */
  readonly idle: PooledConnection[] = [];
  readonly all = new Set<PooledConnection>();
  readonly queue = new WaitQueue();
  opening = 0;
  /** The pool does not know it any more: whoever does asks for the key's anew. */
  forgotten = false;
  /** Idle ones that `validate` is being asked about. */
  validating = 0;
  created = 0;
  reused = 0;
  closed = 0;
  readonly retired: Partial<Record<Retirement, number>> = {};
  private readonly _pool: ConnectionPool;
  /** The pool's options, and these with the key's limits in their place. */
  private _under: PoolOptionValues | undefined;
  private _values: PoolOptionValues | undefined;
  private readonly _dialler: Dialler;
  private readonly _pipes = new Pipes();

  constructor(pool: ConnectionPool, key: PoolKey, text: string) {
    this._pool = pool;
    this.key = key;
    this._dialler = new Dialler(key);
    this.text = text;
    this.origin = originText(key);
  }

  /** The options in force for this key. */
  get values(): PoolOptionValues {
    const { values } = this._pool;
    const { limits } = this.key;
    if (limits === undefined) return values;
    if (this._under !== values) {
      this._under = values;
      this._values = { ...values, ...limits };
    }
    return this._values as PoolOptionValues;
  }

  /** Connections, those that are being opened included. */
  get size(): number {
    return this.all.size + this.opening;
  }

  /** Has the waiter take a connection, now or when there is one; the answer withdraws it. */
  acquire(waiter: Waiter): Queued | null {
    const { values } = this;
    const isNew = waiter.order === 0;
    if (isNew) waiter.order = nextOrder();
    if (this.queue.size === 0 && this.serve(waiter)) return null;
    if (isNew) this._pool.assertRunning();
    else this._pool.assertServing();
    // For whom one is being opened is not past the cap.
    const coming = this.opening + this.validating + this.idle.length;
    const queued = this.queue.size - this.queue.covered(coming);
    if (isNew && queued >= values.maxQueued && !this.queue.hasRoomFor(waiter, coming) && !this.mayOpen()) {
      this._pool.countRefused();
      throw new MillraceError('MILLRACE_POOL_QUEUE_FULL', undefined, {
        limit: { option: 'maxQueued', value: values.maxQueued, seen: queued + 1 },
      });
    }
    const item = this.enqueue(waiter);
    this.judgeIdle();
    this.open();
    return item;
  }

  /**
   * Has a waiter whose connection is lost wait again, in its place of before; `fresh`: for a connection that nobody has used,
   * where the caps allow one.
   */
  again(waiter: Waiter, lost: PooledConnection | null, reason: Retirement, fresh: boolean): Queued | null {
    this._pool.countReturning(1);
    lost?.leave(reason);
    this._pool.countReturning(-1);
    if (!fresh || !this.mayOpen()) return this.acquire(waiter);
    this._pool.assertServing();
    const item = this.enqueue(waiter);
    void this.openOne(waiter.connectTimeouts, item);
    return item;
  }

  private enqueue(waiter: Waiter): Queued {
    const item: Queued = { waiter, since: performance.now(), timer: undefined, done: false };
    const expire = (): void => {
      if (item.done) return;
      if (this.opening > 0 && !waiter.isOver()) {
        // What is being opened has timeouts of its own, which say better what was slow.
        item.timer = setTimeout(expire, AGAIN);
        return;
      }
      this.withdraw(item);
      this._pool.countTimeout();
      const limit = { option: 'timeouts.acquire', value: waiter.acquireTimeout, seen: waiter.acquireTimeout };
      waiter.fail(new MillraceError('MILLRACE_ACQUIRE_TIMEOUT', undefined, { limit }));
    };
    item.timer = setTimeout(expire, waiter.acquireTimeout);
    this.queue.push(item);
    this._pool.countQueued(1);
    return item;
  }

  withdraw(item: Queued): void {
    if (item.done) return;
    this.queue.settle(item);
    this._pool.countQueued(-1);
  }

  /**
   * Gives an idle connection to a waiter, or one that takes it behind others; false when there is none. Where `validate` has
   * to judge the idle ones first, they go to who waits in the queue then.
   */
  private serve(waiter: Waiter): boolean {
    const isJudged = this.values.validate !== null;
    let now = 0;
    for (;;) {
      const connection = isJudged ? undefined : this.idle.pop();
      if (connection === undefined) return waiter.depth > 1 && this.pipe(waiter);
      now ||= clock.now();
      if (!this.retire(connection, now) && this.hand(connection, waiter, true)) return true;
    }
  }

  /** Puts a waiter behind the exchanges of a connection. */
  private pipe(waiter: Waiter): boolean {
    const { maxRequestsPerConnection, maxConnectionsPerOrigin } = this.values;
    // One that is to be closed when it is free must come to be free.
    if (this.all.size > maxConnectionsPerOrigin || this._pool.isOverfull()) return false;
    for (;;) {
      const connection = this._pipes.shortest(waiter.depth, maxRequestsPerConnection ?? Infinity);
      if (connection === undefined) return false;
      if (this.hand(connection, waiter, true)) return true;
    }
  }

  /** Has `validate` judge as many idle connections as are waited for, and no more. */
  private judgeIdle(): void {
    const { validate } = this.values;
    if (validate === null) return;
    const now = clock.now();
    while (this.validating < this.queue.connections) {
      const connection = this.idle.pop();
      if (connection === undefined) return;
      // Who waits is not to have another opened in the place of this one, while there are idle ones.
      this.validating++;
      if (this.retire(connection, now)) this.validating--;
      else this.judge(connection, validate as (connection: PooledConnection) => boolean | Promise<boolean>);
    }
  }

  /** Asks the hook about a connection. One that passes goes to who waits, or is idle again. */
  private judge(
    connection: PooledConnection,
    hook: (connection: PooledConnection) => boolean | Promise<boolean>,
  ): void {
    const judged = (passes: boolean): void => {
      this.validating--;
      if (connection.gone || !passes) {
        this.judgeIdle();
        if (connection.gone) this.open();
        else connection.close('discarded');
        return;
      }
      const item = this.queue.peek();
      if (item === undefined) {
        if (this.rest(connection)) this._pool.hasIdle();
        return;
      }
      if (this.hand(connection, item.waiter, true)) this.served(item);
      this.pump();
    };
    new Promise<boolean>((resolve) => resolve(hook(connection))).then(
      (passes) => judged(passes === true),
      () => judged(false),
    );
  }

  private hand(connection: PooledConnection, waiter: Waiter, reused: boolean): boolean {
    connection.uses++;
    connection.active++;
    this._pipes.begun(connection, waiter.depth);
    if (!waiter.take(connection, reused)) {
      connection.active--;
      // Its event has told, or tells in this turn, that it is gone; or it takes no more behind those that it has.
      if (connection.active === 0) connection.forget('stale');
      else connection.leaving ??= 'peer';
      return false;
    }
    if (reused) this.countReused(1);
    return true;
  }

  /** Connections that were used again; -1 for one that had died before anything was sent on it. */
  countReused(change: number): void {
    this.reused += change;
    this._pool.countReused(change);
  }

  /** Closes a connection whose time is over; says whether it did. */
  private retire(connection: PooledConnection, now: number): boolean {
    const { maxRequestsPerConnection } = this.values;
    const reason: Retirement | undefined =
      now >= connection.retiresAt
        ? 'age'
        : now >= connection.idleUntil
          ? 'idle'
          : connection.uses >= (maxRequestsPerConnection ?? Infinity)
            ? 'requests'
            : undefined;
    if (reason === undefined) return false;
    connection.close(reason);
    return true;
  }

  /** An exchange on a connection is over; `hint` are the seconds of the server's `Keep-Alive: timeout`, or -1. */
  release(connection: PooledConnection, reusable: boolean, hint: number, now = clock.now()): void {
    connection.active--;
    if (connection.gone) return;
    if (!reusable) connection.leaving ??= 'peer';
    if (connection.leaving !== null) {
      // The core closes what cannot be kept; this is for our own wish.
      if (connection.active === 0) connection.close(connection.leaving);
      return;
    }
    if (connection.active > 0) {
      if (this.queue.size > 0) this.pump();
      return;
    }
    this._pipes.left(connection);
    const { values } = this;
    connection.idleSince = now;
    const told = hint < 0 ? Infinity : Math.max(0, hint * 1_000 - MARGIN);
    connection.idleUntil = now + Math.min(values.idleTimeout, told);
    if (this.all.size > values.maxConnectionsPerOrigin || this._pool.isOverfull()) return connection.close('limit');
    if (this.retire(connection, now)) return this.open();
    if (this.queue.size > 0 && this._pool.othersAreFirst(this)) return connection.close('limit');
    if (!this.rest(connection)) return;
    if (this.queue.size > 0) this.pump();
    else this._pool.hasIdle();
  }

  /** Has a connection among the idle ones; closes it, and says false, where the pool drains and nobody waits. */
  private rest(connection: PooledConnection): boolean {
    if (this._pool.state !== 'running' && this.queue.size === 0) {
      connection.close('drain');
      return false;
    }
    this.idle.push(connection);
    return true;
  }

  /** Idle connections go to those who wait, in their order. */
  pump(): void {
    for (let item = this.queue.peek(); item !== undefined; item = this.queue.peek()) {
      if (!this.serve(item.waiter)) break;
      this.served(item);
    }
    this.judgeIdle();
    this.open();
  }

  private served(item: Queued): void {
    this.withdraw(item);
    this._pool.recordWait(performance.now() - item.since);
  }

  /** Whether the caps allow another connection; at the global cap an idle one of another origin makes room. */
  mayOpen(): boolean {
    return this.size < this.values.maxConnectionsPerOrigin && this._pool.hasRoomFor(this);
  }

  /** Opens as many connections as are waited for and allowed. */
  open(): void {
    while (this.isShort() && this.mayOpen()) this.dial();
  }

  /** Whether those who wait would fill more connections than are on their way. */
  private isShort(): boolean {
    return this.opening + this.validating < this.queue.connections;
  }

  /** Opens one connection for who waits; the caps allow it. */
  dial(): void {
    const item = this.queue.peek();
    void this.openOne(item?.waiter.connectTimeouts ?? {});
  }

  /** Opens one connection; its place is taken at once. */
  async openOne(timeouts: Waiter['connectTimeouts'], asker?: Queued): Promise<boolean> {
    this.opening++;
    this._pool.countOpening(1);
    let dialled: Dialled | undefined;
    let failure: unknown;
    const params = (): ConnectParams => connectParamsOf(this.key);
    publishConnectStart(params);
    try {
      dialled = await this._dialler.dial(timeouts);
    } catch (error) {
      failure = error;
    }
    this.opening--;
    this._pool.countOpening(-1);
    if (dialled !== undefined) return this.opened(dialled, asker);
    publishConnectError(params, failure);
    this.failed(failure);
    return false;
  }

  private opened({ id, socket, phases }: Dialled, asker: Queued | undefined): boolean {
    const now = performance.now();
    const { maxConnectionAge, idleTimeout } = this.values;
    const age = maxConnectionAge === null ? Infinity : maxConnectionAge * (1 - Math.random() * JITTER);
    const connection = new PooledConnection(id, this, now, now + age, socket);
    connection.phases = phases;
    publishConnectOpen(
      () => connectParamsOf(this.key),
      () => connection.observed(),
    );
    this.all.add(connection);
    this.created++;
    this._pool.countCreated();
    connection.idleSince = now;
    connection.idleUntil = now + idleTimeout;
    if (this._pool.state === 'stopped') {
      connection.close('drain');
      return false;
    }
    const item = asker?.done === false ? asker : this.queue.peek();
    if (item === undefined) {
      if (!this.rest(connection)) return false;
      this._pool.hasIdle();
      return true;
    }
    if (!this.hand(connection, item.waiter, false)) return false;
    this.served(item);
    if (connection.depth > 1 && this.queue.size > 0) this.pump();
    return true;
  }

  /** A dial failed: who waits longest is told, or all who would have shared it; others go on waiting for another. */
  private failed(error: unknown): void {
    const told = this.queue.takeShare(() => this.opening < this.queue.connections);
    this._pool.countQueued(-told.length);
    for (const waiter of told) waiter.fail(error);
    this._pool.roomMade();
  }

  /** The order of the first who waits and gets no connection that is coming; undefined where another may not be opened. */
  firstInNeed(): number | undefined {
    if (!this.isShort() || this.size >= this.values.maxConnectionsPerOrigin) return undefined;
    return this.queue.at(this.queue.covered(this.opening + this.validating))?.waiter.order;
  }

  /** Closes idle connections beyond this key's cap. */
  shrink(): void {
    while (this.size > this.values.maxConnectionsPerOrigin) {
      const oldest = this.idle[0];
      if (oldest === undefined) return;
      oldest.close('limit');
    }
  }

  /** Whether nothing is left that it would have to be kept for. */
  isForgettable(): boolean {
    return this.size === 0 && this.queue.size === 0 && this.validating === 0;
  }

  /** The pool drains: idle ones go now, busy ones when they are free. */
  leave(): void {
    for (const connection of [...this.idle]) connection.close('drain');
  }

  destroy(error: Error): void {
    for (let item = this.queue.peek(); item !== undefined; item = this.queue.peek()) {
      this.withdraw(item);
      item.waiter.fail(error);
    }
    this._dialler.abort(error);
    for (const connection of [...this.all]) connection.close('drain');
  }

  /** A connection is gone. */
  lost(connection: PooledConnection, reason: Retirement): void {
    this.all.delete(connection);
    this._pipes.left(connection);
    const place = this.idle.lastIndexOf(connection);
    if (place >= 0) this.idle.splice(place, 1);
    this.closed++;
    this.retired[reason] = (this.retired[reason] ?? 0) + 1;
    this._pool.countClosed(reason);
    this._pool.roomMade();
  }
}

// The key has the passwords of proxies.
inspectedAs(OriginPool, ({ origin }) => ({ origin }));
