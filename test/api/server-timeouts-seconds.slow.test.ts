import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';

endsWithItsTest();

test('keepAliveTimeout is advertised in seconds and enforced a second later; a lingering close ends after two', async () => {
  const idle = await start({ keepAliveTimeout: 1_000, handler: (_req, res) => res.end() });
  const refusing = await start({ handler: (_req, res) => res.end() });
  const [client, wrong] = [await RawClient.connect(idle), await RawClient.connect(refusing)];
  const began = performance.now();
  expect((await client.send(get()).response()).headers['keep-alive']).toEqual(['timeout=1']);
  expect((await wrong.send('nonsense\r\n\r\n').response()).status).toBe(400);
  // It has its answer and the end of it, and leaves its own side open.
  await wrong.closed();
  expect(refusing.stats().connections.active).toBe(1);
  const lingered = until(() => refusing.stats().connections.active === 0).then(() => performance.now() - began);
  expect((await client.rest()).length).toBe(0);
  expect(performance.now() - began).toBeGreaterThanOrEqual(2_000);
  expect(idle.stats().timeouts.idle).toBe(1);
  expect(await lingered).toBeGreaterThanOrEqual(2_000);
});
