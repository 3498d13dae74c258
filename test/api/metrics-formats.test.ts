import { metrics, OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE } from '../../ts/index.js';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../ts/metrics/catalogue.generated.js';
import { canonicalNumber } from '../../ts/metrics/prometheus.js';
import { parseExposition } from '../support/exposition.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';

endsWithItsTest();

const NAMES = [...new Set([...COUNTERS, ...GAUGES, ...HISTOGRAMS].map(({ name }) => name))];
const DURATION = 'millrace_http_server_request_duration_seconds';

/** Something of most kinds: served, refused, and one still in flight. */
async function traffic(): Promise<void> {
  const server = await start({
    port: 0,
    maxUrlSize: 100,
    handler: (req, res) => void (req.path === '/' && res.end('ok')),
  });
  const client = await RawClient.connect(server);
  for (let turn = 0; turn < 5; turn++) {
    client.send(get('/'));
    await client.response();
  }
  client.send(get('/later'));
  const other = await RawClient.connect(server);
  other.send(get(`/${'x'.repeat(200)}`));
  await other.response();
}

describe.each([
  ['Prometheus 0.0.4', 'prometheus', false],
  ['OpenMetrics 1.0', 'openMetrics', true],
] as const)('the text of %s', (_name, format, openMetrics) => {
  const read = () => parseExposition(metrics.toPrometheus({ openMetrics }), format);
  const familyOf = (name: string) => (openMetrics ? name.replace(/_total$/, '') : name);

  test('follows the grammar, with every family of the catalogue and every series of a family', async () => {
    await traffic();
    const families = read();
    expect([...families.keys()]).toEqual(NAMES.map(familyOf));
    for (const { name, label, help, unit } of [...COUNTERS, ...GAUGES]) {
      const family = families.get(familyOf(name));
      expect(family).toMatchObject({ help, unit: openMetrics ? (unit ?? undefined) : undefined });
      const labels = label === null ? {} : { [label[0]]: label[1] };
      expect(family?.samples).toContainEqual({ name, labels, value: expect.any(Number) });
    }
    for (const { name } of HISTOGRAMS) expect(families.get(name)).toMatchObject({ type: 'histogram' });
  });

  test('has the totals since the process began, whatever was reset', async () => {
    await traffic();
    const valueOf = (name: string) => read().get(familyOf(name))?.samples[0].value ?? NaN;
    const before = valueOf('millrace_http_server_requests_total');
    expect(before).toBeGreaterThanOrEqual(6);
    metrics.reset();
    expect(metrics.snapshot().counters.millrace_http_server_requests_total).toBe(0);
    expect(valueOf('millrace_http_server_requests_total')).toBe(before);
    const counts = read()
      .get(DURATION)
      ?.samples.filter(({ name }) => name.endsWith('_count'));
    expect(counts?.[0].value).toBeGreaterThanOrEqual(5);
  });
});

test('the two texts have the same values', async () => {
  await traffic();
  const of = (format: 'prometheus' | 'openMetrics') =>
    [...parseExposition(metrics.toPrometheus({ openMetrics: format === 'openMetrics' }), format).values()].flatMap(
      ({ samples }) =>
        samples.map(({ name, labels, value }) => ({
          name,
          labels: labels.le === undefined ? labels : { le: Number(labels.le.replace('Inf', 'Infinity')) },
          value,
        })),
    );
  expect(of('openMetrics')).toEqual(of('prometheus'));
});

test('bounds of OpenMetrics are canonical numbers', () => {
  const written = [0, 1, 10, 2.5, 0.005, 0.0001, 0.00001, 0.000025, 0.000005, 1e-10].map(canonicalNumber);
  expect(written).toEqual(['0.0', '1.0', '10.0', '2.5', '0.005', '0.0001', '1e-05', '2.5e-05', '5e-06', '1e-10']);
});

test('a /metrics route sends the text with the media type that the scraper asked for', async () => {
  const server = await start({
    port: 0,
    handler(req, res) {
      const openMetrics = req.headers.get('accept')?.includes('application/openmetrics-text') === true;
      res.setHeader('content-type', openMetrics ? OPENMETRICS_CONTENT_TYPE : PROMETHEUS_CONTENT_TYPE);
      res.end(metrics.toPrometheus({ openMetrics }));
    },
  });
  const plain = await fetch(server.url);
  expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  parseExposition(await plain.text(), 'prometheus');
  const accept = 'application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5';
  const open = await fetch(server.url, { headers: { accept } });
  expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  parseExposition(await open.text(), 'openMetrics');
});

test.each([
  ['a bad name', '# HELP 1a b\n'],
  ['a sample without its family', 'a 1\n'],
  ['a label without quotes', '# HELP a b\n# TYPE a gauge\na{b=c} 1\n'],
  ['a value that is none', '# HELP a b\n# TYPE a gauge\na x\n'],
  ['a series twice', '# HELP a b\n# TYPE a gauge\na 1\na 1\n'],
  ['a counter without its suffix', '# HELP a b\n# TYPE a counter\na 1\n'],
  [
    'falling buckets',
    '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
  ],
  ['a text without its last line feed', '# HELP a b\n# TYPE a gauge\na 1'],
])('the grammar of these tests refuses %s', (_name, text) => {
  expect(() => parseExposition(text, 'prometheus')).toThrow();
});
