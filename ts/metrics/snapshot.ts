import { COUNTERS, GAUGES, HISTOGRAMS, PERCENTILES } from './catalogue.generated.js';
import type { CounterName, GaugeName, HistogramName, MetricRow, PercentileName } from './catalogue.generated.js';
import { formatPrometheus } from './prometheus.js';
import { Reading } from './reading.js';
import type { HistogramReading } from './reading.js';
import { getSource } from './source.js';

const NANOS = 1e9;

/** A distribution of durations, in seconds; all zero without a record. */
export interface HistogramSnapshot extends Readonly<Record<PercentileName, number>> {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
}

/** All metrics at one moment, by the names of docs/metrics.md. */
export interface Snapshot {
  readonly counters: Readonly<Record<CounterName, number>>;
  readonly gauges: Readonly<Record<GaugeName, number>>;
  readonly histograms: Readonly<Record<HistogramName, HistogramSnapshot>>;
}

function read(since: 'reset' | 'start'): Reading {
  const source = getSource();
  return new Reading((target) => {
    if (since === 'reset') source?.snapshot(target);
    else source?.totals(target);
  });
}

function byKey<Key extends string, Value>(
  rows: readonly MetricRow<Key>[],
  valueOf: (index: number) => Value,
): Record<Key, Value> {
  return Object.fromEntries(rows.map((row, index) => [row.key, valueOf(index)])) as Record<Key, Value>;
}

function inSeconds({ count, sum, min, max, percentiles }: HistogramReading): HistogramSnapshot {
  const mean = count === 0 ? 0 : sum / count;
  const named = Object.fromEntries(PERCENTILES.map((name, index) => [name, (percentiles[index] ?? 0) / NANOS]));
  return {
    count,
    sum: sum / NANOS,
    min: min / NANOS,
    max: max / NANOS,
    mean: mean / NANOS,
    ...(named as Record<PercentileName, number>),
  };
}

function snapshot(): Snapshot {
  const reading = read('reset');
  return {
    counters: byKey(COUNTERS, (index) => reading.counter(index)),
    gauges: byKey(GAUGES, (index) => reading.gauge(index)),
    histograms: byKey(HISTOGRAMS, (index) => inSeconds(reading.histogram(index))),
  };
}

/** The metrics of the whole process: all threads, all servers. */
export const metrics = {
  /** Counters and histograms since the last `reset`, and gauges as they are now. */
  snapshot,
  /** The same, for `JSON.stringify(metrics)`. */
  toJSON: snapshot,
  /** Everything since the process began in Prometheus' text format 0.0.4; `reset` does not disturb it. */
  toPrometheus: (): string => formatPrometheus(read('start')),
  /** Makes counters and histograms of the next snapshots start from zero; gauges of live things survive. */
  reset: (): void => getSource()?.reset(),
} as const;
