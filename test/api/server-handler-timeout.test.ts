import { metrics, Response, setLogger } from '../../ts/index.js';
import type { LogRecord, MillraceError } from '../../ts/index.js';
import { turns, until } from '../support/condition.js';
import { endsWithItsTest, get, post, start, startWithClient } from '../support/test-server.js';

endsWithItsTest();

const LIMIT = 60;
let records: LogRecord[] = [];

beforeEach(() => {
  records = [];
  setLogger((record) => void records.push(record));
});
afterEach(() => setLogger(null));

const counted = (): number => metrics.snapshot().counters['millrace_http_server_timeouts_total{phase="handler"}'];
const never = (): Promise<never> => new Promise(() => undefined);

test.each<[string, object]>([
  ['handler', { handler: never }],
  ['fetch', { fetch: never }],
  ['middleware', { middleware: [never], handler: never }],
])('a %s that does not begin its answer in time is answered for with 503, not early', async (_name, answerer) => {
  const before = counted();
  const { client, server } = await startWithClient({ handlerTimeout: LIMIT, ...(answerer as { handler(): unknown }) });
  const began = performance.now();
  const { status } = await client.send(get('/slow')).response();
  expect(status).toBe(503);
  expect(performance.now() - began).toBeGreaterThanOrEqual(LIMIT);
  expect(server.stats().timeouts.handler).toBe(1);
  expect(counted() - before).toBe(1);
  expect(records.map(({ level, message, fields }) => [level, message, fields.url])).toEqual([
    ['warn', 'a request handler took too long', '/slow'],
  ]);
});

test('the signal of the request is aborted with a coded error', async () => {
  let reason: unknown;
  const { client } = await startWithClient({
    handlerTimeout: LIMIT,
    handler: (req) => {
      req.signal.addEventListener('abort', () => {
        reason = req.signal.reason;
      });
    },
  });
  await client.send(get()).response();
  expect(reason).toMatchObject({ code: 'MILLRACE_HANDLER_TIMEOUT', kind: 'timeout', phase: 'handler' });
  expect((reason as MillraceError).limit).toMatchObject({ option: 'handlerTimeout', value: LIMIT });
});

test('a body that a late handler waits for fails with the same error, and that is no failure of its own', async () => {
  let caught: unknown;
  const { client, server } = await startWithClient({
    handlerTimeout: LIMIT,
    handler: async (req, res) => {
      try {
        await req.bytes();
      } catch (error) {
        caught = error;
        throw error;
      }
      res.end();
    },
  });
  client.send(post('/', 'body').slice(0, -1));
  expect((await client.response()).status).toBe(503);
  await until(() => caught !== undefined);
  expect(caught).toMatchObject({ code: 'MILLRACE_HANDLER_TIMEOUT' });
  expect(server.stats().requests.failed).toBe(0);
});

test('what a late handler writes is dropped without an error', async () => {
  let late: unknown;
  const { client, server } = await startWithClient({
    handlerTimeout: LIMIT,
    handler: async (req, res) => {
      await new Promise((resolve) => req.signal.addEventListener('abort', resolve));
      late = [res.write('late'), res.end('late') === res];
      res.setHeader('X-Late', '1');
    },
  });
  expect((await client.send(get()).response()).status).toBe(503);
  await until(() => late !== undefined);
  expect(late).toEqual([false, true]);
  await turns(2);
  expect(server.stats().requests.failed).toBe(0);
  expect((await client.send(get()).response()).status).toBe(503);
});

test('onError makes the answer', async () => {
  const { client } = await startWithClient({
    handlerTimeout: LIMIT,
    onError: (error) => new Response((error as MillraceError).code, { status: 504 }),
    handler: never,
  });
  const { status, body } = await client.send(get()).response();
  expect([status, body.toString()]).toEqual([504, 'MILLRACE_HANDLER_TIMEOUT']);
});

test('an answer that has begun in time may take longer', async () => {
  const { client, server } = await startWithClient({
    handlerTimeout: LIMIT,
    handler: async (_req, res) => {
      res.write('begun');
      await new Promise((resolve) => setTimeout(resolve, LIMIT * 2));
      res.end(' and ended');
    },
  });
  expect((await client.send(get()).response()).body.toString()).toBe('begun and ended');
  expect(server.stats().timeouts.handler).toBe(0);
});

test('each of many gets its own time, whatever order they end in', async () => {
  const server = await start({
    handlerTimeout: 300,
    handler: (req, res) => {
      if (req.path !== '/never') setTimeout(() => res.end('in time'), Number(req.query));
    },
  });
  const paths = ['/never', '/?30', '/?5', '/never', '/?20', '/?1', '/never'];
  const statuses = await Promise.all(paths.map(async (url) => (await server.inject({ url })).status));
  expect(statuses).toEqual([503, 200, 200, 503, 200, 200, 503]);
  expect(server.stats().timeouts.handler).toBe(3);
});

test('a client that leaves before is no timeout', async () => {
  const { client, server } = await startWithClient({ handlerTimeout: LIMIT * 3, handler: never });
  client.send(get());
  await until(() => server.stats().requests.active === 1);
  client.reset();
  await until(() => server.stats().requests.active === 0);
  await new Promise((resolve) => setTimeout(resolve, LIMIT * 4));
  expect(server.stats().timeouts.handler).toBe(0);
});

test('reload sets and takes away the time of handlers that begin later; one that runs keeps its own', async () => {
  let release: () => void = () => undefined;
  const handler = async (_req: unknown, res: { end(): unknown }): Promise<void> => {
    await new Promise<void>((resolve) => (release = resolve));
    res.end();
  };
  const { client, server } = await startWithClient({ handler });
  const status = async (): Promise<number> => (await client.send(get('/')).response()).status;
  server.reload({ handlerTimeout: LIMIT });
  expect(await status()).toBe(503);
  const began = performance.now();
  const running = status();
  await until(() => server.stats().requests.active === 1);
  server.reload({ handlerTimeout: 600_000 });
  server.reload({ handlerTimeout: null });
  expect(await running).toBe(503);
  expect(performance.now() - began).toBeGreaterThanOrEqual(LIMIT);
  const free = status();
  await until(() => server.stats().requests.active === 1);
  await new Promise((resolve) => setTimeout(resolve, 2 * LIMIT));
  release();
  expect(await free).toBe(200);
  expect(server.stats().timeouts.handler).toBe(2);
});
