import { Counter, Histogram, Registry } from 'prom-client';
import type { OpenMetricsContentType } from 'prom-client';

import { metrics, MillraceError } from '../../ts/index.js';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../ts/metrics/catalogue.generated.js';
import { parseExposition } from '../support/exposition.js';
import { endsWithItsTest, start } from '../support/test-server.js';

endsWithItsTest();

const NAMES = [...new Set([...COUNTERS, ...GAUGES, ...HISTOGRAMS].map(({ name }) => name))];
const DURATION = 'millrace_http_server_request_duration_seconds';
const REQUESTS = 'millrace_http_server_requests_total';

async function serveSome(count: number): Promise<void> {
  const server = await start({ port: 0, handler: (_req, res) => res.end('ok') });
  for (let turn = 0; turn < count; turn++) await (await fetch(server.url)).text();
  await server.close();
}

const exposed = async (registry: Registry) => parseExposition(await registry.metrics().then(withoutGaps), 'prometheus');
/** The registry parts families by empty lines. */
const withoutGaps = (text: string): string => text.replace(/\n\n/g, '\n');

test("a registry shows our metrics beside the user's own, as counters, gauges and real histograms", async () => {
  const registry = new Registry();
  new Counter({ name: 'own_total', help: 'one of the user', registers: [registry] }).inc(7);
  metrics.registerWith(registry);
  new Histogram({ name: 'own_seconds', help: 'another', registers: [registry] }).observe(1);
  await serveSome(3);
  const families = await exposed(registry);
  expect([...families.keys()].sort()).toEqual([...NAMES, 'own_seconds', 'own_total'].sort());
  expect(families.get('own_total')?.samples[0].value).toBe(7);
  const ours = parseExposition(metrics.toPrometheus(), 'prometheus');
  for (const name of NAMES) expect(families.get(name)).toEqual(ours.get(name));
  expect(
    families.get(DURATION)?.samples.find(({ name }) => name === `${DURATION}_count`)?.value,
  ).toBeGreaterThanOrEqual(3);
});

test('each scrape shows what is then', async () => {
  const registry = new Registry();
  metrics.registerWith(registry);
  const requests = async () => (await exposed(registry)).get(REQUESTS)?.samples[0].value ?? NaN;
  const before = await requests();
  await serveSome(2);
  expect(await requests()).toBe(before + 2);
});

test('a registry that was reset counts from zero; nobody else does, and gauges survive', async () => {
  const [registry, other] = [new Registry(), new Registry()];
  metrics.registerWith(registry);
  metrics.registerWith(other);
  const server = await start({ port: 0, handler: (_req, res) => res.end('ok') });
  await (await fetch(server.url)).text();
  const before = (await exposed(other)).get(REQUESTS)?.samples[0].value;
  registry.resetMetrics();
  const families = await exposed(registry);
  const lasting = [...families.values()].filter(({ type }) => type !== 'gauge').flatMap(({ samples }) => samples);
  expect(lasting.filter(({ name }) => !/reactor|sockets/.test(name)).every(({ value }) => value === 0)).toBe(true);
  expect(families.get('millrace_http_server_listeners')?.samples[0].value).toBe(1);
  expect((await exposed(other)).get(REQUESTS)?.samples[0].value).toBe(before);
  await (await fetch(server.url)).text();
  expect((await exposed(registry)).get(REQUESTS)?.samples[0].value).toBe(1);
});

test('a registry of OpenMetrics, and one with default labels, get theirs', async () => {
  const open = new Registry<OpenMetricsContentType>();
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  metrics.registerWith(open);
  const families = parseExposition(await open.metrics(), 'openMetrics');
  expect([...families.keys()]).toEqual(NAMES.map((name) => name.replace(/_total$/, '')));
  expect(() => metrics.registerWith(open)).toThrow(/has a metric .* already/);

  const labelled = new Registry();
  labelled.setDefaultLabels({ service: 'shop' });
  metrics.registerWith(labelled);
  const samples = [...(await exposed(labelled)).values()].flatMap((family) => family.samples);
  expect(samples.every(({ labels }) => labels.service === 'shop')).toBe(true);
});

test('JSON for a cluster says how to add the processes up', async () => {
  const registry = new Registry();
  metrics.registerWith(registry);
  const all = await registry.getMetricsAsJSON();
  expect(all).toHaveLength(NAMES.length);
  expect(all.every((metric) => (metric as { aggregator?: string }).aggregator === 'sum')).toBe(true);
  const merged = Registry.merge([registry, new Registry()]);
  expect(withoutGaps(await merged.metrics())).toContain(`# TYPE ${REQUESTS} counter`);
});

describe('registering', () => {
  test('twice is refused, and leaves the registry as it was', async () => {
    const registry = new Registry();
    metrics.registerWith(registry);
    expect(() => metrics.registerWith(registry)).toThrow(MillraceError);
    expect(() => metrics.registerWith(registry)).toThrow(
      `metrics.registerWith: this registry has a metric ${NAMES[0]} already; register once for each registry`,
    );
    expect(registry.getMetricsAsArray()).toHaveLength(NAMES.length);
    registry.clear();
    metrics.registerWith(registry);
    expect((await exposed(registry)).size).toBe(NAMES.length);
  });

  test('is refused where the user has a metric of one of our names, before anything is registered', () => {
    const registry = new Registry();
    new Counter({ name: NAMES[5], help: 'taken', registers: [registry] });
    expect(() => metrics.registerWith(registry)).toThrow(`has a metric ${NAMES[5]} already`);
    expect(registry.getMetricsAsArray()).toHaveLength(1);
  });

  test.each([[undefined], [null], [{}], [new Map()], ['registry']])('is not possible with %p', (value) => {
    expect(() => metrics.registerWith(value as never)).toThrow(/the registry must be a Registry of prom-client, got /);
  });
});
