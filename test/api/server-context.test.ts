import { AsyncLocalStorage } from 'node:async_hooks';

import { Server } from '../../ts/index.js';
import { endsWithItsTest, get, startWithClient } from '../support/test-server.js';

endsWithItsTest();

/** Two requests of one wake; the first enters a store, the second says what it sees. */
async function seenBySecond(break_ = false): Promise<string> {
  const storage = new AsyncLocalStorage<string>();
  const { server, client } = await startWithClient({
    handler: (req, res) => {
      const seen = storage.getStore() ?? 'nothing';
      if (req.url === '/first') storage.enterWith('the first request');
      res.end(seen);
    },
  });
  if (break_) {
    // Without the runner: the handler is called as it is.
    Object.assign(server, { _run: (fn: (a: unknown, b: unknown) => void, a: unknown, b: unknown) => fn(a, b) });
  }
  client.send(get('/first') + get('/second'));
  expect((await client.response()).body.toString()).toBe('nothing');
  return (await client.response()).body.toString();
}

test('what one request enters is invisible to the next in the same wake', async () => {
  expect(await seenBySecond()).toBe('nothing');
});

test('without the runner it would be visible', async () => {
  expect(Server).toBeDefined();
  expect(await seenBySecond(true)).toBe('the first request');
});

test('what a request enters is there after its own awaits', async () => {
  const storage = new AsyncLocalStorage<string>();
  const { client } = await startWithClient({
    handler: async (req, res) => {
      storage.enterWith(req.url);
      await new Promise((resolve) => setTimeout(resolve, 5));
      res.end(storage.getStore());
    },
  });
  client.send(get('/a') + get('/b'));
  expect((await client.response()).body.toString()).toBe('/a');
  expect((await client.response()).body.toString()).toBe('/b');
});
