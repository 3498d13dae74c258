import { until } from '../support/condition.js';
import { endsWithItsTest, get, request, start, startWithClient } from '../support/test-server.js';
import { RawClient } from '../support/raw-client.js';

endsWithItsTest();

const LIMIT = 150;
const handler = async (req: { bytes(): Promise<Uint8Array> }, res: { end(body: string): unknown }): Promise<void> =>
  void res.end(String((await req.bytes()).byteLength));

/** What the client gets, and after how many milliseconds its connection ends; the clock starts before the bytes. */
async function expiry(client: RawClient, bytes: string): Promise<{ text: string; after: number }> {
  const began = performance.now();
  client.send(bytes);
  const text = (await client.rest()).toString('latin1');
  return { text, after: performance.now() - began };
}

test('headersTimeout: half a head is answered with 408, not early', async () => {
  const { server, client } = await startWithClient({ headersTimeout: LIMIT, handler });
  await client.send(get()).response();
  const { text, after } = await expiry(client, 'GET / HTTP/1.1\r\nHost:');
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
  expect(after).toBeGreaterThanOrEqual(LIMIT - 1);
  expect(server.stats().timeouts.headers).toBe(1);
});

test('headersTimeout: a connection without a byte is closed silently', async () => {
  const { client } = await startWithClient({ headersTimeout: LIMIT, handler });
  expect((await client.rest()).length).toBe(0);
});

test('bodyTimeout: a body that stops is answered with 408, not early', async () => {
  const { server, client } = await startWithClient({ bodyTimeout: LIMIT, handler });
  const { text, after } = await expiry(client, request('POST', '/', ['Content-Length: 10']) + 'half');
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
  expect(after).toBeGreaterThanOrEqual(LIMIT - 1);
  expect(server.stats().timeouts.body).toBe(1);
});

test('requestTimeout: a body that drips in time for bodyTimeout is cut all the same', async () => {
  const { server, client } = await startWithClient({ requestTimeout: LIMIT, bodyTimeout: 10_000, handler });
  const drip = setInterval(() => client.send('x'), 20);
  const { text, after } = await expiry(client, request('POST', '/', ['Content-Length: 1000']));
  clearInterval(drip);
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
  expect(after).toBeGreaterThanOrEqual(LIMIT - 1);
  expect(server.stats().timeouts.request).toBe(1);
});

test('writeTimeout: a response that nobody takes is cut', async () => {
  const server = await start({ writeTimeout: LIMIT, handler: (_req, res) => res.end(Buffer.alloc(64 << 20)) });
  const client = await RawClient.connect(server);
  client.socket.pause();
  client.send(get());
  await until(() => server.stats().timeouts.send === 1);
  await until(() => server.stats().connections.active === 0);
  expect(server.stats().requests.active).toBe(0);
});

test('keepAliveTimeout: an idle connection is closed silently a second after what was advertised', async () => {
  const { server, client } = await startWithClient({ keepAliveTimeout: LIMIT, handler });
  await client.send(get()).response();
  const { text, after } = await expiry(client, '');
  expect(text).toBe('');
  expect(after).toBeGreaterThanOrEqual(LIMIT);
  expect(server.stats().timeouts.idle).toBe(1);
});
