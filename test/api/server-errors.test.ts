import type { LogRecord } from '../../ts/index.js';
import { metrics, Response, setLogger } from '../../ts/index.js';
import { endsWithItsTest, get, post, startWithClient } from '../support/test-server.js';

endsWithItsTest();

const planned = new Error('planned');

beforeEach(() => setLogger(null));

test('a handler that throws is answered with 500, and the connection lives', async () => {
  const { client } = await startWithClient({
    handler: (req, res) => {
      if (req.url === '/bad') throw planned;
      res.end('good');
    },
  });
  expect((await client.send(get('/bad')).response()).status).toBe(500);
  expect((await client.send(get('/good')).response()).body.toString()).toBe('good');
});

test('a handler that rejects is answered with 500, without the fields that it had set', async () => {
  const { client } = await startWithClient({
    handler: async (_req, res) => {
      res.setHeader('X-Secret', 'v');
      throw planned;
    },
  });
  const { status, headers } = await client.send(get()).response();
  expect([status, headers['x-secret']]).toEqual([500, undefined]);
});

test('onError hears of the error and its request, and answers with a number', async () => {
  const heard: unknown[] = [];
  const { client } = await startWithClient({
    onError: (error, req) => {
      heard.push(error, req?.url);
      return 418;
    },
    handler: () => Promise.reject(planned),
  });
  expect((await client.send(get('/x')).response()).status).toBe(418);
  expect(heard).toEqual([planned, '/x']);
});

test('onError answers with a Response, ours or the platform’s', async () => {
  const { client } = await startWithClient({
    onError: (_error, req) => {
      const init = { status: 409, headers: { 'x-kind': 'made' } };
      return req?.url === '/ours' ? new Response('sorry', init) : new globalThis.Response('sorry', init);
    },
    handler: () => {
      throw planned;
    },
  });
  for (const url of ['/ours', '/platform']) {
    const { status, headers, body } = await client.send(get(url)).response();
    expect([status, headers['x-kind'], body.toString()]).toEqual([409, ['made'], 'sorry']);
  }
});

test.each([
  ['nothing', () => undefined],
  [
    'an exception of its own',
    () => {
      throw new Error('second');
    },
  ],
])('onError that answers with %s leaves 500', async (_name, onError) => {
  const { client } = await startWithClient({ onError, handler: () => Promise.reject(planned) });
  expect((await client.send(get()).response()).status).toBe(500);
});

test('an error after the head has gone out cuts the exchange', async () => {
  const { client } = await startWithClient({
    handler: async (_req, res) => {
      res.write('begun');
      await new Promise((resolve) => setImmediate(resolve));
      throw planned;
    },
  });
  client.send(get());
  const text = (await client.rest()).toString('latin1');
  expect(text).not.toContain('0\r\n\r\n');
  expect(text).not.toContain(' 500 ');
});

test('a status that an error happens to have is not believed', async () => {
  const { client } = await startWithClient({
    handler: () => Promise.reject(Object.assign(new Error('upstream'), { status: 404, statusCode: 404 })),
  });
  expect((await client.send(get()).response()).status).toBe(500);
});

test('an error of a limit of ours is answered with the limit’s own status', async () => {
  const { client } = await startWithClient({
    maxCollectedSize: 3,
    handler: async (req, res) => res.end(await req.text()),
  });
  expect((await client.send(post('/', 'four')).response()).status).toBe(413);
});

test('onError may answer later', async () => {
  const { client } = await startWithClient({
    onError: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return 418;
    },
    handler: () => Promise.reject(planned),
  });
  expect((await client.send(get()).response()).status).toBe(418);
});

test.each<[string, () => unknown]>([
  ['rejects', () => Promise.reject(new Error('second'))],
  ['answers with a status out of range', () => 1000],
])('onError that %s leaves 500, and both errors are counted', async (_name, onError) => {
  const { client, server } = await startWithClient({
    onError: onError as () => number,
    handler: () => Promise.reject(planned),
  });
  expect((await client.send(get()).response()).status).toBe(500);
  expect(server.stats().requests.failed).toBe(2);
});

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw planned;
    },
  ],
  ['rejects', () => Promise.reject(planned)],
  ['answers with something else', () => 'text'],
])('a fetch that %s is logged, counted, and answered by onError', async (_name, answer) => {
  const records: LogRecord[] = [];
  setLogger((record) => void records.push(record));
  const counted = (): number => metrics.snapshot().counters.millrace_http_server_handler_errors_total;
  const before = counted();
  const { client, server } = await startWithClient({ onError: () => 502, fetch: answer as () => Response });
  expect((await client.send(get('/x')).response()).status).toBe(502);
  setLogger(null);
  expect(records.map(({ level, message, fields }) => [level, message, fields.url])).toEqual([
    ['error', 'a request handler failed', '/x'],
  ]);
  expect([counted() - before, server.stats().requests.failed]).toEqual([1, 1]);
});

test('a handler that gives up because its client shut one side leaves that client no worse than with an error', async () => {
  const { client, server } = await startWithClient({
    handler: (req) =>
      new Promise((_resolve, reject) => {
        req.signal.addEventListener('abort', () => reject(req.signal.reason as Error));
      }),
  });
  client.send(get()).end();
  expect((await client.response()).status).toBe(500);
  expect(server.stats().requests.failed).toBe(0);
});
