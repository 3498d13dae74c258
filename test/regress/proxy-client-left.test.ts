import { once } from 'node:events';
import { connect } from 'node:net';

import { createProxyServer } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { endsWithItsTest } from '../support/test-server.js';
import { reset } from '../support/reset.js';

endsWithItsTest();

const HELLO = Buffer.from([5, 1, 0]);
const REQUEST = Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, 0, 9]);

test.each([
  ['socks5', Buffer.concat([HELLO, REQUEST])],
  ['connect', Buffer.from('CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: a\r\n\r\n')],
])('a proxy forgets a client of %s that is reset while authorize thinks', async (_protocol, bytes) => {
  let asked = 0;
  const proxy = await createProxyServer({ authorize: () => new Promise(() => void asked++) });
  const client = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
  await once(client, 'connect');
  client.write(bytes);
  await until(() => asked === 1, 'authorize is asked');
  expect(proxy.stats().tunnels.active).toBe(1);
  reset(client);
  await until(() => proxy.stats().tunnels.failed === 1, 'the tunnel has failed');
  expect(proxy.stats().tunnels.active).toBe(0);
  proxy.destroy();
});
