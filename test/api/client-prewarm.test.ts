// Connections that are opened beforehand are those that the next requests use.
import type { ClientOptions, ProxyServer, Server } from '../../ts/index.js';
import { Client, ConnectionPool, createProxyServer, serve } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { buildCommandLine } from '../support/command-line.js';
import { Authority } from '../support/pki.js';
import { destroyed } from '../support/test-server.js';

let authority: Authority;
let plain: Server;
let secure: Server;
let proxy: ProxyServer;

beforeAll(async () => {
  authority = await Authority.root();
  const { cert, key } = await authority.issue();
  const base = { port: 0, host: '127.0.0.1', handler: slow };
  plain = await serve(base);
  secure = await serve({ ...base, tls: { cert, key } });
  proxy = await createProxyServer({ host: '127.0.0.1', port: 0 });
});

afterAll(() => destroyed(plain, secure, proxy));

/** Answers when three ask, so that none can have the connection of another. */
const waiting: (() => void)[] = [];
function slow(_req: unknown, res: { end(text: string): unknown }): void {
  waiting.push(() => res.end('ok'));
  if (waiting.length < 3) return;
  for (const answer of waiting.splice(0)) answer();
}

const three = async (client: Client, url: string, options = {}): Promise<void> => {
  await Promise.all(Array.from({ length: 3 }, async () => (await client.request(url, options)).text()));
};

const kinds: [string, () => string, () => ClientOptions][] = [
  ['http', () => plain.url, () => ({})],
  ['https', () => secure.url, () => ({ tls: { ca: authority.cert } })],
  ['http through a proxy', () => plain.url, () => ({ proxy: `http://127.0.0.1:${proxy.port}` })],
  [
    'https through a proxy',
    () => secure.url,
    () => ({ proxy: `socks5h://127.0.0.1:${proxy.port}`, tls: { ca: authority.cert } }),
  ],
  [
    'an isolation key, an address of ours and a family',
    () => plain.url,
    () => ({ isolationKey: 'a', localAddress: '127.0.0.1', family: 4 }),
  ],
  [
    'options by origin',
    () => secure.url,
    () => ({
      origins: {
        [secure.url.replace(/\/$/, '')]: { tls: { ca: authority.cert }, pool: { maxConnectionsPerOrigin: 3 } },
      },
    }),
  ],
];

test.each(kinds)('%s', async (_name, url, options) => {
  const client = new Client(options());
  expect(await client.prewarm(url(), 3)).toBe(3);
  expect(client.stats()).toMatchObject({ created: 3, free: 3, reused: 0 });
  await three(client, url());
  expect(client.stats()).toMatchObject({ created: 3, reused: 3 });
  await client.close();
});

test('what one request says of proxy and isolationKey is said to prewarm as well', async () => {
  const client = new Client();
  const options = { proxy: `http://127.0.0.1:${proxy.port}`, isolationKey: 'x' };
  expect(await client.prewarm(plain.url, 3, options)).toBe(3);
  await three(client, plain.url, options);
  expect(client.stats()).toMatchObject({ created: 3, reused: 3 });
  await three(client, plain.url);
  expect(client.stats()).toMatchObject({ created: 6, reused: 3 });
  await client.close();
});

test('a pool’s own, by text, are for clients that say nothing of TLS, over https too', async () => {
  buildCommandLine();
  // What says nothing trusts what the system trusts, which does not know our authority: a program of its own does.
  const program = `
    const { Client, ConnectionPool } = require(${JSON.stringify(require.resolve('../../dist/index.js'))});
    (async () => {
      const pool = new ConnectionPool();
      const [first, second] = [new Client({ pool }), new Client({ pool, timeouts: { headers: 5000 } })];
      const warm = await pool.prewarm(process.argv[1], 3);
      const asked = [first, second, first].map(async (client) => (await client.request(process.argv[1])).text());
      await Promise.all(asked);
      const { created, reused } = pool.stats();
      console.log(JSON.stringify({ warm, created, reused }));
      await pool.drain();
    })();`;
  const { execFile } = process.getBuiltinModule('node:child_process');
  const { mkdtempSync, rmSync, writeFileSync } = process.getBuiltinModule('node:fs');
  const folder = mkdtempSync(`${process.getBuiltinModule('node:os').tmpdir()}/millrace-prewarm-`);
  try {
    writeFileSync(`${folder}/ca.pem`, authority.cert);
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: `${folder}/ca.pem` };
    const run = process.getBuiltinModule('node:util').promisify(execFile);
    const { stdout } = await run(process.execPath, ['-e', program, secure.url], { env, timeout: 20_000 });
    expect(JSON.parse(stdout)).toEqual({ warm: 3, created: 3, reused: 3 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('caps hold, failures are not counted, and what is wrong rejects', async () => {
  const client = new Client({ pool: { maxConnectionsPerOrigin: 2 } });
  expect(await client.prewarm(plain.url, 5)).toBe(2);
  expect(await client.prewarm(plain.url, 1)).toBe(0);
  expect(await client.prewarm('http://127.0.0.1:1', 1)).toBe(0);
  await expect(client.prewarm('ftp://a', 1)).rejects.toMatchObject({ code: 'MILLRACE_URL_INVALID' });
  for (const count of [-1, 0.5, 'x' as never]) {
    await expect(client.prewarm(plain.url, count)).rejects.toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT' });
  }
  await expect(client.pool.prewarm('nothing', 1)).rejects.toMatchObject({ code: 'MILLRACE_URL_INVALID' });
  await client.close();
  await expect(client.prewarm(plain.url, 1)).rejects.toMatchObject({ code: 'MILLRACE_CLIENT_CLOSED' });
});

test('a request that waits takes what prewarm opens', async () => {
  const pool = new ConnectionPool();
  const client = new Client({ pool });
  const warmed = client.prewarm(plain.url, 2);
  const asked = three(client, plain.url);
  await Promise.all([warmed, asked]);
  await until(() => pool.stats().free === pool.stats().connected);
  expect(pool.stats().created).toBeLessThanOrEqual(5);
  await pool.drain();
});
