/** Where the numbers come from: the native core. The layout of `target` is that of the generated catalogue. */
export interface MetricsSource {
  /** Writes everything since the last reset. */
  snapshot(target: Float64Array): void;
  /** Writes everything since the process began, whatever was reset. */
  totals(target: Float64Array): void;
  /** Makes counters and histograms of `snapshot` start from zero. */
  reset(): void;
}

let source: MetricsSource | null = null;

/** Sets where the numbers come from. Without a source every metric is zero: nothing has run yet. */
export function setSource(from: MetricsSource | null): void {
  source = from;
}

/** The source, if the native core has been loaded. */
export function getSource(): MetricsSource | null {
  return source;
}
