import type { OriginPool } from './origin-pool.js';
import type { PoolState } from './pool.js';
import type { Retirement } from './pooled-connection.js';

/** What is known of connections, of one origin or of all. */
export interface PoolCountsStats {
  /** Open, idle and busy ones together. */
  readonly connected: number;
  readonly free: number;
  /** Being opened. */
  readonly pending: number;
  /** Requests that wait. */
  readonly queued: number;
  /** Connections with an exchange. */
  readonly running: number;
  readonly created: number;
  readonly reused: number;
  readonly closed: number;
  readonly retired: Readonly<Partial<Record<Retirement, number>>>;
  /** Reused ÷ (created + reused); 0 before the first. */
  readonly reuseRate: number;
  /** Of the connections that are open, in ms. */
  readonly averageAge: number;
}

/** How long requests waited, in ms. */
export interface WaitStats {
  readonly count: number;
  readonly mean: number;
  readonly max: number;
  /** So many waited at most so long. */
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[];
}

export interface PoolStats extends PoolCountsStats {
  readonly state: PoolState;
  readonly refused: number;
  readonly acquireTimeouts: number;
  /** Connections opened and closed per second, over the last ten seconds. */
  readonly churn: number;
  readonly waits: WaitStats;
  readonly origins: Readonly<Record<string, PoolCountsStats>>;
}

const WINDOW = 10;
const BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, Infinity];

/** The counts of a pool. */
export class PoolCounts {
  created = 0;
  reused = 0;
  closed = 0;
  queued = 0;
  refused = 0;
  timeouts = 0;
  /** Also those of origins that are forgotten. */
  readonly retired: Partial<Record<Retirement, number>> = {};
  private readonly _seconds = new Float64Array(WINDOW);
  private readonly _changes = new Float64Array(WINDOW);
  private readonly _waits = new Float64Array(BOUNDS.length);
  private _waitSum = 0;
  private _waitMax = 0;

  /** A connection was opened or closed. */
  churned(): void {
    const second = Math.floor(performance.now() / 1_000);
    const place = second % WINDOW;
    if (this._seconds[place] !== second) {
      this._seconds[place] = second;
      this._changes[place] = 0;
    }
    this._changes[place] = (this._changes[place] ?? 0) + 1;
  }

  waited(ms: number): void {
    const place = BOUNDS.findIndex((bound) => ms <= bound);
    this._waits[place] = (this._waits[place] ?? 0) + 1;
    this._waitSum += ms;
    this._waitMax = Math.max(this._waitMax, ms);
  }

  stats(origins: readonly OriginPool[], state: PoolState): PoolStats {
    const now = performance.now();
    const each: Record<string, PoolCountsStats> = Object.create(null) as Record<string, PoolCountsStats>;
    for (const origin of origins) {
      const name =
        origin.origin in each
          ? `${origin.origin} ${origin.text.slice(origin.text.indexOf('\0') + 1).replaceAll('\0', '|')}`
          : origin.origin;
      each[name] = statsOf([origin], now, origin, origin.retired);
    }
    const since = Math.floor(now / 1_000) - WINDOW;
    let changes = 0;
    for (let place = 0; place < WINDOW; place++) {
      if ((this._seconds[place] ?? 0) > since) changes += this._changes[place] ?? 0;
    }
    const count = this._waits.reduce((sum, one) => sum + one, 0);
    return {
      ...statsOf(origins, now, this, { ...this.retired }),
      state,
      refused: this.refused,
      acquireTimeouts: this.timeouts,
      churn: changes / WINDOW,
      waits: {
        count,
        mean: count === 0 ? 0 : this._waitSum / count,
        max: this._waitMax,
        buckets: BOUNDS.map((upTo, place) => ({ upTo, count: this._waits[place] ?? 0 })),
      },
      origins: each,
    };
  }
}

function statsOf(
  origins: readonly OriginPool[],
  now: number,
  { created, reused, closed }: { created: number; reused: number; closed: number },
  retired: Readonly<Partial<Record<Retirement, number>>>,
): PoolCountsStats {
  let [connected, free, pending, queued, running, ages] = [0, 0, 0, 0, 0, 0];
  for (const origin of origins) {
    connected += origin.all.size;
    free += origin.idle.length;
    pending += origin.opening;
    queued += origin.queue.size;
    for (const connection of origin.all) {
      ages += now - connection.createdAt;
      running += connection.active > 0 ? 1 : 0;
    }
  }
  return {
    connected,
    free,
    pending,
    queued,
    running,
    created,
    reused,
    closed,
    retired,
    reuseRate: created + reused === 0 ? 0 : reused / (created + reused),
    averageAge: connected === 0 ? 0 : ages / connected,
  };
}
