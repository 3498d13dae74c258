import { unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ServerRequest, ServerResponse } from '../../ts/index.js';
import { MillraceError, serve } from '../../ts/index.js';
import { deferred, turns, until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, post, start, startWithClient } from '../support/test-server.js';

endsWithItsTest();

test('close answers what is in flight, closes idle connections, and counts', async () => {
  const open: ServerResponse[] = [];
  const { server, client } = await startWithClient({ handler: (_req, res) => void open.push(res) });
  const idle = await RawClient.connect(server);
  client.send(get());
  await until(() => open.length === 1);
  const closed = server.close();
  await idle.closed();
  await expect(RawClient.connect(server)).rejects.toThrow(/ECONNREFUSED/);
  open[0].end('last');
  const { headers, body } = await client.response();
  expect([body.toString(), headers.connection]).toEqual(['last', ['close']]);
  expect(await closed).toEqual({ finished: 1, forced: 0 });
});

test('close cuts what is left at the deadline, and is the same promise twice', async () => {
  const { server, client } = await startWithClient({ handler: () => undefined });
  client.send(get());
  await until(() => server.stats().requests.active === 1);
  const closed = server.close({ timeout: 20 });
  expect(server.close()).toBe(closed);
  expect(await closed).toEqual({ finished: 0, forced: 1 });
  await client.closed();
});

test.each([Infinity, 2 ** 31])('close({ timeout: %p }) waits for as long as it takes', async (timeout) => {
  const open: ServerResponse[] = [];
  const { server, client } = await startWithClient({ handler: (_req, res) => void open.push(res) });
  client.send(get());
  await until(() => open.length === 1);
  const closed = server.close({ timeout });
  await turns(20);
  expect(server.stats().requests.active).toBe(1);
  open[0].end('at last');
  expect(await closed).toEqual({ finished: 1, forced: 0 });
  expect((await client.response()).body.toString()).toBe('at last');
});

test.each([NaN, -1, '5s', null])('close({ timeout: %p }) is refused, and the server goes on', async (timeout) => {
  const { server, client } = await startWithClient({ handler: (_req, res) => res.end('here') });
  expect(() => server.close({ timeout: timeout as number })).toThrow(/close: the timeout must be 0 or more/);
  expect((await client.send(get()).response()).body.toString()).toBe('here');
});

test('inject answers as a socket would, with no socket', async () => {
  const server = await start({
    handler: async (req, res) => {
      if (req.method === 'POST') return res.end(`${await req.text()} ${req.headers.get('content-type')}`);
      if (req.path === '/chunks') {
        res.write('a');
        res.write('b');
        return res.end('c');
      }
      res.statusCode = 404;
      return res.setHeader('x-query', req.query).end('none');
    },
  });
  const missing = await server.inject({ url: '/x?a=1', query: { b: '2' } });
  expect([missing.status, missing.statusText, missing.headers.get('X-Query'), await missing.text()]).toEqual([
    404,
    'Not Found',
    'a=1&b=2',
    'none',
  ]);
  expect(await (await server.inject({ url: '/chunks' })).text()).toBe('abc');
  const posted = await server.inject({ url: '/', method: 'POST', body: new URLSearchParams({ k: 'v' }) });
  expect(await posted.text()).toContain('k=v application/x-www-form-urlencoded');
  expect(await (await server.inject({ url: '/', method: 'HEAD' })).text()).toBe('');
});

test('an injected request whose handler destroys it rejects with a code', async () => {
  const server = await start({ handler: (_req, res) => res.destroy() });
  await expect(server.inject({ url: '/' })).rejects.toMatchObject({ code: 'MILLRACE_CONNECTION_CLOSED' });
});

test('a handler that throws or rejects is 500, or what onError says; its neighbours are served', async () => {
  const { client } = await startWithClient({
    handler: async (req, res) => {
      if (req.url === '/throw') throw new Error('planned');
      if (req.url === '/teapot') throw new Error('teapot');
      await Promise.resolve();
      res.end(req.url);
    },
    onError: (error) => ((error as Error).message === 'teapot' ? 418 : undefined),
  });
  client.send(get('/a') + get('/throw') + get('/teapot') + get('/b'));
  expect((await client.response()).body.toString()).toBe('/a');
  expect((await client.response()).status).toBe(500);
  expect((await client.response()).status).toBe(418);
  expect((await client.response()).body.toString()).toBe('/b');
});

test('a handler that fails after the head went out is cut', async () => {
  const { client } = await startWithClient({
    handler: async (_req, res) => {
      res.write('begun');
      await Promise.resolve();
      throw new Error('planned');
    },
  });
  client.send(get());
  await client.closed();
  expect(client.pending.toString()).not.toContain('0\r\n\r\n');
});

test('a body over maxCollectedSize is 413, one at it passes', async () => {
  const { client } = await startWithClient({
    maxCollectedSize: 10,
    handler: async (req, res) => res.end(await req.text()),
  });
  client.send(post('/', '0123456789'));
  expect((await client.response()).body.toString()).toBe('0123456789');
  client.send(post('/', '0123456789x'));
  expect((await client.response()).status).toBe(413);
});

test('a slow reader is told to wait, and gets everything', async () => {
  const piece = Buffer.alloc(64 * 1024, 'x');
  let waits = 0;
  const { client } = await startWithClient({
    handler: async (_req, res) => {
      for (let left = 800; left > 0; left--) {
        if (!res.write(piece)) {
          waits += 1;
          await res.drained();
        }
      }
      res.end();
    },
  });
  client.socket.pause();
  const before = process.memoryUsage().rss;
  client.send(get());
  await until(() => waits > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024);
  client.socket.resume();
  expect((await client.response()).body.length).toBe(800 * piece.length);
  expect(waits).toBeGreaterThan(1);
});

test('a handler that does not read stops the sender', async () => {
  const go = deferred();
  const { client } = await startWithClient({
    handler: async (req, res) => {
      await go.promise;
      let length = 0;
      for await (const chunk of req) length += chunk.byteLength;
      res.end(String(length));
    },
  });
  const size = 30_000_000;
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
  const all = client.sent(Buffer.alloc(size));
  await Promise.race([
    all.then(() => Promise.reject(new Error('all was taken'))),
    new Promise((done) => setTimeout(done, 300)),
  ]);
  expect(client.socket.writableLength).toBeGreaterThan(10_000_000);
  go.resolve();
  expect((await client.response()).body.toString()).toBe(String(size));
});

test('100 Continue is sent when the body is wanted, and not before', async () => {
  const go = deferred();
  const { client } = await startWithClient({
    handler: async (req, res) => {
      await go.promise;
      res.end(await req.text());
    },
  });
  client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(client.received).toBe(0);
  go.resolve();
  expect((await client.response()).status).toBe(100);
  client.send('ok');
  expect((await client.response()).body.toString()).toBe('ok');
});

test('serves Unix sockets, and removes their file', async () => {
  const path = join(tmpdir(), `millrace-${process.pid}.sock`);
  const server = await start({ path, handler: (req, res) => res.end(`[${req.remoteAddress}]`) });
  const client = await RawClient.connect({ path });
  client.send(get());
  expect((await client.response()).body.toString()).toBe('[]');
  await server.close({ timeout: 10 });
  expect(() => unlinkSync(path)).toThrow(/ENOENT/);
});

test('a taken port is a coded system error with Node’s code as its cause', async () => {
  const server = await start({ handler: () => undefined });
  const again = serve({ host: '127.0.0.1', port: server.port, handler: () => undefined });
  await expect(again).rejects.toMatchObject({ code: 'MILLRACE_SYSTEM', cause: { code: 'EADDRINUSE' } });
  await expect(again).rejects.toBeInstanceOf(MillraceError);
});

test.each([
  ['required', 'PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n', '192.0.2.7:4711'],
  ['optional', 'PROXY TCP6 2001:db8::9 ::1 1 2\r\n', '2001:db8::9:1'],
] as const)('PROXY protocol (%s) says who the client is', async (proxyProtocol, head, who) => {
  const { client } = await startWithClient({
    proxyProtocol,
    handler: (req, res) => res.end(`${req.remoteAddress}:${req.remotePort}`),
  });
  client.send(head + get());
  expect((await client.response()).body.toString()).toBe(who);
});

test('connections over maxConnections get 503, and are counted', async () => {
  const { server, client } = await startWithClient({ maxConnections: 1, handler: (_req, res) => res.end('ok') });
  client.send(get());
  expect((await client.response()).status).toBe(200);
  const second = await RawClient.connect(server);
  expect((await second.response()).status).toBe(503);
  await second.closed();
  expect(server.stats().connections).toMatchObject({ active: 1, accepted: 1, refused: 1 });
});

test('a late write to a finished exchange is no error', async () => {
  const kept: ServerResponse[] = [];
  const { client } = await startWithClient({ handler: (_req, res) => void kept.push(res.end('done')) });
  client.send(get());
  await client.response();
  expect(kept[0].write('late')).toBe(false);
  expect(() => kept[0].end('later')).not.toThrow();
  expect(() => kept[0].setHeader('a', 'b')).toThrow(expect.objectContaining({ code: 'MILLRACE_HTTP_HEADERS_SENT' }));
});

test.each([['a\r\nb'], ['a\nb'], ['a\0b'], ['ab\u0100']])('a field value of %j is refused', async (value) => {
  const errors: unknown[] = [];
  const { client } = await startWithClient({
    handler: (_req, res) => {
      try {
        res.setHeader('x', value);
      } catch (error) {
        errors.push(error);
      }
      res.end();
    },
  });
  client.send(get());
  await client.response();
  expect(errors).toEqual([expect.objectContaining({ code: 'MILLRACE_INVALID_ARGUMENT', name: expect.any(String) })]);
});

test('a closing server closes idle connections after `idle` ms, and serves what they bring before', async () => {
  const options = { port: 0, handler: (_req: ServerRequest, res: ServerResponse) => res.end('ok') };
  const one = await startWithClient(options);
  await one.client.send(get()).response();
  const closed = one.server.close({ idle: 60_000 });
  const { headers } = await one.client.send(get()).response();
  expect(headers.connection).toEqual(['close']);
  expect(await closed).toEqual({ finished: 1, forced: 0 });

  const two = await startWithClient(options);
  await two.client.send(get()).response();
  expect(await two.server.close({ idle: 0 })).toEqual({ finished: 0, forced: 0 });
  await two.client.closed();
});

test('the close of an idle server on a shared port is over by itself', async () => {
  const server = await start({ port: 0, reusePort: true, handler: () => undefined });
  await turns(5);
  expect(await server.close()).toEqual({ finished: 0, forced: 0 });
});
