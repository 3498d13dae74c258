import type { Validate } from '../../ts/index.js';
import { metrics, setLogger } from '../../ts/index.js';
import { turns } from '../support/condition.js';
import { endsWithItsTest, get, post, request, startWithClient } from '../support/test-server.js';

endsWithItsTest();

beforeEach(() => setLogger(null));

const refusals = (): number => metrics.snapshot().counters.millrace_http_server_validate_refusals_total;

test('a head that is accepted reaches the handler', async () => {
  const seen: unknown[] = [];
  const { client } = await startWithClient({
    validate: ({ method, path, query, headers, remoteAddress }) => {
      seen.push(method, path, query, headers.get('x-a'), remoteAddress);
    },
    handler: (_req, res) => res.end('handled'),
  });
  const { body } = await client.send(get('/a?b=c', 'X-A: 1')).response();
  expect(body.toString()).toBe('handled');
  expect(seen).toEqual(['GET', '/a', 'b=c', '1', '127.0.0.1']);
});

test.each<[string, ReturnType<Validate>, number, string[] | undefined]>([
  ['a status', 403, 403, undefined],
  ['a status and fields', { status: 401, headers: { 'WWW-Authenticate': 'Basic' } }, 401, ['Basic']],
])('a head is refused with %s, and counted; the connection lives', async (_name, verdict, status, field) => {
  const before = refusals();
  const { client, server } = await startWithClient({
    validate: ({ path }) => (path === '/bad' ? verdict : undefined),
    handler: (_req, res) => res.end('handled'),
  });
  const refused = await client.send(get('/bad')).response();
  expect([refused.status, refused.headers['www-authenticate']]).toEqual([status, field]);
  expect((await client.send(get('/good')).response()).body.toString()).toBe('handled');
  expect(refusals() - before).toBe(1);
  expect(server.stats().requests.failed).toBe(0);
});

test('the body of a refused request reaches nobody, and one that is too long to skip ends the connection', async () => {
  let reached = false;
  const { client, server } = await startWithClient({
    validate: () => 413,
    handler: () => void (reached = true),
    middleware: [() => void (reached = true)],
  });
  const length = 10_000_000;
  client.send(request('POST', '/', [`Content-Length: ${length}`]) + 'x'.repeat(1000));
  expect((await client.response()).status).toBe(413);
  client.send('x'.repeat(1_000_000));
  await client.closed();
  expect(reached).toBe(false);
  expect(server.stats().bytes.received).toBeLessThan(length / 10);
});

test('a short body of a refused request is skipped, and the connection lives', async () => {
  const { client } = await startWithClient({ validate: () => 403, handler: (_req, res) => res.end() });
  client.send(post('/', 'body') + get('/'));
  expect([(await client.response()).status, (await client.response()).status]).toEqual([403, 403]);
});

test('a client that waits for 100 Continue gets the refusal instead', async () => {
  const { client } = await startWithClient({ validate: () => 417, handler: (_req, res) => res.end() });
  client.send(request('POST', '/', ['Content-Length: 10', 'Expect: 100-continue']));
  expect((await client.response()).status).toBe(417);
});

test.each<[string, () => unknown, string]>([
  ['throws', () => JSON.parse('{'), ''],
  ['answers with a promise', () => Promise.resolve(), 'MILLRACE_INVALID_ARGUMENT'],
  ['answers with a boolean', () => true, 'MILLRACE_INVALID_ARGUMENT'],
  ['answers with a status out of range', () => 99, 'MILLRACE_INVALID_ARGUMENT'],
])('a validate that %s lets nobody in: 500, by way of onError', async (_name, validate, code) => {
  let reached = false;
  const errors: { code?: string }[] = [];
  const { client } = await startWithClient({
    validate: validate as Validate,
    onError: (error) => void errors.push(error as { code?: string }),
    handler: () => void (reached = true),
  });
  expect((await client.send(post('/', 'body')).response()).status).toBe(500);
  expect(reached).toBe(false);
  expect(errors.map((error) => error.code ?? '')).toEqual([code]);
});

test('upgrades and CONNECT are judged as well', async () => {
  let reached = 0;
  for (const head of [
    get('/', 'Connection: Upgrade', 'Upgrade: echo'),
    'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n',
  ]) {
    const { client } = await startWithClient({
      validate: () => ({ status: 403, headers: { 'X-Why': 'because', 'Content-Length': '7' } }),
      onUpgrade: () => void reached++,
      onConnect: () => void reached++,
      handler: () => void reached++,
    });
    client.send(head);
    const text = (await client.rest()).toString('latin1');
    expect(text).toBe('HTTP/1.1 403 \r\nX-Why: because\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    client.end();
  }
  await turns(5);
  expect(reached).toBe(0);
});
