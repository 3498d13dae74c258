import { once } from 'node:events';

import { RawClient } from '../support/raw-client.js';
import { listenersEndWithTheirTest, startListener } from '../support/test-listener.js';
import { ask, forwardHead, proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest, start } from '../support/test-server.js';

listenersEndWithTheirTest();
proxiesEndWithTheirTest();
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
