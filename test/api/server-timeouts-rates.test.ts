import { metrics } from '../../ts/index.js';
import type { MillraceError } from '../../ts/index.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, request, start } from '../support/test-server.js';

endsWithItsTest();

const GRACE = 5_000;
const counter = (phase: 'receiveRate' | 'sendRate'): number =>
  metrics.snapshot().counters[`millrace_http_server_timeouts_total{phase="${phase}"}`];

test('minReceiveRate, minSendRate: who is slower is cut after 5 seconds, counted, and told which limit it was', async () => {
  const before = { receive: counter('receiveRate'), send: counter('sendRate') };
  const reasons: MillraceError[] = [];
  let told = (): void => undefined;
  const both = new Promise<void>((resolve) => (told = () => reasons.length === 2 && resolve()));
  // What the system's buffer takes at once buys next to nothing at such a rate.
  const server = await start({
    minReceiveRate: 240,
    minSendRate: 2_147_483_647,
    async handler(req, res) {
      req.signal.addEventListener('abort', () => {
        reasons.push(req.signal.reason as MillraceError);
        told();
      });
      if (req.path === '/up') await req.bytes();
      // Who listens is told how the exchange ends, also when it is all queued.
      else res.on('close', () => undefined).end(Buffer.alloc(64 << 20));
    },
    onError: () => undefined,
  });
  const began = performance.now();
  const down = await RawClient.connect(server);
  down.socket.pause();
  down.send(get('/down'));
  const up = await RawClient.connect(server);
  up.send(request('POST', '/up', ['Content-Length: 1000']));
  const drip = setInterval(() => up.send('x'), 1_000);
  const text = (await up.rest()).toString('latin1');
  const after = performance.now() - began;
  clearInterval(drip);
  await both;
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
  expect(after).toBeGreaterThanOrEqual(GRACE);
  expect(after).toBeLessThan(GRACE + 2_000);
  const [receive, send] = reasons.sort((one, other) => one.code.localeCompare(other.code));
  expect(receive).toMatchObject({ code: 'MILLRACE_RECEIVE_RATE', kind: 'timeout', phase: 'body' });
  expect(receive.limit).toMatchObject({ option: 'minReceiveRate', value: 240 });
  expect(receive.limit?.seen).toBeLessThan(240);
  expect(send).toMatchObject({ code: 'MILLRACE_SEND_RATE', kind: 'timeout', phase: 'send' });
  expect(send.limit).toMatchObject({ option: 'minSendRate', value: 2_147_483_647 });
  expect(send.limit?.seen).toBeLessThan(2_147_483_647);
  expect(server.stats().timeouts).toMatchObject({ receiveRate: 1, sendRate: 1 });
  expect({ receive: counter('receiveRate'), send: counter('sendRate') }).toEqual({
    receive: before.receive + 1,
    send: before.send + 1,
  });
});
