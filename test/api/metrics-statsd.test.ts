import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';

import { metrics, pushStatsd, setLevel, setLogger, StatsdReader } from '../../ts/index.js';
import type { LogRecord } from '../../ts/index.js';
import { packLines } from '../../ts/metrics/pack-lines.js';
import { until } from '../support/condition.js';
import { endsWithItsTest, start } from '../support/test-server.js';

endsWithItsTest();

async function serveOne(count = 1): Promise<void> {
  const server = await start({ port: 0, handler: (_req, res) => res.end('ok') });
  for (let turn = 0; turn < count; turn++) await (await fetch(server.url)).text();
}

const lineOf = (lines: string[], name: string): string | undefined =>
  lines.find((line) => line.slice(0, line.indexOf(':')) === name);

describe('a reader', () => {
  test('tells what came since its own last reading, and no reset or other reader disturbs it', async () => {
    const [one, other] = [new StatsdReader(), new StatsdReader()];
    const requests = (reader: StatsdReader) => lineOf(metrics.toStatsd(reader), 'millrace.http_server_requests');
    await serveOne(2);
    expect(requests(one)).toBe('millrace.http_server_requests:2|c');
    metrics.reset();
    await serveOne(3);
    expect(requests(one)).toBe('millrace.http_server_requests:3|c');
    expect(requests(other)).toBe('millrace.http_server_requests:5|c');
    expect(requests(one)).toBeUndefined();
    expect(metrics.snapshot().counters.millrace_http_server_requests_total).toBe(3);
  });

  test('tells nothing of the time before it was made', async () => {
    await serveOne();
    expect(lineOf(metrics.toStatsd(new StatsdReader()), 'millrace.http_server_requests')).toBeUndefined();
  });

  test('has gauges as they are, labels as tags, and what came into a histogram in seconds', async () => {
    const reader = new StatsdReader();
    const server = await start({ port: 0, handler: (_req, res) => res.end('ok') });
    await (await fetch(server.url)).text();
    const lines = metrics.toStatsd(reader);
    expect(lineOf(lines, 'millrace.http_server_listeners')).toBe('millrace.http_server_listeners:1|g');
    expect(lines).toContain('millrace.http_server_responses:1|c|#class:2xx');
    const duration = 'millrace.http_server_request_duration_seconds';
    expect(lineOf(lines, `${duration}.count`)).toBe(`${duration}.count:1|c`);
    const valueOf = (part: string) => Number(/:([\d.]+)\|[cg]$/.exec(lineOf(lines, `${duration}.${part}`) ?? '')?.[1]);
    const parts = ['min', 'max', 'mean', 'p50', 'p75', 'p90', 'p95', 'p99', 'p999', 'sum'].map(valueOf);
    expect(parts.every((value) => value > 0 && value < 10)).toBe(true);
    expect(lines.every((line) => /^[A-Za-z0-9_.-]+:\d+(\.\d+)?\|[cg](\|#[^|\n]+)?$/.test(line))).toBe(true);
  });

  test('writes tags of its own, escaped, and the names of plain StatsD', async () => {
    const tags = { env: 'a|b,c\n', 'bad:na me#': 'x:y', flag: '' };
    const tagged = new StatsdReader({ prefix: 'app|\n.', tags });
    const plain = new StatsdReader({ dialect: 'statsd' });
    await serveOne();
    const lines = metrics.toStatsd(tagged);
    expect(lines).toContain('app__.http_server_responses:1|c|#class:2xx,env:a_b_c_,bad_na_me_:x:y,flag');
    expect(lines.join('')).not.toContain('\n');
    expect(metrics.toStatsd(plain)).toContain('millrace.http_server_responses.2xx:1|c');
  });

  test.each([
    [{ tags: { a: 'b' }, dialect: 'statsd' }, /the dialect "statsd" has no tags/],
    [{ tags: { a: 1 } }, /option "tags" must be an object whose values are strings, got 1/],
    [{ tags: ['a'] }, /option "tags" must be an object whose values are strings, got an array/],
    [{ dialect: 'influx' }, /option "dialect" must be one of "dogstatsd" or "statsd", got "influx"/],
    [{ prefixes: 'a' }, /there is no option "prefixes"; did you mean "prefix"/],
  ])('refuses %p', (options, message) => {
    expect(() => new StatsdReader(options as never)).toThrow(message);
  });

  test('is asked for by toStatsd', () => {
    expect(() => metrics.toStatsd({} as never)).toThrow(
      'metrics.toStatsd: the reader must be a StatsdReader, got an object',
    );
  });
});

test('lines are packed into datagrams up to the size and cut in none', () => {
  const lines = ['aaaa', 'bbbb', 'cc', 'é'.repeat(10), 'd'];
  const texts = (size: number) => packLines(lines, size).map(String);
  expect(texts(9)).toEqual(['aaaa\nbbbb', 'cc', 'é'.repeat(10), 'd']);
  expect(texts(8)).toEqual(['aaaa', 'bbbb\ncc', 'é'.repeat(10), 'd']);
  expect(texts(1_000)).toEqual([lines.join('\n')]);
  expect(texts(1)).toEqual(lines);
  expect(packLines([], 100)).toEqual([]);
});

describe('a pusher', () => {
  let agent: Socket;
  let packets: string[];

  beforeEach(async () => {
    packets = [];
    agent = createSocket('udp4').on('message', (packet) => packets.push(String(packet)));
    agent.bind(0, '127.0.0.1');
    await once(agent, 'listening');
  });

  afterEach(() => {
    agent.close();
    setLogger(null);
    setLevel('warn');
  });

  const port = (): number => agent.address().port;

  test('sends every interval, in packets of the size at most, and the rest when it is closed', async () => {
    const pusher = pushStatsd({ port: port(), interval: 10, maxPacketSize: 200, tags: { env: 'test' } });
    await serveOne();
    const counted = () =>
      packets
        .flatMap((packet) => packet.split('\n'))
        .flatMap((line) => /^millrace\.http_server_requests:(\d+)\|c\|#env:test$/.exec(line)?.[1] ?? [])
        .reduce((sum, value) => sum + Number(value), 0);
    await until(() => counted() === 1);
    await serveOne(2);
    await pusher.close();
    await until(() => counted() === 3);
    expect(packets.every((packet) => Buffer.byteLength(packet) <= 200)).toBe(true);
    const sent = packets.length;
    await pusher.push();
    await pusher.close();
    await new Promise(setImmediate);
    expect(packets).toHaveLength(sent);
  });

  test('logs what fails, once, throws it at nobody, and keeps what came for the next push', async () => {
    const records: LogRecord[] = [];
    setLogger((record) => void records.push(record));
    // No name is that long, so nobody has to be asked for it.
    const host = 'x'.repeat(300);
    const pusher = pushStatsd({ host, port: port(), interval: 86_400_000 });
    await pusher.push();
    await pusher.push();
    await pusher.close();
    expect(records).toHaveLength(1);
    const [{ level, component, message, fields }] = records;
    expect({ level, component, message }).toEqual({
      level: 'warn',
      component: 'metrics',
      message: 'a push to StatsD failed',
    });
    expect(fields).toMatchObject({ host, port: port() });
    expect((fields.err as Error).message).toMatch(/getaddrinfo/);
  });

  test('sends to a name, and to an address of IPv6 where there is one', async () => {
    for (const host of ['localhost', '127.0.0.1']) {
      const six = createSocket({ type: 'udp6', ipv6Only: true }).on('message', (packet) =>
        packets.push(String(packet)),
      );
      const hasSix = await new Promise<boolean>((resolve) => {
        six.once('error', () => resolve(false)).bind(port(), '::1', () => resolve(true));
      });
      packets = [];
      const pusher = pushStatsd({ host, port: port(), interval: 86_400_000 });
      await pusher.push();
      await until(() => packets.length > 0);
      await pusher.close();
      if (hasSix) six.close();
    }
  });

  test('does not keep the process alive', () => {
    const handles = (): number => process.getActiveResourcesInfo().filter((name) => /Timeout/.test(name)).length;
    const before = handles();
    const pusher = pushStatsd({ port: port(), interval: 1_000 });
    expect(handles()).toBe(before);
    return pusher.close();
  });

  test.each([
    [{ port: 0 }, /option "port" must be an integer from 1 to 65535, got 0/],
    [{ interval: 9 }, /option "interval" must be an integer from 10 to 86400000, got 9/],
    [{ maxPacketSize: 127 }, /option "maxPacketSize" must be an integer from 128 to 65507, got 127/],
    [{ maxPacketSize: 65_508 }, /option "maxPacketSize" must be an integer from 128 to 65507, got 65508/],
  ])('refuses %p', (options, message) => {
    expect(() => pushStatsd(options)).toThrow(message);
  });
});
