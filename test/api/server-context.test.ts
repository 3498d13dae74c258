import { AsyncLocalStorage } from 'node:async_hooks';

import type { Server } from '../../ts/index.js';
import { endsWithItsTest, get, startWithClient } from '../support/test-server.js';

endsWithItsTest();

/** What each of four pipelined requests, which one wake delivers, finds in the storage that all of them enter. */
async function found(change: (server: Server) => void): Promise<(string | undefined)[]> {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const { server, client } = await startWithClient({
    handler: (req, res) => {
      seen.push(storage.getStore());
      storage.enterWith(req.url);
      res.end();
    },
  });
  change(server);
  client.send(get('/0') + get('/1') + get('/2') + get('/3'));
  for (let place = 0; place < 4; place++) await client.response();
  return seen;
}

test('what one request enters with enterWith is not seen by the next of the same wake', async () => {
  expect(await found(() => undefined)).toEqual([undefined, undefined, undefined, undefined]);
});

test('without the runner it would be seen: the test above can fail', async () => {
  const seen = await found((server) => {
    const direct = (fn: (a: unknown, b: unknown) => void, a: unknown, b: unknown): void => fn(a, b);
    (server as unknown as { _run: typeof direct })._run = direct;
  });
  expect(seen.filter((value) => value !== undefined).length).toBeGreaterThan(0);
});

test('a context stays with its request over awaits', async () => {
  const storage = new AsyncLocalStorage<string>();
  const { client } = await startWithClient({
    handler: async (req, res) => {
      storage.enterWith(req.url);
      await new Promise((resolve) => setImmediate(resolve));
      await req.text();
      res.end(storage.getStore());
    },
  });
  client.send(get('/0') + get('/1') + get('/2'));
  for (let place = 0; place < 3; place++) expect((await client.response()).body.toString()).toBe(`/${place}`);
});
