import { BOUNDS_NANOS, COUNTERS, GAUGES, HISTOGRAMS, LAYOUT } from '../../ts/metrics/catalogue.generated.js';
import { metrics } from '../../ts/metrics/snapshot.js';
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

beforeEach(() => {
  resets = 0;
  setSource({
    snapshot: (target) => target.set(counted(0)),
    totals: (target) => target.set(counted(1_000)),
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
  });
});

test('JSON.stringify gives the snapshot', () => {
  expect(JSON.parse(JSON.stringify(metrics))).toEqual(JSON.parse(JSON.stringify(metrics.snapshot())));
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

describe('the Prometheus text', () => {
  const lines = (): string[] => metrics.toPrometheus().split('\n');

  test('ends with a line feed and has only comments and samples', () => {
    const text = metrics.toPrometheus();
    expect(text.endsWith('\n')).toBe(true);
    const sample = /^[a-z_]+(\{[a-z]+="[^"\\\n]+"\})? -?[0-9.e+-]+$/;
    const comment = /^# (HELP [a-z_]+ .+|TYPE [a-z_]+ (counter|gauge|histogram))$/;
    for (const line of text.trimEnd().split('\n')) expect(line).toMatch(line.startsWith('#') ? comment : sample);
  });

  test('says HELP and TYPE once a family, before its samples', () => {
    const all = lines();
    for (const name of new Set([...COUNTERS, ...GAUGES, ...HISTOGRAMS].map((row) => row.name))) {
      const help = all.flatMap((line, index) => (line.startsWith(`# HELP ${name} `) ? [index] : []));
      expect(help).toHaveLength(1);
      expect(all[help[0] + 1]).toMatch(new RegExp(`^# TYPE ${name} `));
      expect(all[help[0] + 2]).toMatch(new RegExp(`^${name}[ {_]`));
    }
  });

  test('shows what was counted since the process began, whatever was reset', () => {
    expect(lines()).toContain(`${COUNTERS[0].key} 1000`);
    expect(metrics.snapshot().counters[COUNTERS[0].key]).toBe(0);
  });

  test('has rising buckets that end with the count', () => {
    const name = 'millrace_http_server_request_duration_seconds';
    const buckets = lines().filter((line) => line.startsWith(`${name}_bucket`));
    expect(buckets).toHaveLength(BOUNDS_NANOS.length + 1);
    expect(buckets[0]).toBe(`${name}_bucket{le="0.000005"} 0`);
    expect(buckets.at(-2)).toBe(`${name}_bucket{le="10"} 4`);
    expect(buckets.at(-1)).toBe(`${name}_bucket{le="+Inf"} 4`);
    const counts = buckets.map((line) => Number(line.split(' ')[1]));
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(lines()).toEqual(expect.arrayContaining([`${name}_sum 10`, `${name}_count 4`]));
  });
});
