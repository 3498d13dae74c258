import { BOUNDS_NANOS } from './catalogue.generated.js';
import { FAMILIES } from './families.js';
import type { Family, Series } from './families.js';
import type { Reading } from './reading.js';

/** The media type of the text, for the Content-Type of a `/metrics` route. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** The media type of the text where `openMetrics` was asked for. */
export const OPENMETRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

const NANOS = 1e9;

/** A reading in Prometheus' text format 0.0.4. */
export function formatPrometheus(reading: Reading): string {
  const lines: string[] = [];
  for (const family of FAMILIES) {
    lines.push(`# HELP ${family.name} ${family.help}`, `# TYPE ${family.name} ${family.type}`);
    pushSamples(lines, family, reading, String);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * A reading as OpenMetrics 1.0: a counter's family is named without the `_total` of its samples, TYPE and UNIT stand
 * before HELP, bounds are written as its §"Considerations: Canonical Numbers" asks, and `# EOF` ends it.
 */
export function formatOpenMetrics(reading: Reading): string {
  const lines: string[] = [];
  for (const family of FAMILIES) {
    const name = family.name.replace(/_total$/, '');
    lines.push(`# TYPE ${name} ${family.type}`);
    if (family.unit !== null) lines.push(`# UNIT ${name} ${family.unit}`);
    lines.push(`# HELP ${name} ${family.help}`);
    pushSamples(lines, family, reading, canonicalNumber);
  }
  return `${lines.join('\n')}\n# EOF\n`;
}

function pushSamples(lines: string[], family: Family, reading: Reading, boundOf: (seconds: number) => string): void {
  for (const { index, label } of family.series) {
    const labels = labelsOf(label);
    if (family.type === 'counter') lines.push(`${family.name}${labels} ${reading.counter(index)}`);
    else if (family.type === 'gauge') lines.push(`${family.name}${labels} ${reading.gauge(index)}`);
    else lines.push(...histogramLines(family.name, reading, index, boundOf));
  }
}

/** Names and values are the catalogue's, which has nothing to escape. */
function labelsOf(label: Series['label']): string {
  return label === null ? '' : `{${label[0]}="${label[1]}"}`;
}

function histogramLines(name: string, reading: Reading, index: number, boundOf: (seconds: number) => string): string[] {
  const { count, sum, cumulative } = reading.histogram(index);
  const buckets = BOUNDS_NANOS.map(
    (bound, at) => `${name}_bucket{le="${boundOf(bound / NANOS)}"} ${cumulative[at] ?? 0}`,
  );
  return [...buckets, `${name}_bucket{le="+Inf"} ${count}`, `${name}_sum ${sum / NANOS}`, `${name}_count ${count}`];
}

/** A number as C's `%g` has it, but never without a point or an exponent: `1.0`, `0.005`, `2.5e-05`. */
export function canonicalNumber(number: number): string {
  if (number !== 0 && Math.abs(number) < 1e-4) {
    return number.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(number) ? `${number}.0` : String(number);
}
