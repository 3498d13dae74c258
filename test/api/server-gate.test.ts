import type { RateLimit, ServeOptions } from '../../ts/index.js';
import { metrics } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, post, start } from '../support/test-server.js';

endsWithItsTest();

const handler: ServeOptions['handler'] = (req, res) => void res.end(req.remoteAddress);
const counted = (option: string): number =>
  Number((metrics.snapshot().counters as Record<string, number>)[`millrace_limit_exceeded_total{option="${option}"}`]);

test('one connection of a client past maxConnectionsPerIp gets 503, is counted, and one that leaves makes room', async () => {
  const before = counted('maxConnectionsPerIp');
  const server = await start({ handler, maxConnectionsPerIp: 2 });
  const held = [await RawClient.connect(server), await RawClient.connect(server)];
  for (const client of held) expect((await client.send(get()).response()).status).toBe(200);
  const third = await RawClient.connect(server);
  expect((await third.response()).status).toBe(503);
  await third.closed();
  expect(server.stats().connections).toMatchObject({ active: 2, refused: 1 });
  expect(counted('maxConnectionsPerIp')).toBe(before + 1);
  held[0].destroy();
  await until(() => server.stats().connections.active === 1);
  expect((await (await RawClient.connect(server)).send(get()).response()).status).toBe(200);
  server.reload({ maxConnectionsPerIp: 1 });
  expect((await (await RawClient.connect(server)).response()).status).toBe(503);
});

test('an address on the deny list gets 403, until a reload lets it in', async () => {
  const server = await start({ handler, deny: ['127.0.0.0/8'] });
  expect((await (await RawClient.connect(server)).response()).status).toBe(403);
  server.reload({ deny: [] });
  expect((await (await RawClient.connect(server)).send(get()).response()).status).toBe(200);
  server.reload({ allow: ['10.0.0.0/8'] });
  expect((await (await RawClient.connect(server)).response()).status).toBe(403);
});

test.each([{ deny: ['127.0.0.1/33'] }, { allow: ['nonsense'] }, { trustProxy: ['1.2.3'] }])(
  'a list that holds no network is refused: %j',
  async (options) => {
    await expect(start({ handler, ...options })).rejects.toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT' });
  },
);

test('behind a trusted balancer remoteAddress is the client that it names', async () => {
  const server = await start({ handler, trustProxy: ['127.0.0.1', '10.0.0.0/8'] });
  const client = await RawClient.connect(server);
  for (const [field, expected] of [
    ['X-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.0.0.1', '192.0.2.1'],
    ['Forwarded: for="[2001:db8::7]:99";proto=https', '2001:db8::7'],
    ['X-Other: 192.0.2.1', '127.0.0.1'],
  ]) {
    expect((await client.send(get('/', field)).response()).body.toString()).toBe(expected);
  }
  const plain = await start({ handler });
  const other = await RawClient.connect(plain);
  expect((await other.send(get('/', 'X-Forwarded-For: 192.0.2.1')).response()).body.toString()).toBe('127.0.0.1');
});

test('behind a trusted balancer allow and deny judge the client of each request, and the connection stays', async () => {
  const before = counted('deny');
  const server = await start({ handler, trustProxy: ['127.0.0.1'], deny: ['192.0.2.0/24', '2001:db8::/32'] });
  const client = await RawClient.connect(server);
  for (const [who, status] of [
    ['192.0.2.7', 403],
    ['198.51.100.7', 200],
    ['2001:db8:1::1', 403],
    ['198.51.100.7, 192.0.2.7', 403],
    ['192.0.2.7, 198.51.100.7', 200],
  ] as const) {
    expect([who, (await client.send(get('/', `X-Forwarded-For: ${who}`)).response()).status]).toEqual([who, status]);
  }
  expect(counted('deny') - before).toBe(3);
  expect(server.stats()).toMatchObject({ connections: { active: 1, refused: 0 }, requests: { total: 2, errors: 3 } });
});

test('IPv6 clients are keyed by /64: one network shares its cap and its rate, the next one has its own', async () => {
  const limits: ServeOptions = { handler, maxConnectionsPerIp: 1, rateLimits: [{ requests: 1, interval: 60_000 }] };
  const capped = await start({ ...limits, rateLimits: undefined, proxyProtocol: 'required' });
  const open = async (who: string): Promise<number> =>
    (await (await RawClient.connect(capped)).send(`PROXY TCP6 ${who} ::1 1 2\r\n${get()}`).response()).status;
  expect(await open('2001:db8:0:1::1')).toBe(200);
  expect(await open('2001:db8:0:1:ffff:ffff:ffff:ffff')).toBe(503);
  expect(await open('2001:db8:0:2::1')).toBe(200);

  const rated = await start({ ...limits, maxConnectionsPerIp: null, trustProxy: ['127.0.0.1'] });
  const client = await RawClient.connect(rated);
  const ask = async (who: string): Promise<number> =>
    (await client.send(get('/', `Forwarded: for="[${who}]"`)).response()).status;
  expect(await ask('2001:db8:0:1::1')).toBe(200);
  expect(await ask('2001:db8:0:1::2')).toBe(429);
  expect(await ask('2001:db8:0:2::1')).toBe(200);
});

test('a store is asked by the same clients: an IPv4 address, the /64 of an IPv6 one, nobody without an address', async () => {
  const keys: string[] = [];
  const store = { consume: (key: string) => Promise.resolve(keys.push(key)) };
  const options: ServeOptions = { handler, rateLimits: [{ prefix: '/a', requests: 1, store }] };
  const server = await start({ ...options, trustProxy: ['127.0.0.1'] });
  const client = await RawClient.connect(server);
  for (const who of ['192.0.2.7', '2001:db8:0:1::1', '2001:db8:0:1:2:3:4:5', '2001:db8::1', '::1', 'fe80::']) {
    await client.send(get('/a', `X-Forwarded-For: ${who}`)).response();
  }
  await server.inject({ url: '/a' });
  expect(keys).toEqual([
    '/a 192.0.2.7',
    '/a 2001:db8:0:1::/64',
    '/a 2001:db8:0:1::/64',
    '/a 2001:db8:0:0::/64',
    '/a 0:0:0:0::/64',
    '/a fe80:0:0:0::/64',
  ]);
});

test('a native rate limit answers 429 with Retry-After before the handler and before the body', async () => {
  let calls = 0;
  const rateLimits: RateLimit[] = [{ prefix: '/api', requests: 2, interval: 60_000 }];
  const server = await start({ handler: (_req, res) => void res.end(String(++calls)), rateLimits });
  const client = await RawClient.connect(server);
  client.send(get('/api') + get('/API/x?y') + get('/api') + get('/apis'));
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) {
    const { status, headers } = await client.response();
    statuses.push(status);
    if (status === 429) expect(headers['retry-after']).toEqual(['30']);
  }
  expect(statuses).toEqual([200, 200, 429, 200]);
  client.send(post('/api', 'body that nobody reads'));
  const refused = await client.response();
  expect([refused.status, refused.headers.connection]).toEqual([429, ['close']]);
  expect(calls).toBe(3);
  expect(server.stats().requests.rateLimited).toBe(2);
});

test('a rate limit by a function has a bucket for each key, and none for undefined', async () => {
  const by = (req: { headers: { get(name: string): string | undefined } }): string | undefined =>
    req.headers.get('x-tenant');
  const server = await start({ handler, rateLimits: [{ by, requests: 1, interval: 60_000 }] });
  const client = await RawClient.connect(server);
  const ask = async (...fields: string[]): Promise<number> =>
    (await client.send(get('/', ...fields)).response()).status;
  expect(await ask('X-Tenant: a')).toBe(200);
  expect(await ask('X-Tenant: a')).toBe(429);
  expect(await ask('X-Tenant: b')).toBe(200);
  expect(await ask()).toBe(200);
  expect(await ask()).toBe(200);
});

test.each([
  '/login',
  '/Login/x',
  '//login',
  '/./login',
  '/x/../login',
  '/%6Cogin',
  '/x\\..\\login',
  'http://host/%6cogin',
])('a rate limit by a function holds for %s as a native one does', async (path) => {
  for (const by of ['route', () => 'one'] as const) {
    const server = await start({ handler, rateLimits: [{ prefix: '/login', by, requests: 1, interval: 60_000 }] });
    const client = await RawClient.connect(server);
    const ask = async (target: string): Promise<number> => (await client.send(get(target)).response()).status;
    expect([await ask('/logins'), await ask('/a/login'), await ask('/login'), await ask(path)]).toEqual([
      200, 200, 200, 429,
    ]);
  }
});

test('of native rate limits and those by a function the longest prefix decides', async () => {
  const requests = { requests: 1, interval: 60_000 };
  const server = await start({
    handler,
    rateLimits: [
      requests,
      { ...requests, prefix: '/a', by: () => 'one', requests: 2 },
      { ...requests, prefix: '/a/b' },
    ],
  });
  const client = await RawClient.connect(server);
  const ask = async (path: string): Promise<number> => (await client.send(get(path)).response()).status;
  expect([await ask('/a'), await ask('/a'), await ask('/a')]).toEqual([200, 200, 429]);
  expect([await ask('/a/b'), await ask('/a/b')]).toEqual([200, 429]);
  expect([await ask('/'), await ask('/')]).toEqual([200, 429]);
});

test('a store decides, and its failure or silence follows the policy', async () => {
  let mode = 'pass';
  const store = {
    consume: (key: string): Promise<unknown> => {
      if (mode === 'silent') return new Promise(() => undefined);
      if (mode === 'refuse') return Promise.reject(Object.assign(new Error('spent'), { msBeforeNext: 4_500 }));
      if (mode === 'fail') return Promise.reject(new Error('no connection'));
      return Promise.resolve(key);
    },
  };
  const limit = { requests: 1, store, storeTimeout: 50 };
  const open = await start({ handler, rateLimits: [limit] });
  const closed = await start({ handler, rateLimits: [{ ...limit, onStoreError: 'closed' }] });
  const answers = async (): Promise<unknown[]> => {
    const one = await (await RawClient.connect(open)).send(get()).response();
    const two = await (await RawClient.connect(closed)).send(get()).response();
    return [one.status, two.status, one.headers['retry-after']?.[0]];
  };
  expect(await answers()).toEqual([200, 200, undefined]);
  mode = 'refuse';
  expect(await answers()).toEqual([429, 429, '5']);
  for (mode of ['fail', 'silent']) expect(await answers()).toEqual([200, 503, undefined]);
});

test.each([
  [{ requests: 0 }, 'RangeError'],
  [{ requests: 1, prefix: 'api' }, 'must be a path'],
  [{ requests: 1, by: 'cookie' }, "must be 'client', 'route' or a function"],
  [{ requests: 1, store: {} }, 'function consume'],
  [{ requests: 1, burst: 1.5 }, 'burst must be an integer'],
  [{ requests: 1, per: 5 }, 'there is no option'],
])('a rate limit that is none is refused: %j', async (limit, message) => {
  const attempt = start({ handler, rateLimits: [limit as unknown as RateLimit] });
  const error = await attempt.then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(
    `${error?.name === 'RangeError' || error instanceof RangeError ? 'RangeError' : ''} ${error?.message}`,
  ).toContain(message);
});

test('limitScope can change until there has been a connection, and is refused then', async () => {
  const server = await start({ handler });
  server.reload({ limitScope: 'process' });
  const client = await RawClient.connect(server);
  await client.send(get('/')).response();
  expect(() => server.reload({ limitScope: 'thread' })).toThrow(
    expect.objectContaining({
      code: 'MILLRACE_OPTION_FIXED',
      message: expect.stringContaining('limitScope') as string,
    }),
  );
  server.reload({ limitScope: 'process', maxConnections: 1 });
});
