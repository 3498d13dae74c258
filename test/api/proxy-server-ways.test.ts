// Ways through a proxy of ours: several upstreams, what the environment says, TLS with its clients; what its counts say of each.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { ProxyServer, ProxyServerOptions, TunnelStats } from '../../ts/index.js';
import { connect, metrics, TlsContext } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { Authority } from '../support/pki.js';
import { RawClient } from '../support/raw-client.js';
import { listenersEndWithTheirTest, rest, startListener } from '../support/test-listener.js';
import { ask, forwardHead, proxiesEndWithTheirTest, socks5Request, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest } from '../support/test-server.js';

listenersEndWithTheirTest();
proxiesEndWithTheirTest();
endsWithItsTest();

const AUTH = { username: 'ann', password: 'p@ss' };

/** A target that says how much it has heard once its client has ended. */
async function counting(): Promise<number> {
  const { port } = await startListener(async (socket) => socket.end(`heard ${(await rest(socket)).length}`));
  return port;
}

/** Sends so many bytes through a proxy and ends; answers with what came back, and what the proxy says of the tunnel. */
async function through(proxyOptions: ProxyServerOptions, size = 70_000): Promise<[string, TunnelStats]> {
  const closed: TunnelStats[] = [];
  const proxy = await startProxy({ ...proxyOptions, onClose: (stats) => closed.push(stats) });
  const port = await counting();
  const { client, opened } = await ask(proxy, 'socks5', '127.0.0.1', port);
  expect(opened).toBe(true);
  client.send(Buffer.alloc(size, 'x')).end();
  const said = (await client.rest()).toString();
  await until(() => closed.length === 1, 'onClose');
  return [said, closed[0]];
}

describe('upstream', () => {
  test('may be a chain of three kinds, one dialled through another, with credentials of its own for each', async () => {
    const seen: string[] = [];
    const behind = await Promise.all(
      [0, 1, 2].map((place) =>
        startProxy({
          auth: { username: `user${place}`, password: 'p@ss' },
          authorize: ({ protocol, port, username }) => seen.push(`${protocol} ${username} ${port}`) > 0,
        }),
      ),
    );
    const [first, second, third] = behind;
    const upstream = [
      `socks5h://user0:p%40ss@127.0.0.1:${first.port}`,
      { url: `http://127.0.0.1:${second.port}`, username: 'user1', password: 'p@ss', headers: { 'x-trace': 'a' } },
      `socks5://user2:p%40ss@127.0.0.1:${third.port}`,
    ];
    const [said, stats] = await through({ upstream });
    expect(said).toBe('heard 70000');
    expect(stats).toMatchObject({ sent: 70_000, received: 11, error: null });
    // The second ends its connection with the 407 that asks for credentials: the way is dialled again then.
    expect(seen).toEqual([
      `socks5 user0 ${second.port}`,
      `socks5 user0 ${second.port}`,
      `connect user1 ${third.port}`,
      `socks5 user2 ${stats.request.port}`,
    ]);
    const ended = (): number[] => behind.map((proxy) => proxy.stats().tunnels.ended);
    await until(() => ended().join() === '2,1,1', 'each tunnel has ended');
    // What the handshakes further on took is in the counts of the first.
    expect(third.stats().bytes).toEqual({ sent: 70_000, received: 11 });
    expect(first.stats().bytes.sent).toBeGreaterThan(second.stats().bytes.sent);
    expect(second.stats().bytes.sent).toBeGreaterThan(70_000);
  });

  test('is what the environment says for each request, where it is env', async () => {
    const names = ['ALL_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'all_proxy', 'http_proxy', 'no_proxy'];
    const before = Object.fromEntries(names.map((name) => [name, process.env[name]]));
    for (const name of names) delete process.env[name];
    try {
      const [one, other] = [await startProxy({ auth: AUTH }), await startProxy()];
      const origin = createServer((_req, res) => res.end('ok'));
      await once(origin.listen(0, '127.0.0.1'), 'listening');
      const { port } = origin.address() as AddressInfo;
      const proxy = await startProxy({ upstream: 'env' });
      const status = async (way: 'connect' | 'forward'): Promise<number> => {
        const { reply, client } = await ask(proxy, way, '127.0.0.1', port);
        client.destroy();
        return reply;
      };
      const tunnels = (): number[] => [one, other].map((each) => each.stats().connections.accepted);
      expect([await status('connect'), tunnels()]).toEqual([200, [0, 0]]);
      process.env.ALL_PROXY = `socks5://ann:p%40ss@127.0.0.1:${one.port}`;
      expect([await status('connect'), tunnels()]).toEqual([200, [1, 0]]);
      process.env.HTTP_PROXY = `http://127.0.0.1:${other.port}`;
      expect([await status('connect'), tunnels()]).toEqual([200, [2, 0]]);
      expect([await status('forward'), tunnels()]).toEqual([200, [2, 1]]);
      process.env.NO_PROXY = '127.0.0.0/8';
      expect([await status('connect'), tunnels()]).toEqual([200, [2, 1]]);
      delete process.env.NO_PROXY;
      process.env.ALL_PROXY = `socks5://127.0.0.1:${proxy.port}`;
      expect([await status('connect'), proxy.stats().denied.loops]).toEqual([502, 1]);
      origin.close().closeAllConnections();
    } finally {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  test('that is dead fails each request: nothing goes past it', async () => {
    const reached = jest.fn();
    const { port } = await startListener(reached);
    const gone = await startProxy();
    const url = `socks5://127.0.0.1:${gone.port}`;
    gone.destroy();
    await once(gone, 'close');
    const proxy = await startProxy({ upstream: url });
    const replies = [];
    for (const way of ['socks4', 'socks5', 'connect', 'forward'] as const) {
      replies.push((await ask(proxy, way, '127.0.0.1', port)).reply);
    }
    expect(replies).toEqual([91, 5, 502, 502]);
    expect(reached).not.toHaveBeenCalled();
  });
});

describe('TLS with clients', () => {
  async function secure(
    options: ProxyServerOptions = {},
  ): Promise<{ proxy: ProxyServer; tls: TlsContext; ca: string }> {
    const root = await Authority.root();
    const { cert, key } = await root.issue();
    const proxy = await startProxy({ ...options, tls: { cert, key } });
    return { proxy, tls: await TlsContext.client({ ca: root.cert }), ca: root.cert };
  }

  test('comes before HTTP: each half-close is passed on, and the counts are of the tunnel alone', async () => {
    const closed: TunnelStats[] = [];
    const { proxy, tls } = await secure({ auth: AUTH, onClose: (stats) => closed.push(stats) });
    const port = await counting();
    const hop = { url: `https://localhost:${proxy.port}`, ...AUTH, tls };
    const socket = await connect({ host: '127.0.0.1', port, proxy: hop });
    socket.write(Buffer.alloc(300_000));
    await socket.end();
    expect((await rest(socket)).toString()).toBe('heard 300000');
    await until(() => closed.length === 1, 'onClose');
    expect(closed[0]).toMatchObject({ sent: 300_000, received: 12, error: null, request: { username: 'ann' } });
  });

  test('comes before SOCKS as well', async () => {
    const { proxy, ca } = await secure();
    const port = await counting();
    const client = RawClient.accepted(connectTls({ port: proxy.port, host: '127.0.0.1', servername: 'localhost', ca }));
    client.send(Buffer.concat([Buffer.from([5, 1, 0]), socks5Request('127.0.0.1', port), Buffer.from('early')]));
    expect([...(await client.exactly(4))]).toEqual([5, 0, 5, 0]);
    await client.exactly(8);
    client.end();
    expect((await client.rest()).toString()).toBe('heard 5');
    await until(() => proxy.stats().tunnels.ended === 1, 'it has ended');
    expect(proxy.stats().bytes).toEqual({ sent: 5, received: 7 });
  });
});

test('bytes of a tunnel go through the relay, each counted once, and most of them are not copied', async () => {
  const counters = (): number[] => {
    const { counters: all } = metrics.snapshot() as unknown as { counters: Record<string, number> };
    return ['started', 'bytes', 'spliced_bytes'].map((name) => all[`millrace_relay_${name}_total`]);
  };
  const before = counters();
  const size = 32 << 20;
  const [said, stats] = await through({}, size);
  expect(said).toBe(`heard ${size}`);
  expect(stats).toMatchObject({ sent: size, received: said.length });
  const [started, bytes, spliced] = counters().map((count, place) => count - before[place]);
  expect([started, bytes]).toEqual([1, size + said.length]);
  if (process.platform === 'linux') expect(spliced).toBeGreaterThan(size / 2);
});

test('authorize is asked about requests in absolute form too, by the words of the request', async () => {
  const origin = createServer((_req, res) => res.end('ok'));
  await once(origin.listen(0, '127.0.0.1'), 'listening');
  const { port } = origin.address() as AddressInfo;
  const heard: object[] = [];
  const closed = jest.fn();
  const proxy = await startProxy({ authorize: (request) => heard.push(request) < 2, onClose: closed });
  const { head, client } = await ask(proxy, 'forward', 'localhost', port, { user: 'claims' });
  expect(head).toMatch(/^HTTP\/1\.1 200 /);
  const place = { remoteAddress: '127.0.0.1', remotePort: client.socket.localPort };
  expect(heard).toEqual([{ protocol: 'http', host: 'localhost', port, username: 'claims', ...place }]);
  expect((await ask(proxy, 'forward', 'localhost', port)).reply).toBe(403);
  // No tunnel was there to close.
  expect(closed).not.toHaveBeenCalled();
  expect(proxy.stats()).toMatchObject({ forwarded: 1, denied: { forbidden: 1 }, tunnels: { failed: 0 } });
  const silent = await RawClient.connect(proxy);
  silent.send(forwardHead('a b', port));
  expect((await silent.response()).status).toBe(400);
  origin.close().closeAllConnections();
});
