import { connect } from 'node:net';

import { metrics, setLogger } from '../../ts/index.js';
import type { ReputationOptions, ServeOptions } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { Authority } from '../support/pki.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';

endsWithItsTest();
beforeAll(() => setLogger(null));

const handler: ServeOptions['handler'] = (_req, res) => void res.end('served');
const counter = (name: string): number => (metrics.snapshot().counters as Record<string, number>)[name];
const refusedBy = (option: string): string => `millrace_limit_exceeded_total{option="${option}"}`;
const REFUSED = refusedBy('reputation');
const DELAYED = 'millrace_http_server_connections_delayed_total';

test('who sends nonsense waits, then is refused, both counted; a reload that turns it off lets it in', async () => {
  const [refused, delayed] = [counter(REFUSED), counter(DELAYED)];
  const server = await start({
    handler,
    // Twice five points, and five times, less what has faded of them meanwhile.
    reputation: { delayAt: 9, refuseAt: 24, delay: 100, halfLife: 86_400_000 },
  });
  const send = async (bytes: string): Promise<[number, number]> => {
    const began = performance.now();
    const { status } = await (await RawClient.connect(server)).send(bytes).response();
    return [status, performance.now() - began];
  };
  for (let count = 0; count < 2; count++) expect((await send('nonsense\r\n\r\n'))[0]).toBe(400);
  const [status, took] = await send(get());
  expect(status).toBe(200);
  expect(took).toBeGreaterThanOrEqual(99);
  expect(counter(DELAYED) - delayed).toBe(1);
  for (let count = 0; count < 3; count++) expect((await send('nonsense\r\n\r\n'))[0]).toBe(400);
  expect((await send(get()))[0]).toBe(503);
  expect(counter(REFUSED) - refused).toBe(1);
  expect(server.stats().connections.refused).toBe(1);
  server.reload({ reputation: false });
  expect((await send(get()))[0]).toBe(200);
});

test('without the option nobody waits and nobody is refused, whatever it sends', async () => {
  const [refused, delayed] = [counter(REFUSED), counter(DELAYED)];
  const server = await start({ handler });
  for (let count = 0; count < 60; count++) {
    const client = await RawClient.connect(server);
    expect((await client.send('nonsense\r\n\r\n').response()).status).toBe(400);
  }
  expect((await (await RawClient.connect(server)).send(get()).response()).status).toBe(200);
  expect([counter(REFUSED) - refused, counter(DELAYED) - delayed]).toEqual([0, 0]);
});

test('handshakes that fail count, and a TLS port closes whom it refuses', async () => {
  const { cert, key } = await (await Authority.root()).issue();
  const server = await start({ handler, tls: { cert, key }, reputation: { delayAt: 9, refuseAt: 9 } });
  const knock = (bytes: string): Promise<number> =>
    new Promise((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes));
      let came = 0;
      socket.on('data', (chunk) => (came += chunk.length));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(came));
    });
  for (let count = 0; count < 2; count++) expect(await knock('\x16\x03\x01\x00\x01\xff')).toBeGreaterThan(0);
  await until(() => server.stats().connections.active === 0);
  expect(await knock('\x16\x03\x01\x00\x01\xff')).toBe(0);
  expect(server.stats().connections.refused).toBe(1);
});

test.each<[string, unknown]>([
  ['an unknown name', { delayat: 1 }],
  ['a threshold of nothing', { delayAt: 0 }],
  ['a refusal before the delay', { delayAt: 30, refuseAt: 29 }],
  ['a number', 5],
])('reputation of %s is refused, at the start and by a reload, which changes nothing', async (_name, reputation) => {
  const options = { handler, reputation: reputation as ReputationOptions };
  await expect(start(options)).rejects.toMatchObject({ code: expect.stringMatching(/OPTION|ARGUMENT/) as string });
  const server = await start({ handler, maxConnections: 5 });
  expect(() => server.reload({ maxConnections: 1, reputation: options.reputation })).toThrow(/reputation/);
  const clients = [await RawClient.connect(server), await RawClient.connect(server)];
  for (const client of clients) expect((await client.send(get()).response()).status).toBe(200);
});
