// The option `origins`: which rule holds for an origin, and that each kind of option holds by it.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import type { ClientOptions, DispatchFunction, OriginOptions, PoolOptions } from '../../ts/index.js';
import {
  CircuitBreaker,
  Client,
  ConnectionPool,
  createProxyServer,
  RetryBudget,
  serve,
  TlsContext,
} from '../../ts/index.js';
import { deferred, until } from '../support/condition.js';
import { nodeServer } from '../support/node-server.js';
import { Authority } from '../support/pki.js';
import { destroyed } from '../support/test-server.js';

/** Compresses well, but not as well as a bomb. */
const LINE = Array.from({ length: 400 }, (_, count) => count * count).join(' ');

const server = nodeServer((request, response) => response.end(JSON.stringify(request.headers)));
let client: Client | undefined;

afterEach(async () => {
  await client?.close({ timeout: 0 });
  client = undefined;
});

const ours = (): string => `http://127.0.0.1:${server.port}`;
/** The same server by another origin. */
const other = (): string => `http://localhost:${server.port}`;
const clientOf = (options: ClientOptions): Client => (client = new Client({ family: 4, ...options }));
/** A client with options for one of the two origins. */
const ruled = (own: OriginOptions, options: ClientOptions = {}): Client =>
  clientOf({ ...options, origins: { [ours()]: own } });

describe('which rule holds', () => {
  const named: DispatchFunction = ({ headers }, receiver) => {
    receiver.onResponse({ status: 200 });
    receiver.onData(headers.find(([name]) => name === 'Rule')?.[1] ?? '');
    receiver.onEnd();
  };
  const ruleOf = async (keys: string[], url: string): Promise<string> => {
    const origins = Object.fromEntries(keys.map((key) => [key, { headers: { Rule: key } }]));
    const response = await new Client({ dispatch: named, headers: { Rule: 'client' }, origins }).request(url);
    return response.text();
  };
  const ALL = [
    'https://api.example.com',
    'https://api.example.com:8443',
    'api.example.com',
    'http://*.example.com',
    '*.example.com',
    '*.deep.example.com',
    'https://*:*',
    '*:9000',
    'http://[::1]:80',
    'https://bücher.example/',
  ];

  test.each([
    ['https://api.example.com/x', 'https://api.example.com'],
    ['https://API.example.com:443/', 'https://api.example.com'],
    ['https://api.example.com:8443', 'https://api.example.com:8443'],
    ['https://api.example.com:444', 'api.example.com'],
    ['http://api.example.com:9000', 'api.example.com'],
    ['http://www.example.com', 'http://*.example.com'],
    ['http://www.example.com:81', '*.example.com'],
    ['https://www.example.com', '*.example.com'],
    ['http://a.b.deep.example.com', '*.deep.example.com'],
    ['https://example.com', 'https://*:*'],
    ['https://notexample.com:1', 'https://*:*'],
    ['http://other.test:9000', '*:9000'],
    ['http://[0:0::1]/', 'http://[::1]:80'],
    ['https://xn--bcher-kva.example', 'https://bücher.example/'],
    ['http://example.com', 'client'],
    ['http://127.0.0.1', 'client'],
  ])('%s has that of %s', async (url, rule) => {
    expect(await ruleOf(ALL, url)).toBe(rule);
    expect(await ruleOf([...ALL].reverse(), url)).toBe(rule);
  });

  test('a * without a port is any port, with a scheme that of the scheme', async () => {
    expect(await ruleOf(['*'], 'http://a.test:81')).toBe('*');
    expect(await ruleOf(['http://*'], 'http://a.test')).toBe('http://*');
    expect(await ruleOf(['http://*'], 'http://a.test:81')).toBe('client');
  });

  test.each([
    'ftp://a.test',
    'http://',
    'https://a.test/path',
    'https://user@a.test',
    'a.*.test',
    '*a.test',
    'a.test:0',
    'a.test:65536',
    'a.test:x',
    '',
    'a b',
    '[::1',
  ])('%j is refused', (key) => {
    const make = (): Client => new Client({ origins: { [key]: {} } });
    expect(make).toThrow(expect.objectContaining({ code: 'MILLRACE_INVALID_ARGUMENT' }));
    expect(make).toThrow(/a key of option 'origins' must be \[scheme:\/\/\]host\[:port\]/);
  });

  test('two keys for the same are refused', () => {
    expect(() => new Client({ origins: { 'https://A.test': {}, 'https://a.test:443': {} } })).toThrow(/are the same/);
    expect(() => new Client({ origins: { '*.a.test': {}, '*.A.test:*': {} } })).toThrow(/are the same/);
  });

  test.each<[string, OriginOptions, string, RegExp]>([
    [
      'an unknown name',
      { heders: {} } as never,
      'MILLRACE_UNKNOWN_OPTION',
      /origins "a.test": there is no option "heders"; did you mean "headers"/,
    ],
    [
      'a wrong type',
      { maxRedirects: 'x' } as never,
      'MILLRACE_INVALID_ARGUMENT',
      /origins "a.test": option "maxRedirects"/,
    ],
    ['an unknown timeout', { timeouts: { hedders: 1 } as never }, 'MILLRACE_UNKNOWN_OPTION', /"hedders"/],
    ['origins within', { origins: {} } as never, 'MILLRACE_INVALID_ARGUMENT', /'origins' cannot be within itself/],
    [
      'a cap of the whole pool',
      { pool: { maxConnections: 1 } },
      'MILLRACE_INVALID_ARGUMENT',
      /"maxConnections" is of a whole pool/,
    ],
    ['an unknown pool option', { pool: { idle: 1 } as never }, 'MILLRACE_UNKNOWN_OPTION', /"idle"/],
    ['null where there is no such thing', { maxRedirects: null }, 'MILLRACE_INVALID_ARGUMENT', /"maxRedirects"/],
    ['what is no object', 'x' as never, 'MILLRACE_INVALID_ARGUMENT', /the options must be an object/],
  ])('%s is refused', (_name, own, code, message) => {
    const make = (): Client => new Client({ origins: { 'a.test': own } });
    expect(make).toThrow(expect.objectContaining({ code }));
    expect(make).toThrow(message);
  });
});

describe('precedence: request, origin, client, default', () => {
  test('of fields by name', async () => {
    const c = ruled(
      { headers: { 'X-A': 'origin', 'X-B': 'origin' } },
      { headers: { 'x-a': 'client', 'X-C': 'client' } },
    );
    const fields = async (url: string, headers?: Record<string, string>): Promise<object> => {
      const got = await (await c.request(url, headers === undefined ? {} : { headers })).json<Record<string, string>>();
      return { a: got['x-a'], b: got['x-b'], c: got['x-c'] };
    };
    expect(await fields(ours())).toEqual({ a: 'origin', b: 'origin', c: 'client' });
    expect(await fields(ours(), { 'X-B': 'request' })).toEqual({ a: 'origin', b: 'request', c: 'client' });
    expect(await fields(other())).toEqual({ a: 'client', b: undefined, c: 'client' });
  });

  test('of timeouts by phase', async () => {
    server.handler = () => undefined;
    const c = ruled({ timeouts: { headers: 30 } }, { timeouts: { headers: 60_000, total: 20_000 } });
    const limitOf = (options = {}): Promise<unknown> =>
      c.request(ours(), options).then(
        () => undefined,
        (error: { limit: unknown }) => error.limit,
      );
    expect(await limitOf()).toMatchObject({ option: 'timeouts.headers', value: 30 });
    expect(await limitOf({ timeouts: { total: 20 } })).toMatchObject({ option: 'timeouts.total', value: 20 });
  });

  test('of the rest as a whole, and null takes back what the client has', async () => {
    const auth = { type: 'basic', username: 'u', password: 'p' } as const;
    const c = ruled({ auth: null, isolationKey: null }, { auth, isolationKey: 'all' });
    const authorization = async (url: string): Promise<unknown> =>
      (await (await c.request(url)).json<Record<string, string>>()).authorization;
    expect([await authorization(ours()), await authorization(other())]).toEqual([undefined, 'Basic dTpw']);
  });
});

describe('each kind of option', () => {
  test('tls: trust for one origin alone', async () => {
    const authority = await Authority.root();
    const { cert, key } = await authority.issue();
    const secure = await serve({
      port: 0,
      host: '127.0.0.1',
      tls: { cert, key },
      handler: (_req, res) => res.end('ok'),
    });
    const name = `https://localhost:${secure.port}`;
    for (const tls of [
      { ca: authority.cert },
      await TlsContext.client({ ca: authority.cert, ALPNProtocols: ['http/1.1'] }),
    ]) {
      const c = clientOf({ origins: { [name]: { tls } } });
      expect(await (await c.request(name)).text()).toBe('ok');
      await expect(c.request(`https://127.0.0.1:${secure.port}`)).rejects.toMatchObject({
        kind: expect.any(String),
        code: expect.stringMatching(/TLS|CERT/),
      });
      await c.close();
    }
    await destroyed(secure);
  });

  test('proxy: one origin through it, others not', async () => {
    const proxy = await createProxyServer({ host: '127.0.0.1', port: 0 });
    const c = ruled({ proxy: `socks5h://127.0.0.1:${proxy.port}` });
    await (await c.request(ours())).text();
    expect(proxy.stats().connections.accepted).toBe(1);
    await (await c.request(other())).text();
    await (await c.request(ours(), { proxy: null })).text();
    expect(proxy.stats().connections.accepted).toBe(1);
    await c.close();
    await destroyed(proxy);
  });

  test('auth: sent to its origin however a request comes there, and to no other', async () => {
    server.handler = (request, response) => {
      if (request.url === '/to-ours') return void response.writeHead(307, { Location: ours() }).end();
      response.end(request.headers.authorization ?? 'none');
    };
    const c = ruled({ auth: { type: 'bearer', token: 'T' } });
    expect(await (await c.request(ours())).text()).toBe('Bearer T');
    expect(await (await c.request(other())).text()).toBe('none');
    expect(await (await c.request(`${other()}/to-ours`)).text()).toBe('Bearer T');
    // Credentials of the client do not follow.
    await c.close();
    const all = clientOf({ auth: { type: 'bearer', token: 'T' } });
    expect(await (await all.request(`${other()}/to-ours`)).text()).toBe('none');
  });

  test('pool: caps and times of one origin, within the pool’s', async () => {
    let now = 0;
    let most = 0;
    server.handler = (_request, response) => {
      most = Math.max(most, ++now);
      setTimeout(() => (now--, response.end()), 5);
    };
    const c = ruled({ pool: { maxConnectionsPerOrigin: 2, maxQueued: 3 } });
    expect(await c.prewarm(ours(), 5)).toBe(2);
    const results = await Promise.allSettled(Array.from({ length: 10 }, async () => (await c.request(ours())).text()));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    const refused = results.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    expect(refused.reason).toMatchObject({
      code: 'MILLRACE_POOL_QUEUE_FULL',
      limit: { option: 'maxQueued', value: 3 },
    });
    expect(most).toBe(2);
    await Promise.all(Array.from({ length: 10 }, async () => (await c.request(other())).text()));
    expect(most).toBeGreaterThan(2);
    // What is changed of the pool holds where the origin says nothing.
    c.pool.resize({ maxConnectionsPerOrigin: 5, idleTimeout: 1 });
    most = 0;
    await Promise.all(Array.from({ length: 5 }, async () => (await c.request(ours())).text()));
    expect(most).toBe(2);
    await until(() => (c.pool.sweep(), (c.stats().origins[ours()]?.connected ?? 0) === 0));
  });

  test('pool: maxRequestsPerConnection, validate, and a pool of its own', async () => {
    const judged: unknown[] = [];
    const pool: PoolOptions = {
      maxRequestsPerConnection: 2,
      validate: (connection) => (judged.push(connection), true),
    };
    const c = ruled({ pool });
    for (let round = 0; round < 4; round++) await (await c.request(ours())).text();
    expect([c.stats().created, judged.length]).toEqual([2, 2]);
    for (let round = 0; round < 4; round++) await (await c.request(other())).text();
    expect([c.stats().created, judged.length]).toEqual([3, 2]);
    await c.close();
    const own = new ConnectionPool();
    const second = ruled({ pool: own });
    await (await second.request(ours())).text();
    expect([own.stats().created, second.stats().created]).toEqual([1, 0]);
    await own.drain();
  });

  test('retry: of one origin, and its budget', async () => {
    let asked = 0;
    server.handler = (_request, response) => (asked++, response.writeHead(503).end());
    const retry = { attempts: 3, minDelay: 1, maxDelay: 1, budget: new RetryBudget({ reserve: 100 }) };
    const c = ruled({ retry });
    await (await c.request(ours())).text();
    expect(asked).toBe(3);
    await (await c.request(other())).text();
    await (await c.request(ours(), { retry: false })).text();
    expect(asked).toBe(5);
  });

  test('breaker: of one origin; false takes the client’s away', async () => {
    server.handler = (_request, response) => response.writeHead(500).end();
    const breaker = new CircuitBreaker({ failures: 1 });
    const c = ruled({ breaker });
    await (await c.request(ours())).text();
    await expect(c.request(ours())).rejects.toMatchObject({ code: 'MILLRACE_CIRCUIT_OPEN' });
    for (let round = 0; round < 2; round++) await (await c.request(other())).text();
    await c.close();
    const without = ruled({ breaker: false }, { breaker: { failures: 1 } });
    for (let round = 0; round < 2; round++) await (await without.request(ours())).text();
    await (await without.request(other())).text();
    await expect(without.request(other())).rejects.toMatchObject({ code: 'MILLRACE_CIRCUIT_OPEN' });
  });

  test('jar, maxRedirects, throwOnError', async () => {
    server.handler = (request, response) => {
      if (request.url === '/') return void response.writeHead(302, { Location: '/x', 'Set-Cookie': 'a=b' }).end();
      response.writeHead(404).end(request.headers.cookie ?? 'none');
    };
    const stored: string[] = [];
    const jar = { getCookieString: () => 'c=d', setCookie: (line: string) => void stored.push(line) };
    const c = ruled({ jar, maxRedirects: 0 });
    expect((await c.request(`${ours()}/`)).status).toBe(302);
    expect(await (await c.request(`${ours()}/x`)).text()).toBe('c=d');
    expect(await (await c.request(`${other()}/`)).text()).toBe('none');
    expect(stored).toEqual(['a=b']);
    await c.close();
    const throwing = ruled({ throwOnError: true });
    await expect(throwing.request(`${ours()}/x`)).rejects.toMatchObject({ code: 'MILLRACE_HTTP_STATUS' });
    expect((await throwing.request(`${other()}/x`)).status).toBe(404);
  });

  test('sizes: maxResponseSize, maxMemoryPerRequest, maxHeaderSize, maxHeaderFields, maxExpansion', async () => {
    server.handler = (request, response) => {
      response.setHeader('X-Long', 'x'.repeat(300));
      if (request.url !== '/bomb') return void response.end('x'.repeat(2_000));
      response.setHeader('Content-Encoding', 'gzip');
      response.end(gzipSync(Buffer.alloc(11 << 20, LINE)));
    };
    const codeOf = async (own: OriginOptions, url: string, options = {}): Promise<unknown> => {
      const c = ruled(own);
      const code = await c
        .request(url, options)
        .then((response) => response.text())
        .then(
          () => 'whole',
          (error: { code: string }) => error.code,
        );
      await c.close();
      return code;
    };
    const rows: [OriginOptions, string, string][] = [
      [{ maxResponseSize: 1_999 }, '', 'MILLRACE_RESPONSE_TOO_LARGE'],
      [{ maxMemoryPerRequest: 1_999 }, '', 'MILLRACE_REQUEST_MEMORY'],
      [{ maxHeaderSize: 256 }, '', 'MILLRACE_HTTP_HEADERS_TOO_LARGE'],
      [{ maxHeaderFields: 1 }, '', 'MILLRACE_HTTP_TOO_MANY_FIELDS'],
      [{ maxExpansion: 2, maxResponseSize: null }, '/bomb', 'MILLRACE_HTTP_EXPANSION_TOO_LARGE'],
    ];
    for (const [own, path, code] of rows) {
      expect([own, await codeOf(own, `${ours()}${path}`)]).toEqual([own, code]);
      expect([own, await codeOf(own, `${other()}${path}`, { maxResponseSize: null })]).toEqual([own, 'whole']);
    }
  });

  test('decompress, expectContinue, idempotent, onInformational', async () => {
    server.handler = (request, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.end(JSON.stringify([request.headers['accept-encoding'] !== undefined, request.headers.expect]));
    };
    const told: number[] = [];
    const c = ruled({ decompress: false, expectContinue: 20, onInformational: (status) => void told.push(status) });
    expect(await (await c.post(ours(), { body: 'x' })).json()).toEqual([false, '100-continue']);
    expect(told).toContain(103);
    told.length = 0;
    expect(await (await c.post(other(), { body: 'x' })).json()).toEqual([true, null]);
    expect(told).toEqual([]);
    await c.close();
    // An idempotent POST is retried.
    let asked = 0;
    server.handler = (_request, response) => response.writeHead(asked++ === 0 ? 503 : 200).end();
    const again = ruled({ idempotent: true, retry: { minDelay: 1, maxDelay: 1 } });
    expect((await again.post(ours())).status).toBe(200);
  });

  test('resolver, localAddress, socketPath', async () => {
    const resolver = ((_name: string, _options: unknown, done: (error: null, found: object[]) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4 }])) as never;
    const gone = new Error('nobody knows it');
    const fails = ((_name: string, _options: unknown, done: (error: Error) => void) => done(gone)) as never;
    const c = clientOf({ resolver: fails, origins: { 'a.invalid': { resolver } } });
    expect((await c.request(`http://a.invalid:${server.port}`)).status).toBe(200);
    await expect(c.request(`http://b.invalid:${server.port}`)).rejects.toMatchObject({ cause: gone });
    await c.close();
    const address = deferred<string>();
    server.handler = (request, response) => (address.resolve(request.socket.remoteAddress ?? ''), response.end());
    await (await ruled({ localAddress: '127.0.0.2' }).request(ours())).text();
    expect(await address.promise).toBe('127.0.0.2');
    await client?.close();
    const folder = mkdtempSync(join(tmpdir(), 'millrace-origins-'));
    const unix = join(folder, 's');
    const local = createServer((_request, response) => response.end('unix'));
    await new Promise<void>((resolve) => local.listen(unix, resolve));
    const over = clientOf({ origins: { 'http://unix.invalid': { socketPath: unix } } });
    expect(await (await over.request('http://unix.invalid')).text()).toBe('unix');
    await over.close();
    local.close();
    rmSync(folder, { recursive: true });
  });

  test('dispatch: one origin is mocked, or one alone goes to the network', async () => {
    const mock: DispatchFunction = (_request, receiver) => {
      receiver.onResponse({ status: 299 });
      receiver.onEnd();
    };
    const c = ruled({ dispatch: mock });
    expect([(await c.request(ours())).status, (await c.request(other())).status]).toEqual([299, 200]);
    await c.close();
    const rest = ruled({ dispatch: null }, { dispatch: mock });
    expect([(await rest.request(ours())).status, (await rest.request(other())).status]).toEqual([200, 299]);
  });
});
