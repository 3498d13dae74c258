import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { BOUNDS_NANOS } from './catalogue.generated.js';
import { FAMILIES } from './families.js';
import type { Family, Series } from './families.js';
import { readTotals } from './reading.js';
import type { Reading } from './reading.js';

const NANOS = 1e9;

/** What is asked of a registry of prom-client (14 or 15); there is no dependency on it. */
export interface PromRegistry {
  // Methods, so that prom-client's own, which ask for its own class, are assignable.
  registerMetric(metric: never): void;
  getSingleMetric(name: string): unknown;
}

/** One sample, as prom-client's registry writes and aggregates them. */
interface Sample {
  value: number;
  labels: Record<string, string | number>;
  metricName?: string;
}

/**
 * Puts one metric for each family into the registry. All of them read the totals of the process when the registry is
 * scraped, once for all families.
 */
export function registerWith(registry: PromRegistry): void {
  demandRegistry(registry);
  const taken = FAMILIES.find(({ name }) => namesOf(name).some((each) => registry.getSingleMetric(each) !== undefined));
  if (taken !== undefined) {
    const message = `metrics.registerWith: this registry has a metric ${taken.name} already; register once for each registry`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  const scrape = new Scrape();
  for (const family of FAMILIES) registry.registerMetric(new RegisteredFamily(family, scrape) as never);
}

/** An OpenMetrics registry takes the `_total` off the names of counters, at its first scrape. */
function namesOf(name: string): string[] {
  return [name, name.replace(/_total$/, '')];
}

function demandRegistry(registry: unknown): void {
  const { registerMetric, getSingleMetric } = (registry ?? {}) as Partial<Record<keyof PromRegistry, unknown>>;
  if (typeof registerMetric === 'function' && typeof getSingleMetric === 'function') return;
  const message = `metrics.registerWith: the registry must be a Registry of prom-client, got ${describeValue(registry)}`;
  throw misuse('MILLRACE_INVALID_ARGUMENT', message);
}

/** One reading for all families: a registry asks them one after the other in one go. */
class Scrape {
  private _reading: Reading | null = null;

  read(): Reading {
    if (this._reading === null) {
      queueMicrotask(() => (this._reading = null));
      this._reading = readTotals();
    }
    return this._reading;
  }
}

/** A family in the shape of a metric of prom-client. */
class RegisteredFamily {
  /** The registry's to change: see `namesOf`. */
  name: string;
  readonly help: string;
  readonly type: Family['type'];
  readonly labelNames: readonly string[];
  /** How the metrics of a cluster's processes are put together. */
  readonly aggregator = 'sum';
  private readonly _series: readonly Series[];
  private readonly _scrape: Scrape;
  /** What the series had when the registry was reset. */
  private _before: Sample[] | null = null;

  constructor({ name, help, type, series }: Family, scrape: Scrape) {
    this.name = name;
    this.help = help;
    this.type = type;
    this.labelNames = series.flatMap(({ label }) => label?.[0] ?? []).slice(0, 1);
    this._series = series;
    this._scrape = scrape;
  }

  /** What the registry's `metrics()` and `getMetricsAsJSON()` ask for. */
  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    const before = this._before;
    const values = this.samples().map((sample, index) => ({
      ...sample,
      value: sample.value - (before?.[index]?.value ?? 0),
    }));
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  /** The registry's `resetMetrics()`: this registry counts from zero, no other reader does. Gauges survive. */
  reset(): void {
    if (this.type !== 'gauge') this._before = this.samples();
  }

  private samples(): Sample[] {
    const reading = this._scrape.read();
    return this._series.flatMap(({ index, label }) => {
      const labels = label === null ? {} : { [label[0]]: label[1] };
      if (this.type === 'counter') return [{ labels, value: reading.counter(index) }];
      if (this.type === 'gauge') return [{ labels, value: reading.gauge(index) }];
      return histogramSamples(this.name, reading, index);
    });
  }
}

function histogramSamples(name: string, reading: Reading, index: number): Sample[] {
  const { count, sum, cumulative } = reading.histogram(index);
  const bucket = (le: number | string, value: number): Sample => ({
    labels: { le },
    value,
    metricName: `${name}_bucket`,
  });
  return [
    ...BOUNDS_NANOS.map((bound, at) => bucket(bound / NANOS, cumulative[at] ?? 0)),
    bucket('+Inf', count),
    { labels: {}, value: sum / NANOS, metricName: `${name}_sum` },
    { labels: {}, value: count, metricName: `${name}_count` },
  ];
}
