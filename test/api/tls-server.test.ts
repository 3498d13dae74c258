import { createHash, randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { ServeOptions, Server, TlsErrorMessage } from '../../ts/index.js';
import { metrics } from '../../ts/index.js';
import { leaf, root } from '../support/chain.js';
import { deferred, until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { Site } from '../support/site.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';
import { failures, getByNode } from '../support/tls.js';

endsWithItsTest();

const serveTls = (options: Partial<ServeOptions>): Promise<Server> =>
  start({ tls: { cert: leaf.cert, key: leaf.key }, ...options } as ServeOptions);

const secure = (server: Server): Promise<RawClient> => RawClient.secure(server, { ca: root.cert });

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const counter = (name: string): number =>
  Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\d+)`, 'm').exec(metrics.toPrometheus())?.[1]);

test('says https in its URL, and isSecure to its handlers', async () => {
  const server = await serveTls({ handler: (req, res) => res.end(String(req.isSecure)) });
  expect(server.url).toBe(`https://127.0.0.1:${server.port}/`);
  expect((await getByNode(server, { ca: root.cert })).body.toString()).toBe('true');
  const plain = await start({ handler: (req, res) => res.end(String(req.isSecure || req.tls !== null)) });
  expect(await (await fetch(plain.url)).text()).toBe('false');
});

test.each([
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'OPTIONS * HT',
])('answers plain HTTP with 400 and words: %j', async (bytes) => {
  const server = await serveTls({ handler: (_req, res) => res.end() });
  const seen = failures(server);
  const client = await RawClient.connect({ port: server.port });
  const { status, body, headers } = await client.send(bytes).response();
  expect([status, headers['connection']]).toEqual([400, ['close']]);
  expect(body.toString()).toContain('https');
  await client.closed();
  await until(() => seen.length === 1);
  expect(seen[0]).toMatchObject({ code: 'MILLRACE_TLS_PLAIN_HTTP', phase: 'tls' });
  expect(server.stats().requests.total).toBe(0);
});

test('counts handshakes and failures, and publishes failures to the channel', async () => {
  const server = await serveTls({ handler: (_req, res) => res.end() });
  const told: TlsErrorMessage[] = [];
  const onError = (message: unknown): number => told.push(message as TlsErrorMessage);
  subscribe('millrace:server:tls:error', onError);
  try {
    const full = counter('millrace_tls_handshakes_total{kind="full"}');
    const failed = counter('millrace_tls_failures_total');
    const timed = counter('millrace_tls_handshake_duration_seconds_count');
    await getByNode(server, { ca: root.cert });
    const client = await RawClient.connect({ port: server.port });
    await client.send('garbage').closed();
    await until(() => told.length === 1);
    expect(told[0].server).toBe(server);
    expect(told[0].error).toMatchObject({ code: 'MILLRACE_TLS_INVALID_MESSAGE', phase: 'tls' });
    expect(counter('millrace_tls_handshakes_total{kind="full"}')).toBe(full + 1);
    expect(counter('millrace_tls_failures_total')).toBe(failed + 1);
    expect(counter('millrace_tls_handshake_duration_seconds_count')).toBe(timed + 1);
  } finally {
    unsubscribe('millrace:server:tls:error', onError);
  }
});

test('bodies of 32 MiB arrive and leave whole', async () => {
  const server = await serveTls({
    maxBodySize: null,
    async handler(req, res) {
      const parts: Uint8Array[] = [];
      for await (const chunk of req) parts.push(chunk);
      res.end(Buffer.concat(parts));
    },
  });
  const body = randomBytes(32 * 1024 * 1024);
  const answer = await getByNode(server, { ca: root.cert, method: 'POST', body });
  expect(digest(answer.body)).toBe(digest(body));
});

test('files are sent through TLS, whole and in ranges', async () => {
  const content = randomBytes(3_000_001);
  const site = new Site({ 'a.bin': content });
  try {
    const server = await serveTls({ handler: (_req, res) => res.send({ file: `${site.root}/a.bin` }) });
    const whole = await getByNode(server, { ca: root.cert });
    expect(digest(whole.body)).toBe(digest(content));
    await until(() => site.openFiles() === 0);
  } finally {
    site.remove();
  }
});

test('finish comes when the kernel has everything, and not while a slow reader keeps it', async () => {
  const finished = deferred();
  let isFinished = false;
  const server = await serveTls({
    handler(_req, res) {
      res.once('finish', () => {
        isFinished = true;
        finished.resolve();
      });
      res.end(Buffer.alloc(32 << 20));
    },
  });
  const client = await secure(server);
  client.socket.pause();
  client.send(get());
  await until(() => server.stats().bytes.sent > 100_000);
  expect(isFinished).toBe(false);
  client.socket.resume();
  await client.response();
  await finished.promise;
  expect(server.stats().bytes.sent).toBeGreaterThan(32 << 20);
});

test('Upgrade and CONNECT hand over a socket that speaks TLS', async () => {
  const server = await serveTls({
    handler: (_req, res) => res.end(),
    onUpgrade: (_req, socket) => socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n${socket.tls?.version}`),
    onConnect: (_req, socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${socket.tls?.servername}`),
  });
  const upgraded = (await secure(server)).send(get('/', 'Connection: upgrade', 'Upgrade: x'));
  expect((await upgraded.rest()).toString()).toMatch(/TLSv1\.3$/);
  upgraded.end();
  const connected = (await secure(server)).send('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
  expect((await connected.rest()).toString()).toMatch(/localhost$/);
  connected.end();
});

test('limits are told through TLS: 431, 413, 408 and 503', async () => {
  const server = await serveTls({
    maxBodySize: 10,
    headersTimeout: 400,
    handler: async (req, res) => res.end(await req.text()),
  });
  const status = async (bytes: string): Promise<number> => (await (await secure(server)).send(bytes).response()).status;
  expect(await status(get('/', `a: ${'x'.repeat(70_000)}`))).toBe(431);
  expect(await status('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n')).toBe(413);
  expect(await status('GET / HTTP/1.1\r\nHost:')).toBe(408);
  expect(await status('GET / HTTP/1.1\r\n\r\n')).toBe(400);
});

test('a connection above maxConnections is closed before its handshake', async () => {
  const server = await serveTls({ maxConnections: 1, handler: (_req, res) => res.end() });
  const first = await secure(server);
  await first.send(get()).response();
  const second = await RawClient.connect({ port: server.port });
  await second.closed();
  expect(second.received).toBe(0);
  expect(server.stats().connections.refused).toBe(1);
});

test('an idle connection is closed with a close_notify', async () => {
  const server = await serveTls({ keepAliveTimeout: 40, handler: (_req, res) => res.end() });
  const { port } = await relayThatKeeps(server.port);
  const client = await RawClient.secure({ port }, { ca: root.cert, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
  await client.send(get()).response();
  await client.closed();
  // In TLS 1.2 the record of an alert says in the clear that it is one.
  expect(relayed.at(-1)?.[0]).toBe(21);
});

const relayed: Buffer[] = [];
let closeRelay = (): void => undefined;
afterEach(() => closeRelay());

/** A relay that keeps the pieces that a server sent. */
async function relayThatKeeps(port: number): Promise<{ port: number }> {
  const { connect, createServer } = await import('node:net');
  relayed.length = 0;
  const relay = createServer((front) => {
    const back = connect(port, '127.0.0.1');
    back.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += 5 + chunk.readUInt16BE(at + 3)) relayed.push(chunk.subarray(at));
      front.write(chunk);
    });
    back.on('end', () => front.end());
    front.on('data', (chunk) => back.write(chunk));
    for (const each of [front, back]) each.on('error', () => undefined);
    front.on('close', () => back.destroy());
  });
  closeRelay = () => void relay.close();
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  return { port: (relay.address() as { port: number }).port };
}

test('close answers what is in flight, and ends idle connections cleanly', async () => {
  const asked = deferred();
  const answer = deferred();
  const server = await serveTls({
    async handler(req, res) {
      if (req.url === '/slow') {
        asked.resolve();
        await answer.promise;
      }
      res.end('done');
    },
  });
  const [idle, busy] = await Promise.all([secure(server), secure(server)]);
  await idle.send(get()).response();
  busy.send(get('/slow'));
  await asked.promise;
  const closing = server.close();
  await idle.closed();
  answer.resolve();
  const { body, headers } = await busy.response();
  expect([body.toString(), headers['connection']]).toEqual(['done', ['close']]);
  expect((await closing).forced).toBe(0);
  expect([idle.error, busy.error]).toEqual([undefined, undefined]);
});

test('close does not wait for a handshake that does not go on', async () => {
  const server = await serveTls({ handler: (_req, res) => res.end() });
  const client = await RawClient.connect({ port: server.port });
  await client.sent(Buffer.from([22, 3, 1, 0, 200, 1]));
  await until(() => server.stats().connections.active === 1);
  const closed = server.close({ timeout: 1_000 });
  await client.closed();
  await closed;
});

test('a response that is cut short is not ended as if it were whole', async () => {
  const server = await serveTls({
    handler(_req, res) {
      res.setHeader('Content-Length', '100');
      res.write('half');
      setImmediate(() => res.destroy());
    },
  });
  await expect(getByNode(server, { ca: root.cert })).rejects.toThrow();
});
