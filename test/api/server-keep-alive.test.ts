import { endsWithItsTest, get, post, start, startWithClient } from '../support/test-server.js';
import { RawClient } from '../support/raw-client.js';

endsWithItsTest();

const connection = (head: { headers: Record<string, string[]> }): string | undefined =>
  head.headers['connection']?.join(', ').toLowerCase();

test('serves many requests over one connection', async () => {
  const { server, client } = await startWithClient({ handler: (req, res) => res.end(req.url) });
  for (let round = 0; round < 20; round++) {
    const { status, body } = await client.send(get(`/${round}`)).response();
    expect([status, body.toString()]).toEqual([200, `/${round}`]);
  }
  expect(server.stats().connections.accepted).toBe(1);
  expect(server.stats().requests.total).toBe(20);
});

test('advertises its idle time in whole seconds to a client that asks for keep-alive', async () => {
  const { client } = await startWithClient({ keepAliveTimeout: 7_900, handler: (_req, res) => res.end() });
  const { headers } = await client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').response();
  expect(headers['connection']).toEqual(['keep-alive']);
  expect(headers['keep-alive']).toEqual(['timeout=7']);
});

test('closes after a request that says Connection: close, and says so', async () => {
  const { client } = await startWithClient({ handler: (_req, res) => res.end('x') });
  const response = await client.send(get('/', 'Connection: close')).response();
  expect(connection(response)).toBe('close');
  await client.closed();
  expect(client.error).toBeUndefined();
});

test('closes after an HTTP/1.0 request without keep-alive', async () => {
  const { client } = await startWithClient({ handler: (req, res) => res.end(req.httpVersion) });
  const response = await client.send('GET / HTTP/1.0\r\n\r\n').response();
  expect(response.body.toString()).toBe('1.0');
  await client.closed();
});

test('ends an HTTP/1.0 response of unknown length by closing, without chunks', async () => {
  const { client } = await startWithClient({
    handler: (_req, res) => {
      res.write('a');
      res.write('b');
      res.end('c');
    },
  });
  const response = await client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').response();
  expect(response.headers['transfer-encoding']).toBeUndefined();
  expect(response.body.toString()).toBe('abc');
});

test('a handler that sets Connection: close ends the connection', async () => {
  const { client } = await startWithClient({
    handler: (_req, res) => {
      res.setHeader('Connection', 'close');
      res.end('bye');
    },
  });
  const response = await client.send(get()).response();
  expect(connection(response)).toBe('close');
  expect(response.body.toString()).toBe('bye');
  await client.closed();
});

test('goes on after a body that the handler has not read', async () => {
  const { client } = await startWithClient({ handler: (_req, res) => res.end('ok') });
  for (let round = 0; round < 3; round++) {
    const { status } = await client.send(post('/', 'x'.repeat(30_000))).response();
    expect(status).toBe(200);
  }
});

test('an unread body of a megabyte closes the connection, yet the answer arrives', async () => {
  const { client } = await startWithClient({ handler: (_req, res) => res.end('enough') });
  const response = await client.send(post('/', 'x'.repeat(1 << 20))).response();
  expect(response.body.toString()).toBe('enough');
  await client.closed();
});

test('keeps connections apart', async () => {
  const server = await start({ handler: async (req, res) => res.end(await req.text()) });
  const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(server)));
  const answers = await Promise.all(clients.map((client, place) => client.send(post('/', `body ${place}`)).response()));
  expect(answers.map(({ body }) => body.toString())).toEqual(clients.map((_, place) => `body ${place}`));
  expect(server.stats().connections).toEqual({ active: 50, accepted: 50, refused: 0 });
});
