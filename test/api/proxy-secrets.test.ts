// Credentials of proxies are in nothing that millrace says or shows.
import type { IncomingMessage } from 'node:http';
import { createServer, request } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { HttpAgent } from '../../ts/compat/agent.js';
import type { ConnectOptions, ProxyServer } from '../../ts/index.js';
import { connect, createProxyServer } from '../../ts/index.js';
import { httpReply, ScriptedProxy, scriptedProxiesEndWithTheirTest } from '../support/scripted-proxy.js';
import { until } from '../support/condition.js';
import { expectSilence, hearsEverything, PASSWORD, show, USER } from '../support/secrets.js';
import { endsWithItsTest } from '../support/test-server.js';

scriptedProxiesEndWithTheirTest();
endsWithItsTest();

hearsEverything();

const hop = (port: number, kind: string, how: 'url' | 'fields'): ConnectOptions['proxy'] =>
  how === 'url'
    ? `${kind}://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`
    : { url: `${kind}://127.0.0.1:${port}`, username: USER, password: PASSWORD };

async function outcome(options: ConnectOptions): Promise<void> {
  await connect(options).then(
    (socket) => {
      show(socket);
      socket.destroy();
    },
    (error: unknown) => show(error),
  );
}

describe.each(['socks5h', 'http'])('by %s', (kind) => {
  test.each(['url', 'fields'] as const)('right, wrong and refused, from the %s', async (how) => {
    const proxies: ProxyServer[] = [];
    for (const password of [PASSWORD, 'another']) {
      const proxy = await createProxyServer({ auth: { username: USER, password }, onClose: show });
      proxies.push(proxy);
      await outcome({ host: '127.0.0.1', port: 1, proxy: hop(proxy.port, kind, how) });
      await outcome({ host: '127.0.0.1', port: proxy.port, proxy: hop(proxy.port, kind, how) });
      show(proxy);
      show(proxy.stats());
    }
    for (const proxy of proxies) proxy.destroy();
    await until(() => proxies.every((proxy) => proxy.stats().tunnels.active === 0));
    expectSilence();
  });

  test('a proxy that says them back is not quoted', async () => {
    const echoed = kind === 'http' ? httpReply(403, `X-Echo: ${PASSWORD}`) : '\x05\x02';
    const proxy = await ScriptedProxy.start(async (peer) => {
      await peer.more();
      peer.send(echoed);
      if (kind === 'socks5h') peer.send(`\x01${String.fromCharCode(1)}${PASSWORD}`);
    });
    await outcome({ host: 'far.test', port: 1, proxy: hop(proxy.port, kind, 'url') });
    expectSilence();
  });
});

test.each([
  ['a scheme', `gopher://${USER}:${PASSWORD}@127.0.0.1:1`],
  ['an encoding', `http://${USER}:${PASSWORD}%zz@127.0.0.1:1`],
  ['a port', `http://${USER}:${PASSWORD}@127.0.0.1:99999`],
  ['a path', `http://${USER}:${PASSWORD}@127.0.0.1:1/path`],
  ['a line end', { url: 'http://127.0.0.1:1', username: USER, password: `${PASSWORD}\r\n` }],
  ['its length', { url: 'socks5://127.0.0.1:1', username: USER, password: PASSWORD.repeat(30) }],
  ['fields of SOCKS', { url: `socks5://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:1`, headers: {} }],
])('of options that are refused for %s', async (_what, proxy) => {
  await outcome({ host: 'far.test', port: 1, proxy });
  expectSilence(2);
});

test('of an environment, and of an agent with its sockets', async () => {
  const target = createServer((_req, res) => res.end('ok'));
  await once(target.listen(0, '127.0.0.1'), 'listening');
  const proxy = await createProxyServer({ auth: { username: USER, password: PASSWORD } });
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/`;
  const before = process.env.ALL_PROXY;
  process.env.ALL_PROXY = hop(proxy.port, 'socks5h', 'url') as string;
  for (const name of [hop(proxy.port, 'http', 'url'), 'env'] as const) {
    const agent = new HttpAgent({ proxy: name, keepAlive: true });
    const req = request(url, { agent }).end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    await once(res.resume(), 'end');
    show(agent);
    show(res);
    agent.destroy();
  }
  if (before === undefined) delete process.env.ALL_PROXY;
  else process.env.ALL_PROXY = before;
  proxy.destroy();
  target.close().closeAllConnections();
  expectSilence();
});
