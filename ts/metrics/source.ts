/** Where the numbers come from: the native core. The layout of `target` is that of the generated catalogue. */
export interface MetricsSource {
  /** Writes everything since the last reset. */
  snapshot(target: Float64Array): void;
  /** Writes everything since the process began, whatever was reset. */
  totals(target: Float64Array): void;
  /** Writes what came since the baseline, and moves the baseline to now. */
  since(target: Float64Array, baseline: Float64Array): void;
  /** How many numbers a baseline takes; all zero is the start of the process. */
  readonly baselineLength: number;
  /** Of the histogram at this place of the catalogue, since the last reset, in nanoseconds. */
  percentile(index: number, percent: number): number;
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
