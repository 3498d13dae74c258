import { once } from 'node:events';

import type { ServerRequest } from '../../ts/index.js';
import { RawClient } from '../support/raw-client.js';
import { listenersEndWithTheirTest, startListener } from '../support/test-listener.js';
import { ask, forwardHead, proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest, start } from '../support/test-server.js';

listenersEndWithTheirTest();
proxiesEndWithTheirTest();
endsWithItsTest();

/** A target that says what it was asked. */
async function mirror(): Promise<{ port: number; seen: ServerRequest[] }> {
  const seen: ServerRequest[] = [];
  const { port } = await start({
    handler: async (req, res) => {
      seen.push(req);
      const body = await req.text();
      res.writeHead(200, { 'x-kept': '1', connection: 'x-dropped', 'x-dropped': '1', 'keep-alive': 'timeout=9' });
      res.end(`${req.method} ${req.url} ${body}`);
    },
  });
  return { port, seen };
}

test('requests to several targets are passed on over one connection, without the fields of one connection', async () => {
  const [one, other] = [await mirror(), await mirror()];
  const proxy = await startProxy();
  const client = await RawClient.connect(proxy);
  client.send(
    `GET http://localhost:${one.port}/a?b HTTP/1.1\r\nHost: elsewhere\r\nProxy-Connection: keep-alive\r\nConnection: x-gone, cookie\r\nX-Gone: 1\r\nCookie: c=1\r\nX-Kept: 1\r\nProxy-Authorization: Basic eDp5\r\n\r\n`,
  );
  const first = await client.response();
  expect([first.status, first.body.toString()]).toEqual([200, 'GET /a?b ']);
  expect(first.headers).toMatchObject({ 'x-kept': ['1'], via: [expect.stringMatching(/^1\.1 millrace-/)] });
  expect(Object.keys(first.headers)).not.toEqual(expect.arrayContaining(['x-dropped']));
  const [{ headers }] = one.seen;
  expect(headers.get('host')).toBe(`localhost:${one.port}`);
  expect(headers.get('via')).toMatch(/^1\.1 millrace-/);
  expect([headers.get('x-kept'), headers.get('cookie')]).toEqual(['1', 'c=1']);
  for (const name of ['proxy-connection', 'proxy-authorization', 'x-gone']) expect(headers.has(name)).toBe(false);
  client.send(`POST http://127.0.0.1:${other.port}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody`);
  expect((await client.response()).body.toString()).toBe('POST / body');
  client.send(
    `PUT http://127.0.0.1:${other.port}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmore\r\n0\r\n\r\n`,
  );
  expect((await client.response()).body.toString()).toBe('PUT / more');
  client.send(`HEAD http://127.0.0.1:${one.port}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
  expect((await client.response('HEAD')).status).toBe(200);
  expect(proxy.stats()).toMatchObject({ forwarded: 4, connections: { accepted: 1 }, tunnels: { failed: 0 } });
});

test('a request is refused by the same rules as a tunnel', async () => {
  const { port, seen } = await mirror();
  const secret = await startProxy({ auth: { username: 'a', password: 'b' } });
  expect((await ask(secret, 'forward', '127.0.0.1', port)).head).toMatch(/ 407 .*proxy-authenticate: Basic/is);
  expect((await ask(secret, 'forward', '127.0.0.1', port, { user: 'a', password: 'b' })).reply).toBe(200);
  const strict = await startProxy({
    rules: [{ action: 'allow', ports: [1] }],
    authorize: ({ protocol }) => protocol === 'http',
  });
  expect((await ask(strict, 'forward', '127.0.0.1', port)).reply).toBe(403);
  expect((await ask(strict, 'forward', '127.0.0.1', 1)).reply).toBe(502);
  expect(seen).toHaveLength(1);
  for (const target of ['/', 'ftp://127.0.0.1/', 'https://127.0.0.1/', 'http://[::1/']) {
    const client = await RawClient.connect(strict);
    client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect([target, (await client.response()).status]).toEqual([target, 400]);
  }
});

test('two proxies that are each other’s upstream are a circle, which is seen and broken', async () => {
  const { port: target } = await startListener(() => undefined);
  const taken = await startProxy();
  const { port } = taken;
  taken.destroy();
  await once(taken, 'close');
  const one = await startProxy({ upstream: `http://127.0.0.1:${port}` });
  const other = await startProxy({ port, upstream: `http://127.0.0.1:${one.port}` });
  for (const way of ['connect', 'socks5', 'forward'] as const) {
    const { opened, client } = await ask(one, way, '127.0.0.1', target);
    expect([way, opened]).toEqual([way, false]);
    client.destroy();
  }
  // Once round, and no further.
  expect(one.stats().connections.accepted).toBe(6);
  expect(other.stats().connections.accepted).toBe(3);
});

test('a request that names the proxy in Via is refused', async () => {
  const { port } = await mirror();
  const proxy = await startProxy();
  const client = await RawClient.connect(proxy);
  client.send(forwardHead('127.0.0.1', port));
  const via = (await client.response()).headers.via[0];
  for (const request of [forwardHead('127.0.0.1', port), `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: a\r\n\r\n`]) {
    const again = await RawClient.connect(proxy);
    again.send(request.replace('\r\n\r\n', `\r\nVia: 1.0 a, ${via}\r\n\r\n`));
    expect(await again.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 50[28] .*error=proxy_loop_detected/s);
  }
});
