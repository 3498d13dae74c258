import { BOUNDS_NANOS, COUNTERS, GAUGES, HISTOGRAMS, PERCENTILES } from './catalogue.generated.js';
import type { CounterName, GaugeName, HistogramName, MetricRow, PercentileName } from './catalogue.generated.js';
import type { HistogramReading, Reading } from './reading.js';

const NANOS = 1e9;

/** How many durations were at most so long. */
export interface Bucket {
  /** The bound in seconds. */
  readonly le: number;
  /** Cumulative: those of the shorter bounds are in it. */
  readonly count: number;
}

/** A distribution of durations, in seconds; all zero without a record. */
export interface HistogramSnapshot extends Readonly<Record<PercentileName, number>> {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Prometheus' buckets, the shortest first; `count` is that of the one without a bound. */
  readonly buckets: readonly Bucket[];
}

/** All metrics at one moment, by the names of docs/metrics.md. */
export interface Snapshot {
  readonly counters: Readonly<Record<CounterName, number>>;
  readonly gauges: Readonly<Record<GaugeName, number>>;
  readonly histograms: Readonly<Record<HistogramName, HistogramSnapshot>>;
}

/** A reading as plain objects. */
export function toSnapshot(reading: Reading): Snapshot {
  return {
    counters: byKey(COUNTERS, (index) => reading.counter(index)),
    gauges: byKey(GAUGES, (index) => reading.gauge(index)),
    histograms: byKey(HISTOGRAMS, (index) => inSeconds(reading.histogram(index))),
  };
}

function byKey<Key extends string, Value>(
  rows: readonly MetricRow<Key>[],
  valueOf: (index: number) => Value,
): Record<Key, Value> {
  return Object.fromEntries(rows.map((row, index) => [row.key, valueOf(index)])) as Record<Key, Value>;
}

function inSeconds({ count, sum, min, max, percentiles, cumulative }: HistogramReading): HistogramSnapshot {
  const mean = count === 0 ? 0 : sum / count;
  const named = Object.fromEntries(PERCENTILES.map((name, index) => [name, (percentiles[index] ?? 0) / NANOS]));
  return {
    count,
    sum: sum / NANOS,
    min: min / NANOS,
    max: max / NANOS,
    mean: mean / NANOS,
    ...(named as Record<PercentileName, number>),
    buckets: BOUNDS_NANOS.map((bound, index) => ({ le: bound / NANOS, count: cumulative[index] ?? 0 })),
  };
}
