import { describeValue } from '../errors/escape.js';
import { misuse, outOfRange } from '../errors/millrace-error.js';
import { HISTOGRAMS } from './catalogue.generated.js';
import type { HistogramName } from './catalogue.generated.js';
import { registerWith } from './prom-registry.js';
import type { PromRegistry } from './prom-registry.js';
import { formatOpenMetrics, formatPrometheus } from './prometheus.js';
import { readSinceReset, readTotals } from './reading.js';
import { toSnapshot } from './snapshot.js';
import type { Snapshot } from './snapshot.js';
import { getSource } from './source.js';
import { demandReader } from './statsd.js';
import type { StatsdReader } from './statsd.js';

const NANOS = 1e9;

/** How the text of `toPrometheus` is to be. */
export interface PrometheusOptions {
  /** OpenMetrics 1.0 instead of Prometheus' text format 0.0.4; its media type is `OPENMETRICS_CONTENT_TYPE`. */
  openMetrics?: boolean | undefined;
}

function snapshot(): Snapshot {
  return toSnapshot(readSinceReset());
}

function percentile(name: HistogramName, percent: number): number {
  const index = HISTOGRAMS.findIndex(({ key }) => key === name);
  if (index < 0) {
    const known = HISTOGRAMS.map(({ key }) => `"${key}"`).join(', ');
    const message = `metrics.percentile: the histogram must be one of ${known}, got ${describeValue(name)}`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100)) {
    throw outOfRange(`metrics.percentile: the percent must be a number from 0 to 100, got ${describeValue(percent)}`);
  }
  return (getSource()?.percentile(index, percent) ?? 0) / NANOS;
}

/** The metrics of the whole process: all threads, all servers. */
export const metrics = {
  /** Counters and histograms since the last `reset`, and gauges as they are now. */
  snapshot,
  /** The same, for `JSON.stringify(metrics)`. */
  toJSON: snapshot,
  /** The seconds that `percent` (0…100) of a histogram's durations since the last `reset` do not exceed, within 1 %. */
  percentile,
  /** Everything since the process began as text for Prometheus; `reset` does not disturb it. */
  toPrometheus: (options: PrometheusOptions = {}): string =>
    options.openMetrics === true ? formatOpenMetrics(readTotals()) : formatPrometheus(readTotals()),
  /** What came since the reader's last reading, a StatsD line each; `reset` and other readers do not disturb it. */
  toStatsd: (reader: StatsdReader): string[] => demandReader(reader).read(),
  /** Puts the metrics into a registry of prom-client, beside those that it has. */
  registerWith: (registry: PromRegistry): void => registerWith(registry),
  /** Makes counters and histograms of the next snapshots start from zero; gauges of live things survive. */
  reset: (): void => getSource()?.reset(),
} as const;
