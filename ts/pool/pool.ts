import { withoutBrackets } from '../dns/host-text.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
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

const SWEEP = 1_000;
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
  private _sweeper: NodeJS.Timeout | undefined;
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
    for (const origin of this._origins.values()) origin.open();
    (before.onResize as PoolOptions['onResize'] | null)?.(before as PoolOptions, this._values as PoolOptions);
  }

  /** Closes connections that have been idle for too long or are too old; answers with how many. */
  sweep(): number {
    const now = performance.now();
    let closed = 0;
    let left = 0;
    for (const origin of this._origins.values()) {
      closed += origin.sweep(now);
      left += origin.idle.length;
      if (!origin.isForgettable()) continue;
      origin.forgotten = true;
      this._origins.delete(origin.text);
    }
    if (left === 0 && this._sweeper !== undefined) {
      clearInterval(this._sweeper);
      this._sweeper = undefined;
    }
    return closed;
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

  /** @internal Whether one more connection may be opened; makes room by closing what another origin has idle for longest. */
  hasRoomFor(asking: OriginPool): boolean {
    if (this._total < this._values.maxConnections) return true;
    let oldest: PooledConnection | undefined;
    for (const origin of this._origins.values()) {
      const first = origin === asking ? undefined : origin.idle[0];
      if (first !== undefined && (oldest === undefined || first.idleSince < oldest.idleSince)) oldest = first;
    }
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

  /** @internal A place is free that an origin did not take itself: to the one whose first has waited for longest. */
  roomMade(by: OriginPool): void {
    if (this._makesRoom) return;
    if (this._state !== 'running' && this.isOver()) return this.stop();
    while (this._total < this._values.maxConnections) {
      let longest: OriginPool | undefined;
      let since = Infinity;
      for (const origin of this._origins.values()) {
        const first = origin === by ? undefined : origin.queue.peek();
        if (first === undefined || first.since >= since || !origin.wantsMore()) continue;
        [longest, since] = [origin, first.since];
      }
      if (longest === undefined) return;
      longest.openFirst();
    }
  }

  /** @internal A connection is idle that its own origin has no use for: at the global cap others may want its place. */
  hasIdle(by: OriginPool): void {
    if (this._counts.queued > 0) {
      for (const origin of this._origins.values()) if (origin !== by && origin.wantsMore()) origin.open();
    }
    this.startSweeping();
  }

  /** @internal */
  startSweeping(): void {
    if (this._sweeper !== undefined) return;
    this._sweeper = setInterval(() => this.sweep(), SWEEP);
    this._sweeper.unref();
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
  countAcquire(reused: boolean): void {
    if (reused) this._counts.reused++;
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
      let oldest: PooledConnection | undefined;
      for (const { idle } of this._origins.values()) {
        const first = idle[0];
        if (first !== undefined && (oldest === undefined || first.idleSince < oldest.idleSince)) oldest = first;
      }
      if (oldest === undefined) return;
      oldest.close('limit');
    }
  }

  private isOver(): boolean {
    return this._total === 0 && this._counts.queued === 0;
  }

  private stop(): void {
    this._state = 'stopped';
    if (this._sweeper !== undefined) clearInterval(this._sweeper);
    this._sweeper = undefined;
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
