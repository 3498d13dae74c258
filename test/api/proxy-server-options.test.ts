// Options of createProxyServer() that say where it listens, whom it takes a client for, and how long it tries to connect.
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import type { ProxyRequest, ProxyServer, ProxyServerOptions, TunnelStats } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { backlogOf, noKernelSockets } from '../support/kernel-socket.js';
import { RawClient } from '../support/raw-client.js';
import { echo, listenersEndWithTheirTest, startListener } from '../support/test-listener.js';
import { ask, connectHead, proxiesEndWithTheirTest, socks5Request, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest } from '../support/test-server.js';
import { NO_UNACCEPTING, unaccepting } from '../support/unaccepting.js';
import { where } from '../support/where.js';

proxiesEndWithTheirTest();
listenersEndWithTheirTest();
endsWithItsTest();

const OPEN: ProxyServerOptions = { open: true, allowPrivate: true };
const inUse = { cause: { code: 'EADDRINUSE' } };

/** Whether it opens a tunnel for a client that comes by this address. */
async function serves(host: string, port: number, target: number): Promise<boolean> {
  const { opened, client } = await ask({ host, port }, 'socks5', '127.0.0.1', target);
  client.destroy();
  return opened;
}

test('port and host say where, and reusePort lets several be there', async () => {
  const node = createServer().listen(0, '127.0.0.1');
  await once(node, 'listening');
  const { port } = node.address() as AddressInfo;
  node.close();
  await once(node, 'close');
  const target = await startListener(echo);
  const proxy = await startProxy({ port, host: '127.0.0.3', reusePort: true });
  expect(proxy.address()).toMatchObject({ address: '127.0.0.3', port });
  expect(await serves('127.0.0.3', port, target.port)).toBe(true);
  await expect(startProxy({ port, host: '127.0.0.3' })).rejects.toMatchObject(inUse);
  expect((await startProxy({ port, host: '127.0.0.3', reusePort: true })).port).toBe(port);
});

test('ipv6Only keeps clients of IPv4 away', async () => {
  const target = await startListener(echo);
  for (const ipv6Only of [false, true]) {
    const { port } = await startProxy({ ...OPEN, host: '::', ipv6Only });
    expect(await serves('::1', port, target.port)).toBe(true);
    const byIpv4 = serves('127.0.0.1', port, target.port);
    if (ipv6Only) await expect(byIpv4).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    else expect(await byIpv4).toBe(true);
  }
});

where('the backlog of a proxy', noKernelSockets).test('backlog is how many may wait to be accepted', async () => {
  expect(await backlogOf(await startProxy({ backlog: 9 }))).toBe(9);
});

test('its signal destroys it', async () => {
  const control = new AbortController();
  const proxy = await startProxy({ signal: control.signal });
  const client = await RawClient.connect(proxy);
  const closed = once(proxy, 'close');
  control.abort();
  await Promise.all([closed, client.closed()]);
});

describe('whom it takes a client for', () => {
  /** A proxy that tells whom it serves. */
  async function watched(options: ProxyServerOptions): Promise<{ proxy: ProxyServer; seen: ProxyRequest[] }> {
    const seen: ProxyRequest[] = [];
    const authorize = (request: ProxyRequest): boolean => seen.push(request) < 0;
    return { proxy: await startProxy({ ...OPEN, ...options, authorize }), seen };
  }

  test.each(['required', 'optional', 'off'] as const)('proxyProtocol: %s', async (proxyProtocol) => {
    const { proxy, seen } = await watched({ proxyProtocol });
    const client = await RawClient.connect(proxy);
    client.send('PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n');
    client.send(connectHead('far.test', 443));
    await client.closed();
    const from = { remoteAddress: '203.0.113.9', remotePort: 4711 };
    if (proxyProtocol === 'off') expect([seen, proxy.stats().handshakes.malformed]).toEqual([[], 1]);
    else expect(seen).toEqual([expect.objectContaining(from)]);
    const plain = await RawClient.connect(proxy);
    plain.send(Buffer.concat([Buffer.from([5, 1, 0]), socks5Request('far.test', 443)]));
    await plain.closed();
    const own = seen.filter(({ remoteAddress }) => remoteAddress === '127.0.0.1');
    expect(own).toHaveLength(proxyProtocol === 'required' ? 0 : 1);
  });

  test.each([
    [['127.0.0.1'], '203.0.113.5'],
    [['127.0.0.0/8', '198.51.100.0/24'], '203.0.113.5'],
    [['192.0.2.1'], '127.0.0.1'],
    [undefined, '127.0.0.1'],
  ])('trustProxy: %j: %s', async (trustProxy, remoteAddress) => {
    const { proxy, seen } = await watched(trustProxy === undefined ? {} : { trustProxy });
    const client = await RawClient.connect(proxy);
    const field = trustProxy?.length === 2 ? '203.0.113.5, 198.51.100.7' : '203.0.113.5';
    client.send(connectHead('far.test', 443).replace('\r\n\r\n', `\r\nX-Forwarded-For: ${field}\r\n\r\n`));
    await until(() => seen.length === 1);
    expect(seen[0]).toMatchObject({ remoteAddress, host: 'far.test' });
    client.destroy();
  });
});

where('a target that does not accept', NO_UNACCEPTING).describe('connectTimeout', () => {
  test('is told in the words of each protocol when it has passed, and each tunnel that failed is counted', async () => {
    const nobody = await unaccepting();
    try {
      const closed: TunnelStats[] = [];
      const connectTimeout = 40;
      const proxy = await startProxy({ connectTimeout, onClose: (stats) => closed.push(stats) });
      for (const [way, reply] of [
        ['socks5', 6],
        ['socks4', 91],
        ['socks4a', 91],
        ['connect', 504],
        ['forward', 504],
      ] as const) {
        const began = performance.now();
        const asked = await ask(proxy, way, '127.0.0.1', nobody.port);
        expect([way, asked.opened, asked.reply]).toEqual([way, false, reply]);
        // Never early.
        expect(performance.now() - began).toBeGreaterThanOrEqual(connectTimeout);
        if (reply === 504) expect(asked.head).toContain('Proxy-Status: millrace; error=connection_timeout');
        asked.client.destroy();
      }
      await until(() => closed.length === 4, 'each tunnel was told of');
      const limit = { option: 'timeouts.connect', value: connectTimeout };
      for (const { error } of closed) expect(error).toMatchObject({ code: 'MILLRACE_CONNECT_TIMEOUT', limit });
      expect(proxy.stats()).toMatchObject({ tunnels: { active: 0, ended: 0, failed: 4 }, forwarded: 0 });
    } finally {
      await nobody.end();
    }
  });

  test('holds for a proxy on the way as well', async () => {
    const nobody = await unaccepting();
    try {
      const proxy = await startProxy({ connectTimeout: 40, upstream: `socks5h://127.0.0.1:${nobody.port}` });
      const { reply } = await ask(proxy, 'socks5', 'far.test', 443);
      expect(reply).toBe(6);
    } finally {
      await nobody.end();
    }
  });
});
