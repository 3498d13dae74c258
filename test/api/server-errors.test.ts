import { Response } from '../../ts/index.js';
import { endsWithItsTest, get, startWithClient } from '../support/test-server.js';

endsWithItsTest();

const planned = new Error('planned');

test('a handler that throws is answered with 500, and the connection lives', async () => {
  const { client } = await startWithClient({
    handler: (req, res) => {
      if (req.url === '/bad') throw planned;
      res.end('good');
    },
  });
  expect((await client.send(get('/bad')).response()).status).toBe(500);
  expect((await client.send(get('/good')).response()).body.toString()).toBe('good');
});

test('a handler that rejects is answered with 500, without the fields that it had set', async () => {
  const { client } = await startWithClient({
    handler: async (_req, res) => {
      res.setHeader('X-Secret', 'v');
      throw planned;
    },
  });
  const { status, headers } = await client.send(get()).response();
  expect([status, headers['x-secret']]).toEqual([500, undefined]);
});

test('onError hears of the error and its request, and answers with a number', async () => {
  const heard: unknown[] = [];
  const { client } = await startWithClient({
    onError: (error, req) => {
      heard.push(error, req?.url);
      return 418;
    },
    handler: () => Promise.reject(planned),
  });
  expect((await client.send(get('/x')).response()).status).toBe(418);
  expect(heard).toEqual([planned, '/x']);
});

test('onError answers with a Response, ours or the platform’s', async () => {
  const { client } = await startWithClient({
    onError: (_error, req) => {
      const init = { status: 409, headers: { 'x-kind': 'made' } };
      return req?.url === '/ours' ? new Response('sorry', init) : new globalThis.Response('sorry', init);
    },
    handler: () => {
      throw planned;
    },
  });
  for (const url of ['/ours', '/platform']) {
    const { status, headers, body } = await client.send(get(url)).response();
    expect([status, headers['x-kind'], body.toString()]).toEqual([409, ['made'], 'sorry']);
  }
});

test.each([
  ['nothing', () => undefined],
  [
    'an exception of its own',
    () => {
      throw new Error('second');
    },
  ],
])('onError that answers with %s leaves 500', async (_name, onError) => {
  const { client } = await startWithClient({ onError, handler: () => Promise.reject(planned) });
  expect((await client.send(get()).response()).status).toBe(500);
});

test('an error after the head has gone out cuts the exchange', async () => {
  const { client } = await startWithClient({
    handler: async (_req, res) => {
      res.write('begun');
      await new Promise((resolve) => setImmediate(resolve));
      throw planned;
    },
  });
  client.send(get());
  const text = (await client.rest()).toString('latin1');
  expect(text).not.toContain('0\r\n\r\n');
  expect(text).not.toContain(' 500 ');
});
