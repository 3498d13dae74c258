/** How many keys are known at once; past that the one that has been away longest is forgotten. */
const MOST = 65_536;

/**
 * Token buckets by key, as one time for each: when its bucket will be full again (the generic cell rate algorithm of
 * ITU-T I.371). A key whose bucket is full is as good as unknown.
 */
export class TokenBuckets {
  private readonly _step: number;
  private readonly _room: number;
  private readonly _fullAt = new Map<string, number>();

  constructor({
    requests,
    interval = 1_000,
    burst = requests,
  }: {
    requests: number;
    interval?: number;
    burst?: number;
  }) {
    this._step = interval / requests;
    this._room = this._step * burst;
  }

  /** Takes one token: 0 when there was one, else the milliseconds until there is. */
  take(key: string, now = performance.now()): number {
    const fullAt = Math.max(this._fullAt.get(key) ?? 0, now);
    const wait = fullAt + this._step - now - this._room;
    // A clock of doubles: what is less than a microsecond is rounding.
    if (wait > 0.001) return Math.max(1, wait);
    this._fullAt.delete(key);
    this._fullAt.set(key, fullAt + this._step);
    if (this._fullAt.size > MOST) this._fullAt.delete(this._fullAt.keys().next().value as string);
    return 0;
  }
}
