import { once } from 'node:events';

import { connect } from '../../ts/index.js';
import type { ProxyServer, ProxyServerOptions } from '../../ts/index.js';
import { deferred, until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { ScriptedProxy, scriptedProxiesEndWithTheirTest, socks5Reply } from '../support/scripted-proxy.js';
import { listenersEndWithTheirTest, startListener } from '../support/test-listener.js';
import { ask, forwardHead, proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest, start } from '../support/test-server.js';

listenersEndWithTheirTest();
proxiesEndWithTheirTest();
scriptedProxiesEndWithTheirTest();
endsWithItsTest();

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
  const { port } = await start({ handler: (_, res) => res.end() });
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

/** Proxies each of which has the next as its upstream, and the last the first. */
async function circleOf(kinds: readonly string[], options: ProxyServerOptions = {}): Promise<ProxyServer[]> {
  const taken = await startProxy();
  const { port } = taken;
  taken.destroy();
  await once(taken, 'close');
  const circle: ProxyServer[] = [];
  let next = port;
  for (const kind of [...kinds.slice(1)].reverse()) {
    const proxy = await startProxy({ ...options, upstream: `${kind}://127.0.0.1:${next}` });
    circle.unshift(proxy);
    next = proxy.port;
  }
  circle.unshift(await startProxy({ ...options, port, upstream: `${kinds[0]}://127.0.0.1:${next}` }));
  return circle;
}

describe('a circle that no protocol shows', () => {
  test.each([
    [['socks5h', 'socks5h']],
    [['socks5', 'socks5']],
    [['socks4a', 'socks4a']],
    [['socks4', 'socks4']],
    [['socks5h', 'socks4']],
    // The side of SOCKS loses what the side of HTTP says.
    [['socks5h', 'http']],
    [['http', 'socks4a']],
    [['socks5', 'socks4a', 'http']],
  ])('of %j is seen by what comes back, and broken', async (kinds) => {
    const { port: target } = await startListener(() => undefined);
    const errors: unknown[] = [];
    const circle = await circleOf(kinds, { onClose: ({ error }) => errors.push((error as { code?: string }).code) });
    const names = kinds.every((kind) => kind !== 'socks4' && kind !== 'socks5') ? ['circle.test'] : [];
    for (const host of ['127.0.0.1', ...names]) {
      const { opened, client } = await ask(circle[0], 'socks5', host, target);
      expect([host, opened]).toEqual([host, false]);
      client.destroy();
    }
    await until(() => circle.every((proxy) => proxy.stats().tunnels.active === 0), 'all is over');
    await until(() => circle.every((proxy) => proxy.stats().connections.active === 0), 'all are closed');
    expect(errors).toContain('MILLRACE_PROXY_LOOP');
    // A look comes at sixteen; it goes round while a few more do.
    for (const proxy of circle) expect(proxy.stats().connections.accepted).toBeLessThan(100);
  });

  test('is seen through a proxy that knows no unknown name, by an address that nobody has', async () => {
    const { port: target } = await startListener(() => undefined);
    const asked: string[] = [];
    const back = { port: 0 };
    const stranger = await ScriptedProxy.start(async (peer) => {
      await peer.exactly(3);
      peer.send('\x05\0');
      const head = await peer.exactly(4);
      if (head[3] === 3) {
        asked.push('a name');
        return peer.send(socks5Reply(4)).end();
      }
      const rest = await peer.exactly(6);
      const place = { host: [...rest.subarray(0, 4)].join('.'), port: rest.readUInt16BE(4) };
      asked.push(place.host);
      const way = connect({ ...place, proxy: `socks5://127.0.0.1:${back.port}` });
      await way.then(
        (socket) => socket.destroy(),
        () => undefined,
      );
      return peer.send(socks5Reply(1)).end();
    });
    const errors: unknown[] = [];
    const proxy = await startProxy({
      upstream: stranger.url('socks5'),
      onClose: ({ error }) => errors.push((error as { code?: string }).code),
    });
    back.port = proxy.port;
    const { opened } = await ask(proxy, 'socks5', '127.0.0.1', target);
    expect(opened).toBe(false);
    await until(() => proxy.stats().tunnels.active === 0, 'all is over');
    expect(errors).toContain('MILLRACE_PROXY_LOOP');
    expect(asked).toContain('a name');
    const strange = asked.filter((host) => host !== 'a name' && host !== '127.0.0.1');
    expect(strange).not.toEqual([]);
    for (const host of strange) expect(host).toMatch(/^251\.114\./);
    expect(proxy.stats().connections.accepted).toBeLessThan(100);
  });

  test('an address of a look is dialled by nobody, in whatever spelling, and passed on by rules alone', async () => {
    const proxy = await startProxy();
    for (const host of ['251.114.0.1', '::ffff:251.114.0.1']) {
      expect((await ask(proxy, 'socks5', host, 80)).reply).toBe(4);
    }
    const seen: string[] = [];
    const upstream = await startProxy({ authorize: ({ host }) => seen.push(host) < 0 });
    const between = await startProxy({ upstream: `socks5://127.0.0.1:${upstream.port}`, allowPrivate: false });
    expect((await ask(between, 'socks5', '251.114.0.1', 80)).opened).toBe(false);
    expect((await ask(between, 'socks5', '251.115.0.1', 80)).reply).toBe(2);
    expect(seen).toEqual(['251.114.0.1']);
  });

  test('is known from then on: the next request is refused without going round', async () => {
    const [one, other] = await circleOf(['socks5h', 'socks5h']);
    const first = await ask(one, 'connect', 'circle.test', 1);
    expect(first.reply).toBe(502);
    await until(() => one.stats().tunnels.active + other.stats().tunnels.active === 0, 'all is over');
    const seer = one.stats().denied.loops > 0 ? one : other;
    const [before, after] = [one.stats(), other.stats()];
    const again = await ask(seer, 'connect', 'other.test', 1);
    expect(again.head).toContain('Proxy-Status: millrace; error=proxy_loop_detected\r\n');
    expect(seer.stats().denied.loops).toBe((seer === one ? before : after).denied.loops + 1);
    const accepted = one.stats().connections.accepted + other.stats().connections.accepted;
    expect(accepted).toBe(before.connections.accepted + after.connections.accepted + 1);
  });

  test('is not taken for one where many go the same way: they wait, and all are served', async () => {
    const { port } = await startListener((socket) => void socket.end('hello'));
    const gate = deferred();
    const hosts: string[] = [];
    const upstream = await startProxy({
      authorize: async ({ host }) => {
        hosts.push(host);
        await gate.promise;
        return true;
      },
    });
    const proxy = await startProxy({ upstream: `socks5h://127.0.0.1:${upstream.port}` });
    const through = `socks5h://127.0.0.1:${proxy.port}`;
    const clients = Array.from({ length: 100 }, () => connect({ host: '127.0.0.1', port, proxy: through }));
    await until(
      () => hosts.length === 102,
      () => `they have all asked, and one look for a name and an address: ${hosts.length}`,
    );
    const looks = hosts.filter((host) => host !== '127.0.0.1').sort();
    expect(looks).toEqual([
      expect.stringMatching(/^251\.114\.\d+\.\d+$/),
      expect.stringMatching(/^millrace-circle-[0-9a-f]{32}\.invalid$/),
    ]);
    gate.resolve();
    for (const socket of await Promise.all(clients)) socket.destroy();
    await until(() => proxy.stats().tunnels.active === 0);
    expect(proxy.stats()).toMatchObject({ tunnels: { ended: 100, failed: 0 }, denied: { loops: 0 } });
    // The look led nowhere there, without asking any name server or dialling.
    await until(() => upstream.stats().tunnels.failed === 2);
  });
});
