// Every kind of proxy under request, fetch and the Dispatcher, and what tunnels are shared by.
import { request as undiciRequest } from 'undici7';

import { Dispatcher } from '../../ts/compat/undici.js';
import type { ProxyRequest, ProxyServer, RequestOptions, Server } from '../../ts/index.js';
import { Client, ConnectionPool, TlsContext } from '../../ts/index.js';
import { leaf, root } from '../support/chain.js';
import { proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest, start } from '../support/test-server.js';

proxiesEndWithTheirTest();
endsWithItsTest();

type Proxy = NonNullable<RequestOptions['proxy']>;

let server: Server;
let url: string;
/** What proxies were asked for: `protocol host user`. */
let asked: string[];

beforeEach(async () => {
  asked = [];
  server = await start({ port: 0, handler: (req, res) => void res.end(`${req.method} ${req.path}`) });
  url = `http://localhost:${server.port}/there`;
});

const authorize = ({ protocol, host, username }: ProxyRequest): boolean => {
  asked.push([protocol, host, username ?? '-'].join(' '));
  return true;
};
const auth = { username: 'ann', password: 'open sesame' };
const CREDENTIALS = 'ann:open%20sesame';
const at = (proxy: ProxyServer, kind: string, user = ''): string =>
  `${kind}://${user === '' ? '' : `${user}@`}localhost:${proxy.port}`;

/** By which way a request goes; each answers with the text. */
const WAYS: [string, (client: Client) => Promise<string>][] = [
  ['request', async (client) => (await client.request(url)).text()],
  ['fetch', async (client) => (await client.fetch(url)).text()],
  [
    'the Dispatcher',
    async (client) => (await undiciRequest(url, { dispatcher: new Dispatcher(client) as never })).body.text(),
  ],
];

/** The kinds, with whether the name is resolved here. */
const KINDS: [string, boolean][] = [
  ['http', false],
  ['socks4', true],
  ['socks4a', false],
  ['socks5', true],
  ['socks5h', false],
];

describe.each(WAYS)('%s', (_, by) => {
  test.each(KINDS)('through a proxy of %s', async (kind, resolved) => {
    const proxy = await startProxy({ authorize });
    await using client = new Client({ proxy: at(proxy, kind), family: 4 });
    for (let call = 0; call < 2; call++) expect(await by(client)).toBe('GET /there');
    // One tunnel for both.
    expect(asked).toHaveLength(1);
    expect(asked[0].split(' ')[1]).toBe(resolved ? '127.0.0.1' : 'localhost');
    expect(client.stats()).toMatchObject({ created: 1, reused: 1 });
  });

  test.each(['http', 'socks5', 'socks5h'])('with credentials at a proxy of %s', async (kind) => {
    const proxy = await startProxy({ auth, authorize });
    await using client = new Client({ proxy: at(proxy, kind, CREDENTIALS), family: 4 });
    expect(await by(client)).toBe('GET /there');
    expect(asked.at(-1)?.endsWith(' ann')).toBe(true);
    await using wrong = new Client({ proxy: at(proxy, kind, 'ann:wrong'), family: 4 });
    const error = (await by(wrong).catch((reason: unknown) => reason)) as { code?: string; cause?: { code: string } };
    expect(error.code ?? error.cause?.code).toMatch(/^MILLRACE_(PROXY|SOCKS)/);
  });

  test('through a proxy that is spoken to by TLS', async () => {
    const proxy = await startProxy({ tls: { cert: leaf.cert, key: leaf.key }, authorize });
    const tls = await TlsContext.client({ ca: root.cert });
    await using client = new Client({ proxy: { url: at(proxy, 'https'), tls } as Proxy });
    expect(await by(client)).toBe('GET /there');
    expect(asked).toHaveLength(1);
    await using untrusting = new Client({ proxy: at(proxy, 'https') });
    const error = (await by(untrusting).catch((reason: unknown) => reason)) as {
      code?: string;
      cause?: { code: string };
    };
    expect(error.code ?? error.cause?.code).toMatch(/^MILLRACE_TLS_/);
  });

  test('through a chain of three kinds', async () => {
    const proxies = [await startProxy({ authorize }), await startProxy({ authorize }), await startProxy({ authorize })];
    const chain = ['socks5h', 'http', 'socks4a'].map((kind, place) => at(proxies[place], kind));
    await using client = new Client({ proxy: chain });
    expect(await by(client)).toBe('GET /there');
    expect(asked).toHaveLength(3);
  });

  test('a proxy that is dead fails it: nothing goes past the proxy', async () => {
    const proxy = await startProxy();
    const dead = at(proxy, 'http');
    await proxy.close();
    await using client = new Client({ proxy: dead });
    const error = (await by(client).catch((reason: unknown) => reason)) as { code?: string; cause?: { code: string } };
    expect(error.code ?? error.cause?.code).toBe('MILLRACE_SYSTEM');
    expect(server.stats().requests.total).toBe(0);
  });
});

test('https goes through a tunnel, and the proxy sees no request', async () => {
  const secure = await start({
    port: 0,
    tls: { cert: leaf.cert, key: leaf.key },
    handler: (req, res) => void res.end(`secret ${req.path}`),
  });
  const proxy = await startProxy({ authorize });
  await using client = new Client({ proxy: at(proxy, 'http'), tls: { ca: root.cert } });
  const response = await client.request(`https://localhost:${secure.port}/there`);
  expect(await response.text()).toBe('secret /there');
  expect(asked).toHaveLength(1);
});

describe("'env'", () => {
  const saved = { ...process.env };
  afterEach(() => {
    for (const name of ['http_proxy', 'no_proxy']) {
      if (saved[name] === undefined) delete process.env[name];
      else process.env[name] = saved[name];
    }
  });

  test('is what the environment says, for a request of it alone', async () => {
    const proxy = await startProxy({ authorize });
    process.env['http_proxy'] = at(proxy, 'http');
    delete process.env['no_proxy'];
    await using client = new Client();
    expect(await (await client.request(url, { proxy: 'env' })).text()).toBe('GET /there');
    expect(asked).toHaveLength(1);
    expect(await (await client.request(url)).text()).toBe('GET /there');
    expect(asked).toHaveLength(1);
    expect(client.stats()).toMatchObject({ created: 2, reused: 0 });
  });

  test('no_proxy holds, and a change of the environment reaches no tunnel of before', async () => {
    const first = await startProxy({ auth, authorize });
    const second = await startProxy({ authorize: () => false });
    process.env['http_proxy'] = at(first, 'http', CREDENTIALS);
    process.env['no_proxy'] = 'localhost';
    await using client = new Client({ proxy: 'env' });
    expect(await (await client.request(url)).text()).toBe('GET /there');
    expect(asked).toHaveLength(0);
    delete process.env['no_proxy'];
    for (let call = 0; call < 2; call++) expect(await (await client.request(url)).text()).toBe('GET /there');
    expect(asked.filter((line) => line.endsWith(' ann'))).toHaveLength(1);
    process.env['http_proxy'] = at(second, 'http');
    await expect(client.request(url)).rejects.toMatchObject({ phase: 'proxy' });
  });
});

test('tunnels are not shared across proxies, credentials, chains and isolation keys', async () => {
  const one = await startProxy({ authorize });
  const other = await startProxy({ authorize });
  const pool = new ConnectionPool();
  const client = new Client({ pool });
  const routes: RequestOptions[] = [
    {},
    { proxy: at(one, 'socks5h') },
    { proxy: at(one, 'http') },
    { proxy: at(other, 'socks5h') },
    { proxy: at(one, 'socks5h', 'ann:1') },
    { proxy: at(one, 'socks5h', 'ann:2') },
    { proxy: [at(one, 'socks5h'), at(other, 'socks5h')] },
    { proxy: [at(other, 'socks5h'), at(one, 'socks5h')] },
    { proxy: { url: at(one, 'http'), headers: { 'x-trace': 'a' } } },
    { proxy: at(one, 'socks5h'), isolationKey: 'k' },
    { isolationKey: 'k' },
  ];
  for (let round = 0; round < 2; round++) {
    for (const route of routes) expect(await (await client.request(url, route)).text()).toBe('GET /there');
    expect(pool.stats()).toMatchObject({ created: routes.length, reused: round * routes.length });
  }
  await pool.drain();
});
