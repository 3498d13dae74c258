import { withoutBrackets } from '../dns/host-text.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import { inspectedAs } from '../errors/inspected-as.js';
import { describeValue } from '../errors/escape.js';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../metrics/catalogue.generated.js';
import { native } from '../native/loader.js';
import type { ConnectTimeouts } from '../options/connect-timeouts.generated.js';
import type { PoolOptionValues } from '../options/pool.generated.js';
import { POOL_OPTIONS } from '../options/pool.generated.js';
import { changeOptions, validateOptions } from '../options/validate.js';
import { defaultTls } from './default-tls.js';
import { OriginPool } from './origin-pool.js';
import type { PoolKey } from './pool-key.js';
import { keyText } from './pool-key.js';
import type { PooledConnection, Retirement } from './pooled-connection.js';
import { PooledSocket, SocketWaiter } from './pooled-socket.js';
import type { PoolStats } from './stats.js';
import { PoolCounts } from './stats.js';
import { Sweeper } from './sweeper.js';

/** How many connections are kept, and for how long; docs/options.md has ranges and defaults. */
export interface PoolOptions {
  maxConnections?: number | undefined;
  maxConnectionsPerOrigin?: number | undefined;
  maxQueued?: number | undefined;
  minIdle?: number | undefined;
  idleTimeout?: number | undefined;
  maxConnectionAge?: number | null | undefined;
  maxRequestsPerConnection?: number | null | undefined;
  validate?: ((connection: PooledConnection) => boolean | Promise<boolean>) | undefined;
  onResize?: ((before: PoolOptions, after: PoolOptions) => void) | undefined;
}

export type PoolState = 'running' | 'draining' | 'stopped';

const place = (rows: readonly { readonly key: string }[], key: string): number =>
  rows.findIndex((row) => row.key === `millrace_${key}`);
const CREATED = place(COUNTERS, 'pool_connections_created_total');
const REFUSED = place(COUNTERS, 'pool_refused_total');
const TIMEOUTS = place(COUNTERS, 'http_client_timeouts_total{phase="acquire"}');
const QUEUED = place(GAUGES, 'pool_queued');
const WAIT = place(HISTOGRAMS, 'pool_wait_seconds');

/**
 * Keeps connections for those who come next. They are shared within one `PoolKey` alone; caps hold per key and in all,
 * and count what is being opened, so no cap is ever passed; who finds none free waits, first in, first out.
 */
export class ConnectionPool implements AsyncDisposable {
  private _values: PoolOptionValues;
  private _state: PoolState = 'running';
  private readonly _origins = new Map<string, OriginPool>();
  private readonly _counts = new PoolCounts();
  /** Connections of all origins, those that are being opened included. */
  private _total = 0;
  private _makesRoom = false;
  private _returning = 0;
  private readonly _sweeper = new Sweeper(this._origins);
  private _stopped: (() => void)[] = [];

  constructor(options: PoolOptions = {}) {
    this._values = validateOptions<PoolOptionValues>(POOL_OPTIONS, options);
  }

  /** The options in force. */
  get values(): PoolOptionValues {
    return this._values;
  }

  get state(): PoolState {
    return this._state;
  }

  /** A connection of a key for raw use; give it back by `release`, or `discard` it. */
  acquire(
    key: PoolKey,
    { signal, timeout = 30_000 }: { signal?: AbortSignal; timeout?: number } = {},
  ): Promise<PooledSocket> {
    if (key.scheme !== 'tcp' && key.scheme !== 'tls') {
      const message = `acquire: the key's scheme must be 'tcp' or 'tls', got ${describeValue(key.scheme)}`;
      return Promise.reject(misuse('MILLRACE_INVALID_ARGUMENT', message));
    }
    return new Promise((resolve, reject) => {
      new SocketWaiter(timeout, resolve, reject).begin(this.origin(key), signal);
    });
  }

  /**
   * Opens so many connections of an origin, as the caps allow; answers with how many there are more than before. Of an
   * origin as text they are those of clients that say nothing of TLS, proxies and addresses; see `Client.prewarm`.
   */
  async prewarm(origin: string | PoolKey, count: number, timeouts: ConnectTimeouts = {}): Promise<number> {
    if (!Number.isInteger(count) || count < 0) {
      throw misuse('MILLRACE_INVALID_ARGUMENT', `prewarm: needs a whole number, got ${describeValue(count)}`);
    }
    this.assertRunning();
    const pool = this.origin(typeof origin === 'string' ? await keyOfOrigin(origin) : origin);
    this.assertRunning();
    const opened: Promise<boolean>[] = [];
    for (let left = count; left > 0 && pool.mayOpen(); left--) opened.push(pool.openOne(timeouts));
    const done = await Promise.all(opened);
    return done.filter(Boolean).length;
  }

  /** Changes options while it runs. Fewer connections are had by closing idle ones now and busy ones when they are free. */
  resize(options: PoolOptions): void {
    const before = this._values;
    this._values = changeOptions(POOL_OPTIONS, 'resize', before, options);
    for (const origin of this._origins.values()) origin.shrink();
    this.shrink();
    this.roomMade();
    (before.onResize as PoolOptions['onResize'] | null)?.(before as PoolOptions, this._values as PoolOptions);
  }

  /** Closes connections that have been idle for too long or are too old; answers with how many. */
  sweep(): number {
    return this._sweeper.sweep();
  }

  /**
   * Takes no more requests, serves those that wait, closes what is idle and then what becomes free; after `timeout`
   * whatever is left is cut. Resolves when nothing is left.
   */
  async drain({ timeout = 30_000 }: { timeout?: number } = {}): Promise<void> {
    if (this._state === 'stopped') return;
    this._state = 'draining';
    for (const origin of this._origins.values()) origin.leave();
    if (!this.isOver()) {
      const over = new Promise<void>((resolve) => this._stopped.push(resolve));
      const timer = setTimeout(() => this.destroy(), timeout);
      await over;
      clearTimeout(timer);
    }
    this.stop();
  }

  /** Cuts everything; who waits fails. */
  destroy(error: Error = new MillraceError('MILLRACE_POOL_CLOSED')): void {
    this._state = 'stopped';
    for (const origin of this._origins.values()) origin.destroy(error);
    // Dials that were cut are over in a moment.
    if (this.isOver()) this.stop();
  }

  stats(): PoolStats {
    return this._counts.stats([...this._origins.values()], this._state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  /** @internal The connections of a key. */
  origin(key: PoolKey): OriginPool {
    return this.originOf(key, keyText(key));
  }

  /** @internal As `origin`, for whoever knows the text of the key. */
  originOf(key: PoolKey, text: string): OriginPool {
    let origin = this._origins.get(text);
    if (origin === undefined) this._origins.set(text, (origin = new OriginPool(this, key, text)));
    return origin;
  }

  /** @internal */
  assertRunning(): void {
    if (this._state !== 'running') throw new MillraceError('MILLRACE_POOL_CLOSED');
  }

  /** @internal Who was taken before the pool began to drain is served; new ones are not. */
  assertServing(): void {
    if (this._state === 'stopped') throw new MillraceError('MILLRACE_POOL_CLOSED');
  }

  /** @internal Somebody is between a connection that is lost and the queue: it is not over. */
  countReturning(change: number): void {
    this._returning += change;
  }

  /** @internal Whether one more connection may be opened; makes room by closing what another origin has idle for longest. */
  hasRoomFor(asking: OriginPool): boolean {
    if (this._total < this._values.maxConnections) return true;
    const oldest = this.oldestIdle(asking);
    if (oldest === undefined) return false;
    this._makesRoom = true;
    oldest.close('limit');
    this._makesRoom = false;
    return this._total < this._values.maxConnections;
  }

  /** @internal */
  isOverfull(): boolean {
    return this._total > this._values.maxConnections;
  }

  /**
   * @internal A place may be free, or be had by closing what another origin has idle: it goes to who has waited for longest.
   */
  roomMade(): void {
    if (this._makesRoom) return;
    if (this._state !== 'running' && this.isOver()) return this.stop();
    if (this._counts.queued === 0) return;
    for (let first = this.longestWaiting(); first?.mayOpen() === true; first = this.longestWaiting()) first.dial();
  }

  /** @internal Whether, at the global cap, somebody at another origin has waited for longer than who waits at this one. */
  othersAreFirst(own: OriginPool): boolean {
    if (this._total < this._values.maxConnections || this._counts.queued === own.queue.size) return false;
    const first = this.longestWaiting();
    return (first?.firstInNeed() ?? Infinity) < (own.queue.peek()?.waiter.order ?? Infinity);
  }

  /** Of the origins that another connection would help, the one where somebody has waited for it for longest. */
  private longestWaiting(): OriginPool | undefined {
    let longest: OriginPool | undefined;
    let least = Infinity;
    for (const origin of this._origins.values()) {
      const order = origin.firstInNeed();
      if (order === undefined || order >= least) continue;
      [longest, least] = [origin, order];
    }
    return longest;
  }

  /** @internal A connection is idle that its own origin has no use for. */
  hasIdle(): void {
    this.roomMade();
    this._sweeper.start();
  }

  /** @internal */
  countOpening(change: number): void {
    this._total += change;
  }

  /** @internal */
  countCreated(): void {
    this._total++;
    this._counts.created++;
    this._counts.churned();
    native.count(CREATED, 1);
  }

  /** @internal */
  countClosed(reason: Retirement): void {
    this._total--;
    this._counts.closed++;
    this._counts.retired[reason] = (this._counts.retired[reason] ?? 0) + 1;
    this._counts.churned();
    native.count(place(COUNTERS, `pool_connections_closed_total{reason="${reason}"}`), 1);
  }

  /** @internal */
  countReused(change: number): void {
    this._counts.reused += change;
  }

  /** @internal */
  countQueued(change: number): void {
    this._counts.queued += change;
    native.gauge(QUEUED, change);
  }

  /** @internal */
  countRefused(): void {
    this._counts.refused++;
    native.count(REFUSED, 1);
  }

  /** @internal */
  countTimeout(): void {
    this._counts.timeouts++;
    native.count(TIMEOUTS, 1);
  }

  /** @internal */
  recordWait(ms: number): void {
    this._counts.waited(ms);
    native.record(WAIT, ms * 1e6);
  }

  private shrink(): void {
    while (this.isOverfull()) {
      const oldest = this.oldestIdle();
      if (oldest === undefined) return;
      oldest.close('limit');
    }
  }

  /** What has been idle for longest, of all origins but this one. */
  private oldestIdle(except?: OriginPool): PooledConnection | undefined {
    let oldest: PooledConnection | undefined;
    for (const origin of this._origins.values()) {
      const first = origin === except ? undefined : origin.idle[0];
      if (first !== undefined && (oldest === undefined || first.idleSince < oldest.idleSince)) oldest = first;
    }
    return oldest;
  }

  private isOver(): boolean {
    return this._total === 0 && this._counts.queued === 0 && this._returning === 0;
  }

  private stop(): void {
    this._state = 'stopped';
    this._sweeper.stop();
    const stopped = this._stopped;
    this._stopped = [];
    for (const resolve of stopped) resolve();
  }
}

/** The key of `http://host:port` and the like, with what clients have that say nothing else. */
async function keyOfOrigin(origin: string): Promise<PoolKey> {
  const { protocol, hostname, port } = URL.canParse(origin)
    ? new URL(origin)
    : { protocol: '', hostname: '', port: '' };
  const scheme = protocol.slice(0, -1);
  if (scheme !== 'http' && scheme !== 'https') {
    const message = `prewarm: needs an origin of http or https, got ${describeValue(origin)}`;
    throw misuse('MILLRACE_URL_INVALID', message);
  }
  const host = withoutBrackets(hostname);
  const tls = scheme === 'https' ? await defaultTls() : undefined;
  return { scheme, host, port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port), tls };
}

inspectedAs(ConnectionPool, (pool) => pool.stats());
