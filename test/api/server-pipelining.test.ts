import type { ServerResponse } from '../../ts/index.js';
import { deferred, turns, until } from '../support/condition.js';
import { endsWithItsTest, get, post, startWithClient } from '../support/test-server.js';

endsWithItsTest();

test('answers pipelined requests in order, whatever order the handlers finish in', async () => {
  const open: [string, ServerResponse][] = [];
  const { client } = await startWithClient({ handler: (req, res) => void open.push([req.url, res]) });
  client.send(get('/0') + get('/1') + get('/2') + get('/3'));
  await until(() => open.length === 4);
  for (const [url, res] of open.reverse()) res.end(url);
  for (let place = 0; place < 4; place++) expect((await client.response()).body.toString()).toBe(`/${place}`);
});

test('holds streamed answers until their turn', async () => {
  const open: ServerResponse[] = [];
  const { client } = await startWithClient({ handler: (_req, res) => void open.push(res) });
  client.send(get('/0') + get('/1'));
  await until(() => open.length === 2);
  open[1].write('second ');
  open[1].end('whole');
  await turns(5);
  expect(client.received).toBe(0);
  open[0].write('first ');
  expect(await client.until('first ')).not.toContain('second');
  open[0].end('whole');
  await client.until('0\r\n\r\n');
  expect((await client.response()).body.toString()).toBe('second whole');
});

test('a hundred requests in one write are all answered', async () => {
  const { client, server } = await startWithClient({ handler: (req, res) => res.end(req.url) });
  client.send(Array.from({ length: 100 }, (_, place) => get(`/${place}`)).join(''));
  for (let place = 0; place < 100; place++) expect((await client.response()).body.toString()).toBe(`/${place}`);
  expect(server.stats().requests.total).toBe(100);
});

test('a request that is not safe waits for the answers before it, and those behind wait for its own', async () => {
  const open: [string, ServerResponse][] = [];
  const { client } = await startWithClient({ handler: (req, res) => void open.push([req.method, res]) });
  client.send(get('/') + post('/', 'x') + get('/'));
  await until(() => open.length === 1);
  await turns(5);
  expect(open.map(([method]) => method)).toEqual(['GET']);
  open[0][1].end('0');
  await until(() => open.length === 2);
  await turns(5);
  expect(open.map(([method]) => method)).toEqual(['GET', 'POST']);
  open[1][1].end('1');
  await until(() => open.length === 3);
  open[2][1].end('2');
  for (const place of ['0', '1', '2']) expect((await client.response()).body.toString()).toBe(place);
});

test('a failing handler in the middle leaves its neighbours alone', async () => {
  const { client } = await startWithClient({
    handler: (req, res) => {
      if (req.url === '/1') throw new Error('planned');
      res.end(req.url);
    },
  });
  client.send(get('/0') + get('/1') + get('/2'));
  const answers = [await client.response(), await client.response(), await client.response()];
  expect(answers.map(({ status }) => status)).toEqual([200, 500, 200]);
});

test('a client that goes away aborts every request that waits', async () => {
  const gone: string[] = [];
  const all = deferred();
  const { client, server } = await startWithClient({
    handler: (req) => {
      req.signal.addEventListener('abort', () => {
        gone.push(req.url);
        if (gone.length === 3) all.resolve();
      });
    },
  });
  client.send(get('/0') + get('/1') + get('/2'));
  await until(() => server.stats().requests.active === 3);
  client.reset();
  await all.promise;
  expect(gone.sort()).toEqual(['/0', '/1', '/2']);
  await until(() => server.stats().requests.active === 0);
  expect(server.stats().requests.aborted).toBe(3);
});

test('what stands behind a request with Connection: close is not served', async () => {
  const seen: string[] = [];
  const { client } = await startWithClient({
    handler: (req, res) => {
      seen.push(req.url);
      res.end(req.url);
    },
  });
  client.send(get('/0', 'Connection: close') + get('/1'));
  expect((await client.response()).body.toString()).toBe('/0');
  expect((await client.rest()).length).toBe(0);
  expect(seen).toEqual(['/0']);
});
