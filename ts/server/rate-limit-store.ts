import { logRecord } from '../log/log.js';
import { COUNTERS } from '../metrics/catalogue.generated.js';
import { native } from '../native/loader.js';
import { Deadline } from '../resilience/deadline.js';

/**
 * Where the counts of a rate limit are kept for a fleet: the shape of rate-limiter-flexible. `consume` resolves when the
 * request may go on, rejects with an object that has `msBeforeNext` when it may not, and with anything else when the
 * store failed.
 */
export interface RateLimitStore {
  consume(key: string, points: number): Promise<unknown>;
}

const FAILED = COUNTERS.findIndex(({ key }) => key === 'millrace_rate_limit_store_failures_total');
const DEFAULT_TIMEOUT = 1_000;
/** A store that fails is told of at most so often, in milliseconds: it may fail for every request. */
const LOG_INTERVAL = 1_000;

/** A store, with the time that it may take and what holds when it fails. */
export class StoreWatch {
  private readonly _timeout: number;
  private readonly _policy: 'open' | 'closed';
  private _failures = 0;
  private _saidAt = -Infinity;

  constructor(
    private readonly _store: RateLimitStore,
    { storeTimeout, onStoreError }: { storeTimeout?: number; onStoreError?: 'open' | 'closed' },
  ) {
    this._timeout = storeTimeout ?? DEFAULT_TIMEOUT;
    this._policy = onStoreError ?? 'open';
  }

  /** Milliseconds to wait; 0: go on; below 0: the store failed and the limit is closed. */
  async ask(key: string): Promise<number> {
    const deadline = Deadline.after(this._timeout);
    try {
      await deadline.race(this._store.consume(key, 1));
      this.answered();
      return 0;
    } catch (error) {
      const wait = (error as { msBeforeNext?: unknown } | null)?.msBeforeNext;
      if (typeof wait === 'number') {
        this.answered();
        return Math.max(1, wait);
      }
      this.failed(error);
      return this._policy === 'closed' ? -1 : 0;
    } finally {
      deadline.clear();
    }
  }

  private failed(err: unknown): void {
    native.count(FAILED, 1);
    this._failures++;
    const now = performance.now();
    if (now - this._saidAt < LOG_INTERVAL) return;
    this._saidAt = now;
    logRecord('warn', 'server', 'a rate limit store failed', { err, policy: this._policy, failures: this._failures });
  }

  private answered(): void {
    if (this._failures === 0) return;
    logRecord('info', 'server', 'a rate limit store answers again', { failures: this._failures });
    this._failures = 0;
    this._saidAt = -Infinity;
  }
}
