import { BOUNDS_NANOS, COUNTERS, GAUGES, HISTOGRAMS, LAYOUT } from '../../ts/metrics/catalogue.generated.js';
import { metrics } from '../../ts/metrics/metrics.js';
import { setSource } from '../../ts/metrics/source.js';

/** Numbers that differ by place, so that a mix-up shows. */
function counted(offset: number): Float64Array {
  const numbers = Float64Array.from({ length: LAYOUT.length }, (_, index) => index + offset);
  HISTOGRAMS.forEach((_, index) => {
    const start = LAYOUT.histograms + index * LAYOUT.histogramLength;
    const facts = [4, 10e9, 1e9, 4e9];
    const percentiles = [2e9, 3e9, 3.5e9, 3.75e9, 4e9, 4e9];
    const cumulative = BOUNDS_NANOS.map((bound) => Math.min(4, Math.floor(bound / 1e9)));
    numbers.set([...facts, ...percentiles, ...cumulative], start);
  });
  return numbers;
}

let resets = 0;
const percentiles: unknown[][] = [];

beforeEach(() => {
  resets = 0;
  setSource({
    snapshot: (target) => target.set(counted(0)),
    totals: (target) => target.set(counted(1_000)),
    since: (target) => target.set(counted(2_000)),
    baselineLength: 3,
    percentile: (...args) => percentiles.push(args) * 1e9,
    reset: () => void resets++,
  });
});

afterEach(() => setSource(null));

test('a snapshot has every metric of the catalogue under its name', () => {
  const { counters, gauges, histograms } = metrics.snapshot();
  expect(Object.keys(counters)).toEqual(COUNTERS.map((row) => row.key));
  expect(Object.keys(gauges)).toEqual(GAUGES.map((row) => row.key));
  expect(Object.keys(histograms)).toEqual(HISTOGRAMS.map((row) => row.key));
  expect(Object.values(counters)).toEqual(COUNTERS.map((_, index) => index));
  expect(Object.values(gauges)).toEqual(GAUGES.map((_, index) => COUNTERS.length + index));
});

test('a label is part of the name', () => {
  const { counters } = metrics.snapshot();
  const index = COUNTERS.findIndex((row) => row.label?.[1] === '2xx');
  expect(counters['millrace_http_server_responses_total{class="2xx"}']).toBe(index);
});

test('a histogram is in seconds, with mean and percentiles', () => {
  expect(metrics.snapshot().histograms.millrace_reactor_wake_duration_seconds).toEqual({
    count: 4,
    sum: 10,
    min: 1,
    max: 4,
    mean: 2.5,
    p50: 2,
    p75: 3,
    p90: 3.5,
    p95: 3.75,
    p99: 4,
    p999: 4,
    buckets: BOUNDS_NANOS.map((nanos) => ({ le: nanos / 1e9, count: Math.min(4, Math.floor(nanos / 1e9)) })),
  });
});

test('JSON.stringify gives the snapshot', () => {
  expect(JSON.parse(JSON.stringify(metrics))).toEqual(JSON.parse(JSON.stringify(metrics.snapshot())));
});

test('any percentile can be asked for, and nothing that is none', () => {
  const name = 'millrace_reactor_wake_duration_seconds';
  const index = HISTOGRAMS.findIndex(({ key }) => key === name);
  expect(metrics.percentile(name, 12.5)).toBe(1);
  expect(metrics.percentile(name, 100)).toBe(2);
  expect(percentiles).toEqual([
    [index, 12.5],
    [index, 100],
  ]);
  for (const percent of [-0.1, 100.1, NaN, '50' as never]) {
    expect(() => metrics.percentile(name, percent)).toThrow(RangeError);
  }
  expect(() => metrics.percentile('millrace_pace' as never, 50)).toThrow(
    /must be one of "millrace_.*, got "millrace_pace"/,
  );
});

test('a reset is handed on', () => {
  metrics.reset();
  expect(resets).toBe(1);
});

test('without the native core every metric is zero and none is missing', () => {
  setSource(null);
  metrics.reset();
  const { counters, histograms } = metrics.snapshot();
  expect(Object.keys(counters)).toHaveLength(COUNTERS.length);
  expect(Object.values(counters).every((value) => value === 0)).toBe(true);
  expect(histograms.millrace_http_server_request_duration_seconds.mean).toBe(0);
});
