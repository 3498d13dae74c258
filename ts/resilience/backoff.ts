/** How long is waited between attempts. */
export interface Backoff {
  /** The bound of the first wait, in milliseconds. */
  readonly minDelay: number;
  /** What no bound exceeds. */
  readonly maxDelay: number;
  /** By how much each bound exceeds the one before. */
  readonly factor: number;
  /** `full`: a wait is a random part of its bound, so that those who failed together do not come back together. */
  readonly jitter: 'full' | 'none';
}

/** How long to wait before the retry with this number, which begins at 1; whole milliseconds. */
export function backoffDelay({ minDelay, maxDelay, factor, jitter }: Backoff, retry: number): number {
  // A factor to a large power is Infinity, and 0 times that is no number.
  const bound = minDelay === 0 ? 0 : Math.min(maxDelay, minDelay * factor ** (retry - 1));
  return Math.round(jitter === 'none' ? bound : bound * Math.random());
}
