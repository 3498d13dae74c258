import { heldMemory, metrics, setMaxMemory } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';

endsWithItsTest();

const MIB = 1 << 20;

afterEach(() => setMaxMemory(null));

test('past setMaxMemory a request gets 503, the largest exchange is cut, and the server recovers', async () => {
  setMaxMemory(4 * MIB);
  let failed: unknown;
  const server = await start({
    handler: (req, res) => {
      if (req.path === '/') return void res.end('small');
      req.signal.addEventListener('abort', () => {
        failed = req.signal.reason as unknown;
      });
      // Of its own memory: what is copied counts as what is pinned.
      for (let i = 0; i < 24; i++) res.write(Buffer.alloc(MIB));
    },
  });
  const slow = await RawClient.connect(server);
  slow.socket.pause();
  slow.send(get('/large'));
  await until(() => heldMemory() > 4 * MIB);
  const refused = await (await RawClient.connect(server)).response();
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, ['1']]);
  const { gauges } = metrics.snapshot();
  expect(Number((gauges as Record<string, number>).millrace_memory_held_bytes)).toBeGreaterThan(4 * MIB);
  await until(() => failed !== undefined);
  expect(failed).toMatchObject({ code: 'MILLRACE_MEMORY_LIMIT', kind: 'limit', limit: { value: 4 * MIB } });
  await until(() => heldMemory() < MIB);
  const client = await RawClient.connect(server);
  expect((await client.send(get()).response()).body.toString()).toBe('small');
});

test.each([0, 1.5, 1_048_575, '8', NaN])('setMaxMemory(%p) is out of range', (value) => {
  expect(() => setMaxMemory(value as number)).toThrow(RangeError);
});
