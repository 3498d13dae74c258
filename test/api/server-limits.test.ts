import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { chunked, endsWithItsTest, get, post, request, start, startWithClient } from '../support/test-server.js';

endsWithItsTest();

const read = async (req: { bytes(): Promise<Uint8Array> }, res: { end(body: string): unknown }): Promise<void> => {
  res.end(String((await req.bytes()).byteLength));
};

test('maxUrlSize: a target of that size is served, one byte more gets 414', async () => {
  const server = await start({ maxUrlSize: 100, handler: read });
  const at = (size: number) =>
    RawClient.connect(server).then((client) => client.send(get('/'.padEnd(size, 'x'))).response());
  expect((await at(100)).status).toBe(200);
  expect((await at(101)).status).toBe(414);
});

test('maxHeaderSize: a block of that size is served, one byte more gets 431', async () => {
  // Host: a counts 4 + 1 + 4; X counts 1 + n + 4.
  const server = await start({ maxHeaderSize: 200, handler: read });
  const at = (size: number) =>
    RawClient.connect(server).then((client) => client.send(get('/', `X: ${'v'.repeat(size - 9 - 5)}`)).response());
  expect((await at(200)).status).toBe(200);
  expect((await at(201)).status).toBe(431);
});

test('maxHeaderFields: so many fields are served, one more gets 431', async () => {
  const server = await start({ maxHeaderFields: 5, handler: read });
  const at = (fields: number) =>
    RawClient.connect(server).then((client) =>
      client.send(get('/', ...Array.from({ length: fields - 1 }, (_, place) => `X-${place}: v`))).response(),
    );
  expect((await at(5)).status).toBe(200);
  expect((await at(6)).status).toBe(431);
});

test('maxBodySize: a body of that size is served, one byte more gets 413, declared and chunked', async () => {
  const server = await start({ maxBodySize: 10, handler: read });
  const at = (bytes: string) => RawClient.connect(server).then((client) => client.send(bytes).response());
  const chunks = (size: number) => request('POST', '/', ['Transfer-Encoding: chunked']) + chunked(['x'.repeat(size)]);
  expect((await at(post('/', 'x'.repeat(10)))).body.toString()).toBe('10');
  expect((await at(post('/', 'x'.repeat(11)))).status).toBe(413);
  expect((await at(chunks(10))).body.toString()).toBe('10');
  expect((await at(chunks(11))).status).toBe(413);
});

test('maxCollectedSize: what is collected may be so large, one byte more gets 413', async () => {
  const server = await start({ maxCollectedSize: 10, handler: read });
  const at = (size: number) =>
    RawClient.connect(server).then((client) => client.send(post('/', 'x'.repeat(size))).response());
  expect((await at(10)).status).toBe(200);
  expect((await at(11)).status).toBe(413);
});

test('maxConnections: the one too many gets 503 and is counted as refused', async () => {
  const server = await start({ maxConnections: 2, handler: read });
  const clients = [await RawClient.connect(server), await RawClient.connect(server)];
  for (const client of clients) expect((await client.send(get()).response()).status).toBe(200);
  const third = await RawClient.connect(server);
  expect((await third.send(get()).response()).status).toBe(503);
  await third.closed();
  expect(server.stats().connections).toEqual({ active: 2, accepted: 2, refused: 1 });
  clients[0].destroy();
  await until(() => server.stats().connections.active === 1);
  const fourth = await RawClient.connect(server);
  expect((await fourth.send(get()).response()).status).toBe(200);
});

test('maxRequestsPerConnection: the last answer says Connection: close, and the connection closes', async () => {
  const { client } = await startWithClient({ maxRequestsPerConnection: 2, handler: read });
  expect((await client.send(get()).response()).headers['connection']).not.toContain('close');
  expect((await client.send(get()).response()).headers['connection']?.join().toLowerCase()).toBe('close');
  await client.closed();
});

test('maxRequestsPerConnection: a request past the last is not served, and the answers before it arrive', async () => {
  const { server, client } = await startWithClient({ maxRequestsPerConnection: 2, handler: read });
  client.send(get('/1') + get('/2') + get('/3'));
  const answers = [await client.response(), await client.response()];
  expect(answers.map(({ status, headers }) => [status, headers.connection?.[0]])).toEqual([
    [200, 'keep-alive'],
    [200, 'close'],
  ]);
  expect((await client.rest()).length).toBe(0);
  expect(client.error).toBeUndefined();
  expect(server.stats().requests.total).toBe(2);
});

test('maxPipelined: so many requests are under way, the next waits for an answer', async () => {
  const open: { end(body: string): unknown }[] = [];
  const { server, client } = await startWithClient({ maxPipelined: 3, handler: (_req, res) => void open.push(res) });
  client.send(get('/0') + get('/1') + get('/2') + get('/3'));
  await until(() => open.length === 3);
  expect(server.stats().requests.active).toBe(3);
  open[0].end('0');
  await until(() => open.length === 4);
  for (const res of open.slice(1)) res.end('x');
  for (let place = 0; place < 4; place++) expect((await client.response()).status).toBe(200);
});
