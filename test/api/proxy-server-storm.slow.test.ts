import { readdirSync } from 'node:fs';

import { census } from '../../ts/native/events.js';
import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { echo, listenersEndWithTheirTest, startListener } from '../support/test-listener.js';
import { ask, connectHead, proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest } from '../support/test-server.js';

listenersEndWithTheirTest();
proxiesEndWithTheirTest();
endsWithItsTest();

const MANY = 2_000;
const descriptors = (): number => readdirSync('/proc/self/fd').length;

test('2 000 handshakes that stall are cut in time and counted, and the rest is served meanwhile', async () => {
  const { port } = await startListener(echo);
  const proxy = await startProxy({ handshakeTimeout: 2_500, maxConnections: MANY + 10 });
  const probe = async (): Promise<void> => {
    const { client, opened } = await ask(proxy, 'connect', '127.0.0.1', port);
    expect(opened).toBe(true);
    client.send('probe').end();
    expect((await client.rest()).toString()).toBe('probe');
  };
  await probe();
  await until(() => proxy.stats().connections.active === 0, 'the probe is gone');
  const [open, held] = [descriptors(), JSON.stringify({ ...census(), buffers: 0 })];
  const begun = [
    Buffer.from([5]),
    Buffer.from([5, 1, 0]),
    Buffer.from([5, 1, 0, 5, 1, 0, 3, 200]),
    Buffer.from([4, 1, 0, 80, 0, 0, 0, 1, 65]),
    Buffer.from(connectHead('a.test', 80).slice(0, -2)),
  ];
  const stalled: RawClient[] = [];
  while (stalled.length < MANY) {
    stalled.push(
      ...(await Promise.all(
        begun.map(async (bytes) => {
          const client = await RawClient.connect(proxy);
          client.socket.on('error', () => undefined);
          return client.send(bytes);
        }),
      )),
    );
  }
  await until(() => proxy.stats().connections.accepted === MANY + 1, 'all are there');
  await probe();
  await Promise.all(stalled.map((client) => client.closed()));
  for (const client of stalled) client.destroy();
  await probe();
  await until(
    () => proxy.stats().connections.active === 0,
    () => JSON.stringify(proxy.stats()),
  );
  expect(proxy.stats()).toMatchObject({
    connections: { accepted: MANY + 3, refused: 0 },
    handshakes: { late: MANY, malformed: 0 },
    tunnels: { active: 0, ended: 3, failed: 0 },
  });
  await until(
    () => descriptors() <= open,
    () => `${descriptors()} descriptors, ${open} before`,
  );
  expect(JSON.stringify({ ...census(), buffers: 0 })).toBe(held);
}, 30_000);
