import type { OriginPool } from './origin-pool.js';

/** How often it is swept while connections are idle, in ms. */
const EVERY = 1_000;

/** Closes idle connections whose time is over, and has keys forgotten that nothing is left of. */
export class Sweeper {
  private readonly _origins: Map<string, OriginPool>;
  private _timer: NodeJS.Timeout | undefined;

  constructor(origins: Map<string, OriginPool>) {
    this._origins = origins;
  }

  /** Sweeps from time to time from now on, until nothing is idle. */
  start(): void {
    if (this._timer !== undefined) return;
    this._timer = setInterval(() => this.sweep(), EVERY);
    this._timer.unref();
  }

  stop(): void {
    if (this._timer !== undefined) clearInterval(this._timer);
    this._timer = undefined;
  }

  /** Answers with how many it has closed. */
  sweep(): number {
    const now = performance.now();
    let closed = 0;
    let left = 0;
    for (const origin of this._origins.values()) {
      closed += sweepOne(origin, now);
      left += origin.idle.length;
      if (!origin.isForgettable()) continue;
      origin.forgotten = true;
      this._origins.delete(origin.text);
    }
    if (left === 0) this.stop();
    return closed;
  }
}

/** Of those of one key, `minIdle` stay that are only idle for too long. */
function sweepOne({ idle, values: { minIdle } }: OriginPool, now: number): number {
  let closed = 0;
  for (const connection of [...idle]) {
    const old = now >= connection.retiresAt;
    if (!old && (now < connection.idleUntil || idle.length <= minIdle)) continue;
    connection.close(old ? 'age' : 'idle');
    closed++;
  }
  return closed;
}
