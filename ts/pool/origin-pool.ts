import { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { native } from '../native/loader.js';
import type { ConnectNotes } from '../net/connect.js';
import { connectNoting } from '../net/connect.js';
import type { Socket } from '../net/socket.js';
import type { PoolOptionValues } from '../options/pool.generated.js';
import type { ConnectParams } from './connect-channels.js';
import { publishConnectError, publishConnectOpen, publishConnectStart } from './connect-channels.js';
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
  /** What cuts the dials that are under way. */
  private readonly _dials = new Set<AbortController>();
  private readonly _pipes = new Pipes();

  constructor(pool: ConnectionPool, key: PoolKey, text: string) {
    this._pool = pool;
    this.key = key;
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
    if (waiter.order === 0) waiter.order = nextOrder();
    if (this.queue.size === 0 && this.serve(waiter)) return null;
    this._pool.assertRunning();
    const queued = this.queue.size;
    const opens = this.queue.hasRoomFor(waiter, this.opening + this.validating) || this.mayOpen();
    if (!opens && queued >= values.maxQueued) {
      this._pool.countRefused();
      throw new MillraceError('MILLRACE_POOL_QUEUE_FULL', undefined, {
        limit: { option: 'maxQueued', value: values.maxQueued, seen: queued + 1 },
      });
    }
    const item = this.enqueue(waiter);
    this.open();
    return item;
  }

  /** As `acquire`, on a connection that nobody has used before, where the caps allow one. */
  acquireFresh(waiter: Waiter): Queued | null {
    if (!this.mayOpen()) return this.acquire(waiter);
    this._pool.assertRunning();
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

  /** Gives an idle connection to a waiter, or one that takes it behind others; false when there is none. */
  private serve(waiter: Waiter): boolean {
    let now = 0;
    for (;;) {
      const connection = this.idle.pop();
      if (connection === undefined) return waiter.depth > 1 && this.pipe(waiter);
      now ||= performance.now();
      if (this.retire(connection, now)) continue;
      if (this.values.validate !== null && !connection.validated) {
        this.validate(connection);
        continue;
      }
      if (this.hand(connection, waiter, true)) return true;
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

  /** Has the hook judge an idle connection; one that passes is idle again and goes to who waits. */
  private validate(connection: PooledConnection): void {
    this.validating++;
    const hook = this.values.validate as (connection: PooledConnection) => boolean | Promise<boolean>;
    const judged = (passes: boolean): void => {
      this.validating--;
      if (connection.gone) return this.open();
      if (!passes) return connection.close('discarded');
      connection.validated = true;
      this.idle.push(connection);
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
    if (reused) this.reused++;
    this._pool.countAcquire(reused);
    return true;
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
  release(connection: PooledConnection, reusable: boolean, hint: number): void {
    connection.active--;
    connection.validated = false;
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
    const now = performance.now();
    connection.idleSince = now;
    const told = hint < 0 ? Infinity : Math.max(0, hint * 1_000 - MARGIN);
    connection.idleUntil = now + Math.min(values.idleTimeout, told);
    if (this._pool.state !== 'running' && this.queue.size === 0) return connection.close('drain');
    if (this.all.size > values.maxConnectionsPerOrigin || this._pool.isOverfull()) return connection.close('limit');
    if (this.retire(connection, now)) return this.open();
    this.idle.push(connection);
    if (this.queue.size > 0) this.pump();
    else this._pool.hasIdle(this);
  }

  /** Idle connections go to those who wait, in their order. */
  pump(): void {
    for (let item = this.queue.peek(); item !== undefined; item = this.queue.peek()) {
      if (!this.serve(item.waiter)) break;
      this.served(item);
    }
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

  private dial(): void {
    const item = this.queue.peek();
    void this.openOne(item?.waiter.connectTimeouts ?? {});
  }

  /** Opens one connection; its place is taken at once. */
  async openOne(timeouts: Waiter['connectTimeouts'], asker?: Queued): Promise<boolean> {
    this.opening++;
    this._pool.countOpening(1);
    let socket: Socket | undefined;
    let failure: unknown;
    const began = performance.now();
    const notes: ConnectNotes = {};
    const dial = new AbortController();
    this._dials.add(dial);
    const params = (): ConnectParams => connectParamsOf(this.key);
    publishConnectStart(params);
    try {
      socket = await connectNoting({ ...this.connectOptions(timeouts), signal: dial.signal }, notes);
    } catch (error) {
      failure = error;
    }
    this._dials.delete(dial);
    this.opening--;
    this._pool.countOpening(-1);
    if (socket === undefined) {
      publishConnectError(params, failure);
      this.failed(failure);
      return false;
    }
    const { dns = null } = notes;
    const { proxy, tls } = socket.handshakes;
    const connect = Math.max(0, performance.now() - began - (dns ?? 0) - (proxy ?? 0) - (tls ?? 0));
    return this.opened(socket, asker, { dns, connect, proxy, tls });
  }

  private connectOptions(timeouts: Waiter['connectTimeouts']): Parameters<typeof connectNoting>[0] {
    const { scheme, host, port, tls, localAddress, socketPath, family, proxy, resolver } = this.key;
    const secure = scheme === 'https' || scheme === 'tls';
    return {
      ...(socketPath === undefined ? { host, port } : { path: socketPath }),
      ...(secure ? { tls: tls ?? true } : null),
      ...(localAddress === undefined ? null : { localAddress }),
      ...(family === undefined ? null : { family }),
      ...(resolver === undefined ? null : { resolver }),
      ...(proxy === undefined || proxy === null ? null : { proxy }),
      timeouts,
    };
  }

  private opened(socket: Socket, asker: Queued | undefined, phases: PooledConnection['phases']): boolean {
    const raw = this.key.scheme === 'tcp' || this.key.scheme === 'tls';
    const id = raw ? socket.id : socket.surrender();
    const code = raw ? undefined : native.becomeClient(id);
    if (code !== undefined) {
      native.destroy(id);
      const error = errorFromNative(code);
      publishConnectError(() => connectParamsOf(this.key), error);
      this.failed(error);
      return false;
    }
    const now = performance.now();
    const { maxConnectionAge, idleTimeout } = this.values;
    const age = maxConnectionAge === null ? Infinity : maxConnectionAge * (1 - Math.random() * JITTER);
    const connection = new PooledConnection(id, this, now, now + age, raw ? socket : null);
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
      this.idle.push(connection);
      this._pool.hasIdle(this);
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
    this.open();
    this._pool.roomMade(this);
  }

  /** Whether another connection would be of use and this key's own cap allows it. */
  wantsMore(): boolean {
    return this.isShort() && this.size < this.values.maxConnectionsPerOrigin;
  }

  /** Opens one connection, whose place is there. */
  openFirst(): void {
    this.dial();
  }

  /** Closes idle connections beyond this key's cap. */
  shrink(): void {
    while (this.size > this.values.maxConnectionsPerOrigin) {
      const oldest = this.idle[0];
      if (oldest === undefined) return;
      oldest.close('limit');
    }
  }

  /** Closes idle connections whose time is over, but `minIdle` of them that only nobody has used. */
  sweep(now: number): number {
    const { minIdle } = this.values;
    let closed = 0;
    for (const connection of [...this.idle]) {
      const old = now >= connection.retiresAt;
      if (!old && (now < connection.idleUntil || this.idle.length <= minIdle)) continue;
      connection.close(old ? 'age' : 'idle');
      closed++;
    }
    return closed;
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
    for (const dial of this._dials) dial.abort(error);
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
    this.open();
    this._pool.roomMade(this);
  }
}
