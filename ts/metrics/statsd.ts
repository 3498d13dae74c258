import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import type { OptionRow, OptionTable } from '../options/table.js';
import { validateOptions } from '../options/validate.js';
import { PERCENTILES } from './catalogue.generated.js';
import { FAMILIES } from './families.js';
import type { Family, Series } from './families.js';
import { Baseline } from './reading.js';
import type { HistogramReading, Reading } from './reading.js';

const NANOS = 1e9;

/** How a `StatsdReader` writes its lines. */
export interface StatsdOptions {
  /** What stands before each name; default `millrace.` */
  prefix?: string | undefined;
  /** `dogstatsd` (the default) has labels as tags, `statsd` as the last part of the name, since it has no tags. */
  dialect?: 'dogstatsd' | 'statsd' | undefined;
  /** Tags of every line, for instance the service and its version; only `dogstatsd` has them. */
  tags?: Readonly<Record<string, string>> | undefined;
}

/** The options with their defaults. */
export interface StatsdValues {
  readonly prefix: string;
  readonly dialect: 'dogstatsd' | 'statsd';
  readonly tags: Readonly<Record<string, string>>;
}

/** The rows that a pusher has as well. */
export const STATSD_ROWS: readonly OptionRow<keyof StatsdValues>[] = [
  { name: 'prefix', type: 'string', default: 'millrace.' },
  { name: 'dialect', type: 'enum', values: ['dogstatsd', 'statsd'], default: 'dogstatsd' },
  { name: 'tags', type: 'texts', default: {} },
];

const OPTIONS: OptionTable<StatsdValues> = { owner: 'StatsdReader', required: [], exclusive: [], rows: STATSD_ROWS };

/**
 * A reader for StatsD: each reading has, a line each, what the counters gained since the last one (the first: since it
 * was made), the gauges as they are, and of the histograms that gained records count and sum as counters and the shape
 * of what came as gauges, in seconds. A counter that gained nothing has no line. Nothing is sampled.
 */
export class StatsdReader {
  readonly #baseline = new Baseline();
  readonly #prefix: string;
  readonly #isTagged: boolean;
  readonly #tags: readonly string[];

  constructor(options: StatsdOptions = {}) {
    const { prefix, dialect, tags } = validateOptions(OPTIONS, options);
    this.#prefix = escapeName(prefix);
    this.#isTagged = dialect === 'dogstatsd';
    this.#tags = Object.entries(tags).map(([name, value]) => tagOf(name, value));
    if (!this.#isTagged && this.#tags.length > 0) {
      throw misuse('MILLRACE_INVALID_ARGUMENT', 'StatsdReader: the dialect "statsd" has no tags, got some');
    }
  }

  /** The lines of what came since the last call, without line feeds. */
  read(): string[] {
    const reading = this.#baseline.read();
    const lines: string[] = [];
    for (const family of FAMILIES) {
      for (const series of family.series) this.#push(lines, family, series, reading);
    }
    return lines;
  }

  #push(lines: string[], { name, type }: Family, { index, label }: Series, reading: Reading): void {
    const base = name.replace(/^millrace_/, '').replace(/_total$/, '');
    if (type === 'counter') {
      const gained = reading.counter(index);
      if (gained > 0) lines.push(this.#line(base, label, gained, 'c'));
    } else if (type === 'gauge') {
      // A sign would make it a change instead of a value; no gauge here falls below zero.
      lines.push(this.#line(base, label, Math.max(0, reading.gauge(index)), 'g'));
    } else {
      const histogram = reading.histogram(index);
      if (histogram.count > 0) this.#pushHistogram(lines, base, histogram);
    }
  }

  #pushHistogram(lines: string[], base: string, { count, sum, min, max, percentiles }: HistogramReading): void {
    const gauge = (part: string, nanos: number): number =>
      lines.push(this.#line(`${base}.${part}`, null, nanos / NANOS, 'g'));
    lines.push(this.#line(`${base}.count`, null, count, 'c'), this.#line(`${base}.sum`, null, sum / NANOS, 'c'));
    gauge('min', min);
    gauge('max', max);
    gauge('mean', sum / count);
    PERCENTILES.forEach((part, at) => gauge(part, percentiles[at] ?? 0));
  }

  #line(name: string, label: Series['label'], value: number, type: 'c' | 'g'): string {
    const full = this.#prefix + name;
    if (!this.#isTagged) return `${label === null ? full : `${full}.${escapeName(label[1])}`}:${plain(value)}|${type}`;
    const own = label === null ? this.#tags : [tagOf(label[0], label[1]), ...this.#tags];
    return `${full}:${plain(value)}|${type}${own.length === 0 ? '' : `|#${own.join(',')}`}`;
  }
}

/** A number without an exponent, which not every server reads; nanoseconds are kept. */
function plain(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(9).replace(/0+$/, '');
}

/** What a name may have: the rest would end it, or begin a new line. */
function escapeName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.-]/g, '_');
}

/** `name:value`; a tag may have anything but what ends it, and its name no colon either. */
function tagOf(name: string, value: string): string {
  const safe = (text: string): string => text.replace(/[\s\p{Cc}\p{Cs}|,#]/gu, '_');
  return value === '' ? safe(name).replace(/:/g, '_') : `${safe(name).replace(/:/g, '_')}:${safe(value)}`;
}

/** The reader, where it is one. */
export function demandReader(value: unknown): StatsdReader {
  if (value instanceof StatsdReader) return value;
  const message = `metrics.toStatsd: the reader must be a StatsdReader, got ${describeValue(value)}`;
  throw misuse('MILLRACE_INVALID_ARGUMENT', message);
}
