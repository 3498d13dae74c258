import { abortError } from '../errors/abort-error.js';
import { inspectedAs } from '../errors/inspected-as.js';
import { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import {
  OTHER_METHOD,
  REQUEST_BODY,
  REQUEST_INFORMATIONAL,
  REQUEST_PIPELINE,
  REQUEST_STREAM,
  REQUEST_UPGRADE,
} from '../native/binding.js';
import type { Target } from '../native/events.js';
import {
  ABORTED_CODE,
  ABORTED_SEEN,
  ABORTED_SENT,
  ABORTED_UNREAD,
  KIND,
  RESPONSE_ENDED,
  RESPONSE_KEEP_ALIVE,
  RESPONSE_KEEP_ALIVE_SHIFT,
  RESPONSE_RAW,
  register,
  slotOf,
  unregister,
} from '../native/events.js';
import { native } from '../native/loader.js';
import { COUNTERS } from '../metrics/catalogue.generated.js';
import type { ConnectTimeouts } from '../options/connect-timeouts.generated.js';
import type { OriginPool } from '../pool/origin-pool.js';
import type { PooledConnection, Retirement } from '../pool/pooled-connection.js';
import type { Queued, Waiter } from '../pool/waiter.js';
import { HeaderView } from '../message/header-view.js';
import { BodySender } from './body-sender.js';
import type { Prepared } from './prepared.js';
import { depthOf, headOf } from './prepared.js';
import { countPassed } from './refusals.js';
import { totalTimeout } from './timeouts.js';
import type { Timings } from './timings.js';

/** The global is a getter: looked up once. */
const clock = performance;
const STALE = 458;
const REPLAYS = COUNTERS.findIndex(({ key }) => key === 'millrace_http_client_replays_total');
const FAILURES = COUNTERS.findIndex(({ key }) => key === 'millrace_http_client_failures_total');
const BEFORE_BYTES: ReadonlySet<string> = new Set([
  'MILLRACE_CONNECTION_CLOSED',
  'MILLRACE_CONNECTION_RESET',
  'MILLRACE_CONNECTION_STALE',
  'MILLRACE_SYSTEM',
  'MILLRACE_TLS_TRUNCATED',
  'MILLRACE_HTTP_UNEXPECTED_DATA',
]);

/** Exchanges that keep the process alive. */
let held = 0;

/**
 * One request on its way: waiting for a connection, on one, once again on another where the first had died unnoticed.
 * What becomes of it are its subclass's methods; `failed` or `ended` is the last.
 */
export abstract class Exchange implements Target, Waiter {
  id = -1;
  /** @internal Its events are not over: see `register`. */
  closed = false;
  readonly timings: Timings;
  /** Called once it is over, however it ended. */
  onOver: (() => void) | undefined;
  readonly connectTimeouts: ConnectTimeouts;
  /** @internal How long it waits in a queue: the shorter of `timeouts.acquire` and what is left of `timeouts.total`. */
  acquireTimeout = 0;
  depth: number;
  order = 0;
  protected readonly prepared: Prepared;
  protected connection: PooledConnection | null = null;
  protected reused = false;
  private readonly _origin: OriginPool;
  private _queued: Queued | null = null;
  private _totalIsFirst = false;
  private _replayed = false;
  private _over = false;
  private _keep = false;
  private _hint = -1;
  private _onAbort: (() => void) | undefined;
  private _sender: BodySender | undefined;

  /** The clock of `totalTimeout` began when that of `timings` did. */
  constructor(origin: OriginPool, prepared: Prepared, timings: Timings) {
    this._origin = origin;
    this.prepared = prepared;
    this.timings = timings;
    this.connectTimeouts = prepared.connectTimeouts;
    this.depth = depthOf(prepared);
  }

  /** Whether the last event has come. */
  get over(): boolean {
    return this._over;
  }

  /** Begins; what is wrong is told by `failed`. */
  start(): void {
    const { signal } = this.prepared;
    if (++held === 1) native.hold(1);
    if (signal !== undefined) {
      if (signal.aborted) return this.end(abortError(signal));
      this._onAbort = () => this.cancel(abortError(signal));
      signal.addEventListener('abort', this._onAbort, { once: true });
    }
    this.beginWaiting();
    try {
      this._queued = this._origin.acquire(this);
    } catch (error) {
      this.end(error);
    }
  }

  /** Says how long it may wait in a queue from now on. */
  private beginWaiting(): void {
    const { acquireTimeout, totalTimeout } = this.prepared;
    this.acquireTimeout = acquireTimeout;
    if (totalTimeout <= 0) return;
    const left = Math.max(0, Math.ceil(totalTimeout - (clock.now() - this.timings.start)));
    this._totalIsFirst = left <= acquireTimeout;
    if (this._totalIsFirst) this.acquireTimeout = left;
  }

  /** Ends it now with this error: its connection is closed, once those that were asked on it before are answered. */
  cancel(error: unknown): void {
    if (this._over) return;
    const { id, connection } = this;
    this.end(error);
    if (id < 0) return;
    native.destroy(id);
    connection?.leave('discarded');
  }

  isOver(): boolean {
    const { totalTimeout } = this.prepared;
    return totalTimeout > 0 && performance.now() - this.timings.start >= totalTimeout;
  }

  /** @internal */
  take(connection: PooledConnection, reused: boolean): boolean {
    const { prepared } = this;
    let total = 0;
    if (prepared.totalTimeout > 0) {
      total = Math.max(1, Math.ceil(prepared.totalTimeout - (performance.now() - this.timings.start)));
    }
    const streams = prepared.stream !== undefined;
    const flags =
      (prepared.body !== undefined ? REQUEST_BODY : 0) |
      (streams ? REQUEST_STREAM : 0) |
      (prepared.informational || prepared.expectContinue > 0 ? REQUEST_INFORMATIONAL : 0) |
      (prepared.upgrade ? REQUEST_UPGRADE : 0) |
      (connection.active > 1 ? REQUEST_PIPELINE : 0);
    const { methodNumber } = prepared;
    const id = native.request(
      connection.id,
      methodNumber + 256 * flags + 65_536 * prepared.profile,
      prepared.fields,
      methodNumber === OTHER_METHOD ? `${prepared.method} ${prepared.target}` : prepared.target,
      prepared.body,
      prepared.block,
      total,
    );
    if (id < 0) {
      if (id === -STALE) return false;
      this._queued = null;
      connection.origin.release(connection, true, -1);
      this.end(errorFromNative(-id));
      return true;
    }
    this._queued = null;
    this.id = id;
    this.connection = connection;
    this.reused = reused;
    register(slotOf(id), this);
    const now = clock.now();
    this.timings.connected(reused ? 'reused' : connection.phases, now);
    prepared.events?.sent(() => headOf(prepared), connection.observed());
    if (streams) {
      void (this._sender ??= new BodySender(this, prepared)).send(id);
    } else {
      this.timings.mark('sent', now);
      prepared.events?.bodySent();
    }
    return true;
  }

  /** @internal No connection came. */
  fail(error: unknown): void {
    this._queued = null;
    // The queue knows one time: the shorter of the two. A timer may be a little before the clock.
    const isTotal = this.isOver() || this._totalIsFirst;
    const isLate = isTotal && error instanceof MillraceError && error.code === 'MILLRACE_ACQUIRE_TIMEOUT';
    this.end(isLate ? totalTimeout(this.prepared.totalTimeout, performance.now() - this.timings.start) : error);
  }

  /** @internal */
  handleEvent(kind: number, flags: number, a: number, b: number, value: unknown, extra: unknown): void {
    if (this._over) return;
    switch (kind) {
      case KIND.response:
        this._sender?.goOn();
        this._keep = (flags & RESPONSE_KEEP_ALIVE) !== 0;
        this._hint = (flags >> RESPONSE_KEEP_ALIVE_SHIFT) - 1;
        if ((flags & RESPONSE_RAW) !== 0) return this.switched(a, value as string, extra as Uint8Array | undefined);
        if (this.prepared.events !== null) this.observe(a, value as string, extra);
        if ((flags & RESPONSE_ENDED) === 0) {
          this.timings.mark('headers');
          return this.responded(flags, a, b, value as string, undefined);
        }
        // Free before its reader hears of it: whoever asks next finds it.
        this.free();
        this.responded(flags, a, b, value as string, (extra ?? '') as string | Uint8Array);
        return;
      case KIND.informational:
        if (a >>> 20 === 100) this._sender?.goOn();
        if (this.prepared.informational) this.informed(a, value as string);
        return;
      case KIND.drain:
        this._sender?.hasRoom();
        return;
      case KIND.aborted:
        return this.aborted(flags, a, b);
      case KIND.bodyEnd:
        this.free();
        this.bodyEvent(kind, flags, a, b, value);
        return;
      default:
        this.bodyEvent(kind, flags, a, b, value);
    }
  }

  /** The head is here; `whole` is the body where it came with it, and nothing follows then. */
  protected abstract responded(
    flags: number,
    a: number,
    b: number,
    head: string,
    whole: string | Uint8Array | undefined,
  ): void;
  protected abstract informed(a: number, head: string): void;
  protected abstract bodyEvent(kind: number, flags: number, a: number, b: number, value: unknown): void;
  /** The connection is a tunnel now; the stream of this id is its socket. */
  protected abstract tunnelled(id: number, a: number, head: string, rest: Uint8Array | undefined): void;
  protected abstract failed(error: unknown): void;

  private switched(a: number, head: string, rest: Uint8Array | undefined): void {
    const { id, connection } = this;
    this.finish();
    connection?.forget('discarded');
    this.tunnelled(id, a, head, rest);
  }

  /** The exchange is over and its connection free. */
  private free(): void {
    const { connection } = this;
    const now = clock.now();
    this.timings.mark('headers', now);
    this.timings.mark('end', now);
    this.finish();
    this.prepared.events?.finished([], this.timings);
    if (connection !== null) connection.origin.release(connection, this._keep, this._hint, now);
  }

  private aborted(flags: number, a: number, b: number): void {
    const codeId = flags & ABORTED_CODE;
    const error = codeId === 2 ? errorFromNative(2, { errno: a }) : errorFromNative(codeId, { value: a, seen: b });
    const { connection, prepared } = this;
    unregister(slotOf(this.id), this.id);
    if (error.kind === 'limit' && error.limit !== undefined) countPassed(error.limit.option);
    // The core's clock of it began when the exchange did.
    if (error.code === 'MILLRACE_TOTAL_TIMEOUT') {
      connection?.leave('error');
      return this.end(totalTimeout(prepared.totalTimeout, performance.now() - this.timings.start));
    }
    const sent = (flags & ABORTED_SENT) !== 0;
    const unread = (flags & ABORTED_UNREAD) !== 0;
    const again = prepared.stream === undefined || prepared.stream.isReplayable;
    // Of a connection that was dead before anything was sent, and of one whose server has said that it acts on nothing
    // more, any other will do; every such one before it has answered something, or was idle.
    if (again && ((error.code === 'MILLRACE_CONNECTION_STALE' && !sent) || unread)) {
      return this.another(unread ? 'peer' : 'stale', sent);
    }
    const unanswered = (flags & ABORTED_SEEN) === 0 && BEFORE_BYTES.has(error.code);
    const shared = this.reused || connection?.piped === true;
    if (shared && unanswered && again && (!sent || prepared.idempotent) && !this._replayed) return this.replay(error);
    connection?.leave('error');
    this.end(error);
  }

  /** Waits for another connection, in its place of before. */
  private another(reason: Retirement, isReplay: boolean): void {
    if (isReplay) native.count(REPLAYS, 1);
    else if (this.reused) this._origin.countReused(-1);
    this.waitAgain(reason, false);
  }

  /** Its connection died before it was answered: once more, on a fresh one, where nobody is before or behind it. */
  private replay(error: MillraceError): void {
    this._replayed = true;
    this.depth = 1;
    native.count(REPLAYS, 1);
    this.waitAgain('stale', true, error);
  }

  /** `failure`: what it ends with where there is no other connection to be had. */
  private waitAgain(reason: Retirement, fresh: boolean, failure?: MillraceError): void {
    const { connection } = this;
    this.id = -1;
    this.connection = null;
    this.beginWaiting();
    try {
      this._queued = this._origin.again(this, connection, reason, fresh);
    } catch (error) {
      this.end(failure ?? error);
    }
  }

  private end(error: unknown): void {
    if (this._over) return;
    this.finish();
    this.prepared.events?.failed(error);
    native.count(FAILURES, 1);
    this.failed(error);
  }

  private finish(): void {
    if (this._over) return;
    this._over = true;
    this.closed = true;
    if (this._queued !== null) this._origin.withdraw(this._queued);
    this._queued = null;
    if (this.id >= 0) unregister(slotOf(this.id), this.id);
    if (this._onAbort !== undefined) this.prepared.signal?.removeEventListener('abort', this._onAbort);
    this._sender?.hasRoom();
    this._sender?.goOn();
    if (--held === 0) native.hold(-1);
    this.onOver?.();
  }

  private observe(a: number, head: string, whole: unknown): void {
    const { events } = this.prepared;
    const length = a & 0xfffff;
    events?.answered(a >>> 20, head.slice(0, length), new HeaderView(head, length).raw);
    if (whole === undefined || whole === '') return;
    events?.bodyChunkReceived(typeof whole === 'string' ? Buffer.from(whole, 'latin1') : (whole as Uint8Array));
  }
}

// It holds the head that was sent, credentials included.
inspectedAs(Exchange, (exchange) => ({ timings: exchange.timings }));
