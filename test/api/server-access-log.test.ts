import type { AccessRecord, LogRecord } from '../../ts/index.js';
import { getLogContext, Response, setLevel, setLogger, withLogContext } from '../../ts/index.js';
import { logRecord } from '../../ts/log/log.js';
import { until } from '../support/condition.js';
import { endsWithItsTest, get, post, request, start, startWithClient } from '../support/test-server.js';

endsWithItsTest();

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
let logged: LogRecord[] = [];

beforeEach(() => {
  logged = [];
  setLogger((record) => void logged.push(record));
  setLevel('info');
});
afterEach(() => {
  setLevel('warn');
  setLogger(null);
});

test('a function gets one record for each exchange that ended', async () => {
  const records: AccessRecord[] = [];
  const before = Date.now();
  const { client } = await startWithClient({
    accessLog: (record) => void records.push(record),
    handler: (_req, res) => res.writeHead(201).end('grün'),
  });
  await client.send(get('/a?b=1', 'User-Agent: test', 'Referer: http://r/', `traceparent: ${TRACE}`)).response();
  await until(() => records.length === 1);
  expect(records).toEqual([
    {
      time: expect.any(Number),
      method: 'GET',
      url: '/a?b=1',
      httpVersion: '1.1',
      status: 201,
      bytes: 5,
      duration: expect.any(Number),
      remoteAddress: '127.0.0.1',
      aborted: false,
      referer: 'http://r/',
      userAgent: 'test',
      requestId: expect.stringMatching(/^[0-9a-f]{12}-[0-9a-z]+$/),
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      parentId: '00f067aa0ba902b7',
      sampled: true,
    },
  ]);
  expect(records[0].duration).toBeGreaterThan(0);
  expect(records[0].time).toBeGreaterThanOrEqual(before - 1);
});

test('true logs it at info, by the component access', async () => {
  const { client } = await startWithClient({ accessLog: true, handler: (_req, res) => res.end('abc') });
  await client.send(get('/x')).response();
  await until(() => logged.length === 1);
  const [{ level, component, message, fields, context }] = logged;
  expect([level, component, message]).toEqual(['info', 'access', 'request served']);
  expect(fields).toMatchObject({ method: 'GET', url: '/x', status: 200, bytes: 3, remoteAddress: '127.0.0.1' });
  expect(context).toEqual({ requestId: expect.any(String) });
});

test('true makes no record while info is not logged', async () => {
  setLevel('warn');
  const { client } = await startWithClient({ accessLog: true, handler: (_req, res) => res.end('abc') });
  await client.send(get('/x')).response();
  setLevel('info');
  await client.send(get('/y')).response();
  await until(() => logged.length > 0);
  expect(logged.map(({ fields }) => fields.url)).toEqual(['/y']);
});

test.each<[string, string, number]>([
  ['a body in parts', 'GET /parts', 9],
  ['a Response of ours', 'GET /ours', 4],
  ['a HEAD request', 'HEAD /ours', 0],
  ['a 204', 'GET /204', 0],
])('counts the bytes of %s', async (_name, line, bytes) => {
  const records: AccessRecord[] = [];
  const accessLog = (record: AccessRecord): void => void records.push(record);
  const [method, path] = line.split(' ');
  const { client } = await startWithClient({
    accessLog,
    middleware: [
      (req, res, next) => {
        if (req.path === '/parts') {
          res.write('abc');
          res.write(new Uint8Array(3));
          return res.end('def');
        }
        return req.path === '/204' ? res.writeHead(204).end('dropped') : next();
      },
    ],
    fetch: () => new Response('four'),
  });
  await client.send(request(method, path)).response(method);
  await until(() => records.length === 1);
  expect(records[0].bytes).toBe(bytes);
});

test('an exchange whose client leaves is recorded as aborted, without a status before its head', async () => {
  const records: AccessRecord[] = [];
  const { client, server } = await startWithClient({
    accessLog: (record) => void records.push(record),
    handler: () => undefined,
  });
  client.send(get('/gone'));
  await until(() => server.stats().requests.active === 1);
  client.reset();
  await until(() => records.length === 1);
  expect(records[0]).toMatchObject({ url: '/gone', aborted: true, status: null, bytes: 0, remoteAddress: '127.0.0.1' });
});

test('refusals, failures and injected requests are recorded too', async () => {
  setLogger(null);
  const seen: unknown[] = [];
  const server = await start({
    accessLog: ({ url, status, remoteAddress }) => void seen.push([url, status, remoteAddress]),
    validate: ({ path }) => (path === '/refused' ? 403 : undefined),
    handler: () => {
      throw new Error('planned');
    },
  });
  await server.inject({ url: '/refused' });
  await server.inject({ url: '/failed' });
  await until(() => seen.length === 2);
  expect(seen).toEqual([
    ['/refused', 403, ''],
    ['/failed', 500, ''],
  ]);
});

test('bytes of strangers are escaped', async () => {
  const records: AccessRecord[] = [];
  const { client } = await startWithClient({
    accessLog: (record) => void records.push(record),
    handler: (_req, res) => res.end(),
  });
  await client.send(get('/a', 'User-Agent: \x9b2J\tmoved', 'Referer: \x85next')).response();
  await until(() => records.length === 1);
  expect([records[0].userAgent, records[0].referer]).toEqual(['\\x9b2J\\tmoved', '\\x85next']);
});

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('planned');
    },
  ],
  ['rejects', () => Promise.reject(new Error('planned'))],
])('a function that %s disturbs nobody, and it is logged', async (_name, accessLog) => {
  const { client } = await startWithClient({ accessLog, handler: (_req, res) => res.end('fine') });
  expect((await client.send(get()).response()).body.toString()).toBe('fine');
  await until(() => logged.length === 1);
  expect(logged[0]).toMatchObject({ level: 'error', message: 'the function of accessLog failed' });
});

test('the record comes after the last byte, also for a reader that was slow and whose place another exchange took', async () => {
  const records: AccessRecord[] = [];
  const size = 16 << 20;
  const { client, server } = await startWithClient({
    accessLog: (record) => void records.push(record),
    handler: (req, res) => res.end(req.path === '/large' ? Buffer.alloc(size) : 'small'),
  });
  client.socket.pause();
  await client.sent(get('/large'));
  await until(() => server.stats().requests.total === 1);
  // Its exchange is over in the core, whose slot the next ones use.
  for (let count = 0; count < 3; count++) await server.inject({ url: '/small' });
  await until(() => records.length === 3);
  client.socket.resume();
  expect((await client.response()).body.length).toBe(size);
  await until(() => records.length === 4, 'the record of the large one');
  expect(records[3]).toMatchObject({ url: '/large', bytes: size, aborted: false });
});

describe('logContext', () => {
  test('what a handler logs carries the ids of its request, also after an await', async () => {
    const { client } = await startWithClient({
      logContext: true,
      handler: async (req, res) => {
        logRecord('info', 'test', 'first', { url: req.url });
        await new Promise((resolve) => setImmediate(resolve));
        withLogContext({ user: 'u\n1' }, () => logRecord('info', 'test', 'second', { url: req.url }));
        res.end(JSON.stringify(getLogContext()));
      },
    });
    client.send(get('/traced', `traceparent: ${TRACE}`) + get('/plain', 'traceparent: 00-bad'));
    const traced = JSON.parse((await client.response()).body.toString()) as Record<string, unknown>;
    const plain = JSON.parse((await client.response()).body.toString()) as Record<string, unknown>;
    expect(traced).toEqual({
      requestId: expect.any(String),
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      parentId: '00f067aa0ba902b7',
      sampled: true,
    });
    expect(plain).toEqual({ requestId: expect.any(String) });
    expect(plain.requestId).not.toBe(traced.requestId);
    for (const { message, fields, context } of logged) {
      const own = fields.url === '/traced' ? traced : plain;
      expect(context).toEqual(message === 'first' ? own : { ...own, user: 'u\\n1' });
    }
    expect(logged).toHaveLength(4);
  });

  test('without it there is no context', async () => {
    const { client } = await startWithClient({
      handler: (_req, res) => res.end(JSON.stringify(getLogContext())),
    });
    expect((await client.send(get('/', `traceparent: ${TRACE}`)).response()).body.toString()).toBe('{}');
  });

  test('a failure that is logged for the handler carries it', async () => {
    const { client } = await startWithClient({ logContext: true, handler: () => Promise.reject(new Error('planned')) });
    await client.send(post('/', 'x', `traceparent: ${TRACE}`)).response();
    expect(logged).toHaveLength(1);
    expect(logged[0].context).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736' });
  });
});
