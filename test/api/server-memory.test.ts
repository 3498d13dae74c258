import type { ServerResponse } from '../../ts/index.js';
import { heldMemory, metrics, setMaxMemory } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, post, start } from '../support/test-server.js';

endsWithItsTest();

const MIB = 1 << 20;
const counted = (): number =>
  Number((metrics.snapshot().counters as Record<string, number>)['millrace_limit_exceeded_total{option="maxMemory"}']);

afterEach(() => setMaxMemory(null));

test('past setMaxMemory a request gets 503, the largest exchange is cut, and the server recovers', async () => {
  setMaxMemory(4 * MIB);
  const before = counted();
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
  const there = await RawClient.connect(server);
  expect((await there.send(get()).response()).status).toBe(200);
  const slow = await RawClient.connect(server);
  slow.socket.pause();
  slow.send(get('/large'));
  await until(() => heldMemory() > 4 * MIB);
  const refused = await (await RawClient.connect(server)).response();
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, ['1']]);
  const late = await there.send(get()).response();
  expect([late.status, late.headers['retry-after']]).toEqual([503, ['1']]);
  expect(server.stats().connections.refused).toBe(1);
  expect(counted()).toBe(before + 2);
  const { gauges } = metrics.snapshot();
  expect(Number((gauges as Record<string, number>).millrace_memory_held_bytes)).toBeGreaterThan(4 * MIB);
  await until(() => failed !== undefined);
  expect(failed).toMatchObject({ code: 'MILLRACE_MEMORY_LIMIT', kind: 'limit', limit: { value: 4 * MIB } });
  await until(() => heldMemory() < MIB);
  const client = await RawClient.connect(server);
  expect((await client.send(get()).response()).body.toString()).toBe('small');
});

test('from seven eighths of setMaxMemory on no body is read, its clock stands still, and it goes on when there is room', async () => {
  const BODY = 8 * MIB;
  const BODY_TIMEOUT = 400;
  setMaxMemory(4 * MIB);
  let holding: ServerResponse | undefined;
  let received = 0;
  let began = 0;
  let cut: { received: number; after: number } | undefined;
  const server = await start({
    bodyTimeout: BODY_TIMEOUT,
    async handler(req, res) {
      if (req.path === '/hold') {
        holding = res;
        res.flushHeaders();
        req.signal.addEventListener('abort', () => (cut = { received, after: performance.now() - began }));
        return;
      }
      began = performance.now();
      for await (const chunk of req) received += chunk.byteLength;
      res.end(String(received));
    },
  });
  const slow = await RawClient.connect(server);
  slow.socket.pause();
  slow.send(get('/hold'));
  await until(() => holding !== undefined);
  const upload = await RawClient.connect(server);
  // What is held is counted at the flush that ends a turn.
  while (heldMemory() < 3.6 * MIB) {
    holding?.write(Buffer.alloc(32 << 10));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(heldMemory()).toBeLessThan(4 * MIB);
  const answer = upload.send(post('/up', 'x'.repeat(BODY))).response();
  await until(() => cut !== undefined);
  // No more than what came with the head, or at one reading behind it.
  expect(cut?.received).toBeLessThanOrEqual(128 << 10);
  expect(cut?.after).toBeGreaterThan(BODY_TIMEOUT);
  const { status, body } = await answer;
  expect([status, body.toString()]).toEqual([200, String(BODY)]);
  expect(server.stats().timeouts.body).toBe(0);
  expect(heldMemory()).toBeLessThan(MIB);
});

test.each([0, 1.5, 1_048_575, '8', NaN])('setMaxMemory(%p) is out of range', (value) => {
  expect(() => setMaxMemory(value as number)).toThrow(RangeError);
});
