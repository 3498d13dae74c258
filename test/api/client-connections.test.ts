// The connections of a client: by what they are shared, what keeps them, and what is told of them.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client, ConnectionPool, fetch, request } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { Authority } from '../support/pki.js';
import { reset } from '../support/reset.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';
import { endsWithItsTest, start } from '../support/test-server.js';
import { where } from '../support/where.js';

endsWithItsTest();

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('a local address, a family and a Unix socket are part of what connections are shared by', async () => {
  const addresses: string[] = [];
  const server = await start({
    port: 0,
    handler: (req, res) => {
      addresses.push(req.remoteAddress);
      res.end('ok');
    },
  });
  const path = join(tmpdir(), `millrace-${process.pid}-${Date.now()}.sock`);
  await start({ path, handler: (_req, res) => res.end('unix') });
  const pool = new ConnectionPool();
  const clients = [
    new Client({ pool }),
    new Client({ pool, localAddress: '127.0.0.2' }),
    new Client({ pool, family: 'ipv4' }),
    new Client({ pool, socketPath: path }),
  ];
  for (let round = 0; round < 2; round++) {
    const texts = [];
    for (const client of clients) texts.push(await (await client.get(server.url)).text());
    expect(texts).toEqual(['ok', 'ok', 'ok', 'unix']);
    expect(pool.stats()).toMatchObject({ created: 4, reused: 4 * round });
  }
  expect(addresses).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.1']);
  await pool.drain();
});

test('tickets that come while a TLS connection is idle are consumed, and it is used again', async () => {
  const authority = await Authority.root();
  const identity = await authority.issue();
  // Node's server sends two tickets behind the handshake of TLS 1.3.
  const server = createServer({ cert: identity.cert, key: identity.key, minVersion: 'TLSv1.3' }, (socket) => {
    onRequests(socket, () => socket.write(ANSWER));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
  const client = new Client({ tls: { ca: authority.cert }, family: 'ipv4' });
  expect(await client.pool.prewarm(url, 0)).toBe(0);
  for (let round = 0; round < 20; round++) {
    expect(await (await client.post(url)).text()).toBe('ok');
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(client.stats()).toMatchObject({ created: 1, reused: 19 });
  client.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

test('a request whose connection dies behind a 1xx response is not sent again', async () => {
  const asked: string[] = [];
  const server = await scriptedServer((socket) => {
    onRequests(socket, (head) => {
      asked.push(head.slice(4, head.indexOf(' HTTP')));
      if (!head.startsWith('GET /dies')) return socket.write(ANSWER);
      return socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', () => reset(socket));
    });
  });
  const client = new Client();
  expect(await (await client.get(`${server.url}/first`)).text()).toBe('ok');
  const told: number[] = [];
  const dying = client.get(`${server.url}/dies`, { onInformational: (status) => void told.push(status) });
  await expect(dying).rejects.toMatchObject({ code: expect.stringMatching(/^MILLRACE_CONNECTION_/) as string });
  // A reset may destroy what came before it: then nothing was seen, and once more is right.
  expect(asked).toEqual(told.length > 0 ? ['/first', '/dies'] : ['/first', '/dies', '/dies']);
  client.destroy();
  await server.end();
});

const notLinux = process.platform === 'linux' ? undefined : '/proc/net/tcp is of Linux';
where('TCP keepalive of a connection', notLinux).test(
  'an idle connection has TCP keepalive on, with a first probe within 60 s',
  async () => {
    const server = await scriptedServer((socket) => onRequests(socket, () => socket.write(ANSWER)));
    const client = new Client();
    await (await client.get(server.url)).text();
    const port = server.port.toString(16).toUpperCase().padStart(4, '0');
    const rows = (): string[][] => {
      const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
      const all = lines.map((line) => line.trim().split(/\s+/));
      // One that is open (01): an earlier server may have had this port, whose connections linger.
      return all.filter(([, , remote, state]) => remote?.endsWith(`:${port}`) && state === '01');
    };
    // `tr:tm->when`: 2 is the keepalive timer, in hundredths of a second.
    await until(
      () => rows()[0]?.[5]?.startsWith('02:') === true,
      () => JSON.stringify(rows()),
    );
    const left = parseInt(rows()[0][5].slice(3), 16) / 100;
    expect(left).toBeGreaterThan(30);
    expect(left).toBeLessThanOrEqual(60);
    client.destroy();
    await server.end();
  },
);

test('stats tell of each origin and of all: what is open, what was used again, why what was closed, ages, churn and waits', async () => {
  const owed: (() => void)[] = [];
  const server = await scriptedServer((socket) => onRequests(socket, () => owed.push(() => socket.write(ANSWER))));
  const client = new Client({ pool: { maxConnectionsPerOrigin: 1 } });
  const calls = [client.get(server.url), client.get(server.url)].map(async (call) => (await call).text());
  await until(() => owed.length === 1);
  expect(client.stats()).toMatchObject({
    state: 'running',
    ...{ connected: 1, free: 0, pending: 0, queued: 1, running: 1, created: 1, reused: 0, reuseRate: 0, closed: 0 },
    origins: { [server.url]: { connected: 1, queued: 1, running: 1 } },
  });
  owed.shift()?.();
  await until(() => owed.length === 1);
  owed.shift()?.();
  await Promise.all(calls);
  const stats = client.stats();
  expect(stats).toMatchObject({ free: 1, running: 0, queued: 0, reused: 1, reuseRate: 0.5 });
  expect(stats.averageAge).toBeGreaterThan(0);
  expect(stats.waits.count).toBe(2);
  expect(stats.waits.max).toBeGreaterThanOrEqual(stats.waits.mean);
  expect(stats.waits.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(2);
  // One was opened, within ten seconds.
  expect(stats.churn).toBe(0.1);
  await client.close();
  expect(client.stats()).toMatchObject({ connected: 0, closed: 1, retired: { drain: 1 }, churn: 0.2 });
  await server.end();
});

test('the functions of the module share a client; each method has its shorthand', async () => {
  const methods: string[] = [];
  const server = await start({
    port: 0,
    handler: (req, res) => {
      methods.push(req.method);
      res.end(req.method === 'HEAD' ? undefined : `${req.method} ${req.remotePort}`);
    },
  });
  const one = await (await request(server.url)).text();
  expect(await (await fetch(server.url)).text()).toBe(one);
  const client = new Client();
  methods.length = 0;
  const names = ['get', 'post', 'put', 'patch', 'delete', 'head'] as const;
  for (const name of names) await (await client[name](server.url)).text();
  expect(methods).toEqual(names.map((name) => name.toUpperCase()));
  await client.close();
});

test('a body is had in every form, once, and trailers when it has ended', async () => {
  const json = '{"a":"ä"}';
  const server = await start({
    port: 0,
    handler: (_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json', trailer: 'x-sum' });
      res.addTrailers({ 'x-sum': '7' });
      res.end(json);
    },
  });
  const client = new Client();
  const get = (): ReturnType<Client['get']> => client.get(server.url);
  const bytes = Buffer.from(json);
  expect(await (await get()).text()).toBe(json);
  expect(await (await get()).json()).toEqual({ a: 'ä' });
  expect(Buffer.from(await (await get()).bytes())).toEqual(bytes);
  expect(Buffer.from(await (await get()).body.arrayBuffer())).toEqual(bytes);
  expect(await (await (await get()).body.blob()).text()).toBe(json);
  const parts: Uint8Array[] = [];
  for await (const part of (await get()).body) parts.push(part);
  expect(Buffer.concat(parts)).toEqual(bytes);
  expect(Buffer.concat((await (await get()).body.readable().toArray()) as Buffer[])).toEqual(bytes);
  expect(await new Response((await get()).body.stream()).text()).toBe(json);
  await (await get()).dump();
  const response = await get();
  await response.text();
  expect((await response.trailers)?.get('x-sum')).toBe('7');
  await expect(response.text()).rejects.toMatchObject({ kind: 'misuse' });
  expect(client.stats()).toMatchObject({ running: 0, queued: 0 });
  await client.close();
});
