import { Registry } from 'prom-client';

import { metrics, MetricsReader, StatsdReader } from '../../ts/index.js';
import { endsWithItsTest, start } from '../support/test-server.js';

endsWithItsTest();

const REQUESTS = 'millrace_http_server_requests_total';
const DURATION = 'millrace_http_server_request_duration_seconds';

async function serveSome(count: number): Promise<void> {
  const server = await start({ port: 0, handler: (_req, res) => res.end('ok') });
  for (let turn = 0; turn < count; turn++) await (await fetch(server.url)).text();
  await server.close();
}

test('a reader sees what came since its last reading, exactly, percentiles and buckets too', async () => {
  const [one, other] = [new MetricsReader(), new MetricsReader()];
  await serveSome(2);
  const first = one.read();
  expect(first.counters[REQUESTS]).toBe(2);
  expect(first.histograms[DURATION].count).toBe(2);
  metrics.reset();
  await serveSome(1);
  const { counters, histograms } = one.read();
  const { count, min, max, p50, p999, buckets } = histograms[DURATION];
  expect([counters[REQUESTS], count, buckets.at(-1)?.count]).toEqual([1, 1, 1]);
  expect(p50).toBeGreaterThanOrEqual(min);
  expect(p999).toBeLessThanOrEqual(max);
  expect(other.read().counters[REQUESTS]).toBe(3);
  expect(one.read().counters[REQUESTS]).toBe(0);
  expect(one.read().histograms[DURATION]).toMatchObject({ count: 0, sum: 0, min: 0, max: 0, mean: 0, p99: 0 });
});

test('a reader begins when it is made', async () => {
  await serveSome(1);
  expect(new MetricsReader().read().counters[REQUESTS]).toBe(0);
});

test('gauges of live things survive a reset, for every reader', async () => {
  const server = await start({ port: 0, handler: (_req, res) => res.end('ok') });
  const reader = new MetricsReader();
  metrics.reset();
  expect(metrics.snapshot().gauges.millrace_http_server_listeners).toBe(1);
  expect(reader.read().gauges.millrace_http_server_listeners).toBe(1);
  await server.close();
  expect(metrics.snapshot().gauges.millrace_http_server_listeners).toBe(0);
});

test('a percentile lies within what was measured, at the ends exactly', async () => {
  metrics.reset();
  await serveSome(20);
  const { min, max, p50, count } = metrics.snapshot().histograms[DURATION];
  expect(count).toBe(20);
  expect(metrics.percentile(DURATION, 0)).toBe(min);
  expect(metrics.percentile(DURATION, 100)).toBe(max);
  expect(metrics.percentile(DURATION, 50)).toBe(p50);
  expect(metrics.percentile(DURATION, 33.3)).toBeLessThanOrEqual(p50);
  metrics.reset();
  expect(metrics.percentile(DURATION, 99)).toBe(0);
});

test('reading all metrics in any form takes less than a millisecond of CPU', async () => {
  await serveSome(50);
  const registry = new Registry();
  metrics.registerWith(registry);
  const [reader, statsd] = [new MetricsReader(), new StatsdReader()];
  const forms: Record<string, () => unknown> = {
    snapshot: () => metrics.snapshot(),
    percentile: () => metrics.percentile(DURATION, 42),
    reader: () => reader.read(),
    prometheus: () => metrics.toPrometheus(),
    openMetrics: () => metrics.toPrometheus({ openMetrics: true }),
    statsd: () => metrics.toStatsd(statsd),
    registry: () => registry.getMetricsAsArray().map((metric) => (metric as unknown as { get(): unknown }).get()),
  };
  const READINGS = 100;
  const took: Record<string, number> = {};
  for (const [form, read] of Object.entries(forms)) {
    // CPU of this process, so a busy machine does not count; of a few rounds the quickest, so its caches do not either.
    let quickest = Infinity;
    for (let round = 0; round < 5 && quickest > 1; round++) {
      const before = process.cpuUsage();
      for (let turn = 0; turn < READINGS; turn++) read();
      const { user, system } = process.cpuUsage(before);
      quickest = Math.min(quickest, (user + system) / 1_000 / READINGS);
    }
    took[form] = quickest;
  }
  expect(Object.entries(took).filter(([, milliseconds]) => milliseconds >= 1)).toEqual([]);
});
