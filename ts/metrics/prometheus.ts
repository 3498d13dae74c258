import { BOUNDS_NANOS, COUNTERS, GAUGES, HISTOGRAMS } from './catalogue.generated.js';
import type { MetricRow } from './catalogue.generated.js';
import type { Reading } from './reading.js';

/** The media type of the text, for the Content-Type of a `/metrics` route. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const NANOS = 1e9;

/** A reading in Prometheus' text format 0.0.4. */
export function formatPrometheus(reading: Reading): string {
  const lines: string[] = [];
  family(lines, 'counter', COUNTERS, (row, index) => [`${row.key} ${reading.counter(index)}`]);
  family(lines, 'gauge', GAUGES, (row, index) => [`${row.key} ${reading.gauge(index)}`]);
  family(lines, 'histogram', HISTOGRAMS, (row, index) => histogramLines(row.name, reading, index));
  return `${lines.join('\n')}\n`;
}

/** HELP and TYPE stand once, before the first series of a family; the catalogue keeps a family together. */
function family(
  lines: string[],
  type: 'counter' | 'gauge' | 'histogram',
  rows: readonly MetricRow<string>[],
  linesOf: (row: MetricRow<string>, index: number) => string[],
): void {
  rows.forEach((row, index) => {
    if (rows[index - 1]?.name !== row.name) lines.push(`# HELP ${row.name} ${row.help}`, `# TYPE ${row.name} ${type}`);
    lines.push(...linesOf(row, index));
  });
}

function histogramLines(name: string, reading: Reading, index: number): string[] {
  const { count, sum, cumulative } = reading.histogram(index);
  const buckets = BOUNDS_NANOS.map((bound, at) => `${name}_bucket{le="${bound / NANOS}"} ${cumulative[at] ?? 0}`);
  return [...buckets, `${name}_bucket{le="+Inf"} ${count}`, `${name}_sum ${sum / NANOS}`, `${name}_count ${count}`];
}
