// What a pool is told to keep, to refuse and to let go, through a client and for raw sockets.
import type { PoolOptions, RequestOptions } from '../../ts/index.js';
import { Client, ConnectionPool, MillraceError } from '../../ts/index.js';
import { until } from '../support/condition.js';
import type { ScriptedServer } from '../support/scripted-server.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';
import { whatIsHeld } from '../support/what-is-held.js';

const answer = (...fields: string[]): string =>
  `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join('')}Content-Length: 2\r\n\r\nok`;

let server: ScriptedServer;
let pool: ConnectionPool;
let client: Client;
let gone: () => Promise<void>;

/** A server that answers, and a client of it with such a pool. */
async function begin(options: PoolOptions, ...fields: string[]): Promise<void> {
  server = await scriptedServer((socket) => onRequests(socket, () => socket.write(answer(...fields))));
  pool = new ConnectionPool(options);
  client = new Client({ pool });
}

const call = async (options: RequestOptions = {}): Promise<string> => (await client.get(server.url, options)).text();

/** So many connections, all idle. */
async function idle(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => call()));
  await until(
    () => pool.stats().free === count,
    () => `${count} are idle: ${JSON.stringify(pool.stats())}`,
  );
}

beforeEach(() => {
  gone = whatIsHeld();
});

afterEach(async () => {
  jest.restoreAllMocks();
  pool.destroy();
  await server.end();
  await gone();
});

/** Has the clock of ages and idle times stand so much later. */
function later(ms: number): void {
  const now = performance.now.bind(performance);
  jest.spyOn(performance, 'now').mockImplementation(() => now() + ms);
}

describe('validate', () => {
  test('is asked about each connection that is to be used again; what it refuses is closed', async () => {
    const verdicts = [true, false, new Promise<boolean>((resolve) => setImmediate(resolve, true))];
    const seen: unknown[] = [];
    const validate = (connection: unknown): boolean | Promise<boolean> => {
      seen.push(connection);
      return verdicts[seen.length - 1];
    };
    await begin({ validate });
    for (let round = 0; round < 4; round++) expect(await call()).toBe('ok');
    expect(seen).toHaveLength(3);
    expect(seen[0]).toBe(seen[1]);
    expect(seen[2]).not.toBe(seen[1]);
    expect(pool.stats()).toMatchObject({ created: 2, reused: 2, retired: { discarded: 1 } });
  });

  test.each<[string, () => Promise<boolean>]>([
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
    ['answers something else', () => Promise.resolve('yes' as never)],
  ])('one that %s refuses', async (_, validate) => {
    await begin({ validate });
    for (let round = 0; round < 3; round++) expect(await call()).toBe('ok');
    expect(pool.stats()).toMatchObject({ created: 3, reused: 0 });
  });

  test('is asked about no more than are waited for, and again when what passed was not used', async () => {
    const judged: ((passes: boolean) => void)[] = [];
    await begin({ validate: () => new Promise((resolve) => judged.push(resolve)) });
    expect(await pool.prewarm(server.url, 5)).toBe(5);
    const asked = call();
    await until(() => judged.length > 0, 'the first is judged');
    // One is enough for who waits.
    expect([judged.length, pool.stats().queued]).toEqual([1, 1]);
    const two = [call(), call()];
    await until(() => judged.length === 3, 'two more');
    for (const judge of judged.splice(0)) judge(true);
    expect(await Promise.all([asked, ...two])).toEqual(['ok', 'ok', 'ok']);
    const controller = new AbortController();
    const given = call({ signal: controller.signal }).catch((error: Error) => error.name);
    await until(() => judged.length === 1, 'one more');
    controller.abort();
    expect(await given).toBe('AbortError');
    judged.splice(0)[0](true);
    await new Promise((resolve) => setImmediate(resolve));
    const last = call();
    await until(() => judged.length === 1, 'it is judged again');
    judged[0](true);
    expect(await last).toBe('ok');
    expect(pool.stats()).toMatchObject({ created: 5, reused: 4, retired: {} });
  });
});

describe('prewarm and minIdle', () => {
  test('prewarm opens as many as the caps allow, and says how many', async () => {
    await begin({ maxConnectionsPerOrigin: 3 });
    expect(await pool.prewarm(server.url, 2)).toBe(2);
    expect(await pool.prewarm(server.url, 5)).toBe(1);
    await until(() => server.open() === 3);
    expect(pool.stats()).toMatchObject({ connected: 3, free: 3 });
    await idle(3);
    expect(pool.stats()).toMatchObject({ created: 3, reused: 3 });
  });

  test('prewarm of an origin that nobody serves answers 0', async () => {
    await begin({});
    await server.end();
    expect(await pool.prewarm(server.url, 3)).toBe(0);
    expect(pool.stats()).toMatchObject({ connected: 0, pending: 0 });
  });

  test('sweep leaves minIdle of those that are idle for too long', async () => {
    await begin({ minIdle: 2, idleTimeout: 1_000 });
    await idle(5);
    expect(pool.sweep()).toBe(0);
    later(1_100);
    expect(pool.sweep()).toBe(3);
    expect(pool.stats()).toMatchObject({ free: 2, retired: { idle: 3 } });
    await until(() => server.open() === 2);
  });
});

test('the sweeper closes by itself what is idle for too long', async () => {
  await begin({ idleTimeout: 200 });
  await idle(3);
  await until(() => server.open() === 0, 'all are closed');
  expect(pool.stats()).toMatchObject({ connected: 0, retired: { idle: 3 } });
});

/** A request that is given up in the turn in which it is made. */
async function abortedAtOnce(): Promise<void> {
  const controller = new AbortController();
  const asked = client.request(server.url, { signal: controller.signal });
  controller.abort();
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
}

const beganPrewarm = (): Promise<number> => pool.prewarm(server.url, 3);

describe('maxQueued', () => {
  test('so many wait besides those for whom connections are being opened, and one more is refused', async () => {
    server = await scriptedServer((socket) => onRequests(socket, () => socket.write(answer())));
    pool = new ConnectionPool({ maxConnectionsPerOrigin: 2, maxQueued: 3 });
    client = new Client({ pool });
    const outcomes = Array.from({ length: 6 }, () => call().catch((error: unknown) => error));
    const refusal = await outcomes[5];
    expect(refusal).toMatchObject({
      code: 'MILLRACE_POOL_QUEUE_FULL',
      limit: { option: 'maxQueued', value: 3, seen: 4 },
    });
    expect(await Promise.all(outcomes.slice(0, 5))).toEqual(Array(5).fill('ok'));
    expect(pool.stats().refused).toBe(1);
  });
});

test('at the global cap an origin whose queue never ends does not keep its places from who waited longer at another', async () => {
  const busy = await scriptedServer((socket) => onRequests(socket, () => socket.write(answer())));
  server = await scriptedServer((socket) => onRequests(socket, () => socket.write(answer())));
  pool = new ConnectionPool({ maxConnections: 1 });
  client = new Client({ pool });
  let others = 0;
  let isOver = false;
  const flow = async (): Promise<void> => {
    while (!isOver) {
      await (await client.request(busy.url)).text();
      others++;
    }
  };
  const flows = Array.from({ length: 5 }, flow);
  await until(() => others > 10);
  const before = others;
  expect(await call()).toBe('ok');
  // Those that were made before it, and one that was on the connection.
  expect(others - before).toBeLessThanOrEqual(10);
  isOver = true;
  await Promise.all(flows);
  client.destroy();
  await busy.end();
});

describe('drain', () => {
  test('serves who waits, closes what becomes free, and takes no more', async () => {
    const owed: (() => void)[] = [];
    server = await scriptedServer((socket) => onRequests(socket, () => owed.push(() => socket.write(answer()))));
    pool = new ConnectionPool({ maxConnectionsPerOrigin: 1 });
    client = new Client({ pool });
    const calls = [call(), call()];
    await until(() => owed.length === 1);
    const drained = pool.drain();
    await expect(call()).rejects.toMatchObject({ code: 'MILLRACE_POOL_CLOSED' });
    owed[0]();
    await until(() => owed.length === 2, 'the one that waited is served');
    owed[1]();
    expect(await Promise.all(calls)).toEqual(['ok', 'ok']);
    await drained;
    expect(pool.stats()).toMatchObject({ state: 'stopped', connected: 0, queued: 0 });
  });

  test.each<[string, () => Promise<unknown>]>([
    ['prewarm opens', beganPrewarm],
    ['a request opened that was aborted meanwhile', abortedAtOnce],
  ])('does not wait for its deadline where the last thing to end is what %s', async (_, begin) => {
    server = await scriptedServer((socket) => onRequests(socket, () => socket.write(answer())));
    pool = new ConnectionPool();
    client = new Client({ pool });
    const begun = begin();
    // Its dials begin within the turn.
    for (let count = 0; count < 100 && pool.stats().pending === 0; count++) await Promise.resolve();
    expect(pool.stats().pending).toBeGreaterThan(0);
    const began = performance.now();
    await pool.drain({ timeout: 60_000 });
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(pool.stats()).toMatchObject({ connected: 0, pending: 0, retired: { drain: expect.any(Number) as number } });
    await begun;
  });

  test('does not wait for its deadline where the last thing to end is what validate judges', async () => {
    server = await scriptedServer((socket) => onRequests(socket, () => socket.write(answer())));
    const judged: ((passes: boolean) => void)[] = [];
    pool = new ConnectionPool({ validate: () => new Promise((resolve) => judged.push(resolve)) });
    client = new Client({ pool });
    await call();
    const aborted = abortedAtOnce();
    const drained = pool.drain({ timeout: 60_000 });
    await until(() => judged.length === 1);
    judged[0](true);
    const began = performance.now();
    await Promise.all([drained, aborted]);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(pool.stats().connected).toBe(0);
  });

  test('cuts at its deadline what is left: on a connection, in the queue, and being opened', async () => {
    server = await scriptedServer((socket) => void socket.resume());
    pool = new ConnectionPool({ maxConnectionsPerOrigin: 1 });
    client = new Client({ pool });
    const hanging = client.request(server.url.replace('http:', 'https:')).catch((error: unknown) => error);
    const outcomes = [call(), call()].map((one) => one.catch((error: unknown) => error));
    await until(() => pool.stats().running === 1 && pool.stats().pending === 1);
    const began = performance.now();
    await pool.drain({ timeout: 50 });
    expect(performance.now() - began).toBeGreaterThanOrEqual(48);
    for (const outcome of await Promise.all([...outcomes, hanging])) expect(outcome).toBeInstanceOf(MillraceError);
    expect(pool.stats()).toMatchObject({ state: 'stopped', connected: 0, queued: 0, pending: 0 });
    await until(() => server.open() === 0);
  });
});

describe('raw sockets', () => {
  const key = (): Parameters<ConnectionPool['acquire']>[0] => ({ scheme: 'tcp', host: '127.0.0.1', port: server.port });
  const echo = (): Promise<ScriptedServer> =>
    scriptedServer((socket) => socket.on('data', (data) => socket.write(data)));

  test('what is released is lent again, what is discarded is not', async () => {
    server = await echo();
    pool = new ConnectionPool();
    const first = await pool.acquire(key());
    expect(first.reused).toBe(false);
    first.socket.write('abc');
    for await (const chunk of first.socket) {
      expect(Buffer.from(chunk).toString()).toBe('abc');
      break;
    }
    first.discard();
    const second = await pool.acquire(key());
    expect([second.reused, second.socket === first.socket]).toEqual([false, false]);
    second.release();
    second.release();
    const third = await pool.acquire(key());
    expect([third.reused, third.socket === second.socket]).toEqual([true, true]);
    third.discard();
    await until(() => server.open() === 0);
    expect(pool.stats()).toMatchObject({ connected: 0, created: 2, reused: 1, retired: { discarded: 2 } });
  });

  test('one that died while it was idle is not lent', async () => {
    server = await echo();
    pool = new ConnectionPool();
    (await pool.acquire(key())).release();
    const { port } = server;
    expect(pool.stats()).toMatchObject({ connected: 1, free: 1 });
    await server.end();
    // Whether it has been noticed already is the poller's affair: it is looked at before it is lent.
    await expect(pool.acquire({ scheme: 'tcp', host: '127.0.0.1', port })).rejects.toBeInstanceOf(MillraceError);
    expect(pool.stats()).toMatchObject({ connected: 0 });
  });

  test('who waits gets what is released, gives up by signal, or fails in time', async () => {
    server = await echo();
    pool = new ConnectionPool({ maxConnectionsPerOrigin: 1 });
    const held = await pool.acquire(key());
    const controller = new AbortController();
    const aborted = pool.acquire(key(), { signal: controller.signal });
    const late = pool.acquire(key(), { timeout: 30 });
    const served = pool.acquire(key());
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    await expect(late).rejects.toMatchObject({ code: 'MILLRACE_ACQUIRE_TIMEOUT' });
    held.release();
    const got = await served;
    expect([got.reused, got.socket === held.socket]).toEqual([true, true]);
    got.discard();
    await expect(pool.acquire({ ...key(), scheme: 'http' })).rejects.toMatchObject({
      code: 'MILLRACE_INVALID_ARGUMENT',
    });
  });
});

describe('resize', () => {
  test('onResize is told of both, fewer connections are had by closing idle ones, more serve who waits', async () => {
    const told: [PoolOptions, PoolOptions][] = [];
    await begin({ maxConnectionsPerOrigin: 4, onResize: (old, now) => void told.push([old, now]) });
    await idle(4);
    pool.resize({ maxConnectionsPerOrigin: 2 });
    expect(told.map(([old, now]) => [old.maxConnectionsPerOrigin, now.maxConnectionsPerOrigin])).toEqual([[4, 2]]);
    expect(pool.stats()).toMatchObject({ connected: 2, retired: { limit: 2 } });
    expect(() => pool.resize({ maxConnectionsPerOrigin: 0 })).toThrow(RangeError);
    expect(told).toHaveLength(1);
    expect(pool.values.maxConnectionsPerOrigin).toBe(2);
    await idle(2);
  });

  test('a larger cap opens for who waits, a smaller one closes busy ones when they are free', async () => {
    const owed: (() => void)[] = [];
    server = await scriptedServer((socket) => onRequests(socket, () => owed.push(() => socket.write(answer()))));
    pool = new ConnectionPool({ maxConnectionsPerOrigin: 1 });
    client = new Client({ pool });
    const calls = [call(), call(), call()];
    await until(() => owed.length === 1);
    pool.resize({ maxConnectionsPerOrigin: 3 });
    await until(() => owed.length === 3);
    pool.resize({ maxConnectionsPerOrigin: 1 });
    for (const reply of owed) reply();
    await Promise.all(calls);
    await until(() => pool.stats().connected === 1);
    expect(pool.stats()).toMatchObject({ free: 1, retired: { limit: 2 } });
  });
});

describe('age', () => {
  test('a connection is closed when it is idle next after maxConnectionAge, by chance up to a tenth before', async () => {
    for (const [chance, age, kept] of [
      [0, 999, true],
      [0, 1_001, false],
      [0.999_999, 890, true],
      [0.999_999, 901, false],
    ] as const) {
      jest.spyOn(Math, 'random').mockReturnValue(chance);
      let clock = 1e6;
      jest.spyOn(performance, 'now').mockImplementation(() => clock);
      await begin({ maxConnectionAge: 1_000 });
      expect(await call()).toBe('ok');
      clock += age;
      expect(await call()).toBe('ok');
      expect([chance, age, pool.stats().reused]).toEqual([chance, age, kept ? 1 : 0]);
      expect(pool.stats().retired).toEqual(kept ? {} : { age: 1 });
      pool.destroy();
      await server.end();
      jest.restoreAllMocks();
    }
  });

  test('maxRequestsPerConnection is the most that one carries', async () => {
    await begin({ maxRequestsPerConnection: 2 });
    for (let round = 0; round < 5; round++) expect(await call()).toBe('ok');
    expect(pool.stats()).toMatchObject({ created: 3, reused: 2, retired: { requests: 2 } });
  });

  test('the server’s Keep-Alive: timeout is kept, but for a second', async () => {
    for (const [passed, kept] of [
      [3_800, true],
      [4_100, false],
    ] as const) {
      let clock = 1e6;
      jest.spyOn(performance, 'now').mockImplementation(() => clock);
      await begin({ idleTimeout: 60_000 }, 'Keep-Alive: timeout=5, max=9');
      expect(await call()).toBe('ok');
      clock += passed;
      expect(await call()).toBe('ok');
      expect([passed, pool.stats().reused]).toEqual([passed, kept ? 1 : 0]);
      pool.destroy();
      await server.end();
      jest.restoreAllMocks();
    }
  });

  test('a Keep-Alive: timeout of a second or less lets no connection be used again', async () => {
    await begin({}, 'Keep-Alive: timeout=1');
    for (let round = 0; round < 2; round++) expect(await call()).toBe('ok');
    expect(pool.stats()).toMatchObject({ created: 2, reused: 0 });
  });
});
