import { AsyncLocalStorage, executionAsyncResource } from 'node:async_hooks';

import { connect } from '../../ts/index.js';
import { eventResource } from '../../ts/native/event-resource.js';
import { listenersEndWithTheirTest, rest, startListener } from '../support/test-listener.js';
import { endsWithItsTest, get, startWithClient } from '../support/test-server.js';

listenersEndWithTheirTest();
endsWithItsTest();
afterEach(() => jest.restoreAllMocks());

/** Where contexts are frames one resource serves all. */
const hasFrames = Number(process.versions.node.split('.')[0]) >= 24;

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
    jest.spyOn(eventResource, 'next').mockReturnValue();
    Object.assign(server, { _run: (fn: (a: unknown, b: unknown) => void, a: unknown, b: unknown) => fn(a, b) });
  }
  client.send(get('/first') + get('/second'));
  expect((await client.response()).body.toString()).toBe('nothing');
  return (await client.response()).body.toString();
}

test('what one request enters is invisible to the next in the same wake', async () => {
  expect(await seenBySecond()).toBe('nothing');
});

test('without a resource for each event it would be visible', async () => {
  expect(await seenBySecond(true)).toBe('the first request');
  eventResource.next();
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

test('what a request enters is there in ticks, timers, promises and within `run` of another storage', async () => {
  const [storage, other] = [new AsyncLocalStorage<string>(), new AsyncLocalStorage<string>()];
  const { client } = await startWithClient({
    handler: async (req, res) => {
      storage.enterWith(req.url);
      const seen = [
        new Promise((resolve) => process.nextTick(() => resolve(storage.getStore()))),
        new Promise((resolve) => setImmediate(() => resolve(storage.getStore()))),
        Promise.resolve().then(() => storage.getStore()),
        other.run('inner', () => Promise.resolve().then(() => `${storage.getStore()} ${other.getStore()}`)),
        Promise.resolve().then(() => String(other.getStore())),
      ];
      res.end((await Promise.all(seen)).join());
    },
  });
  client.send(get('/a') + get('/b'));
  expect((await client.response()).body.toString()).toBe('/a,/a,/a,/a inner,undefined');
  expect((await client.response()).body.toString()).toBe('/b,/b,/b,/b inner,undefined');
});

test('what one request enters is invisible to the events of another', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const { client } = await startWithClient({
    handler: (req, res) => {
      res.on('finish', () => seen.push(storage.getStore()));
      if (req.url === '/first') storage.enterWith('the first request');
      res.end();
    },
  });
  client.send(get('/first') + get('/second'));
  await client.response();
  await client.response();
  expect(seen).toEqual([undefined, undefined]);
});

test('each request has a resource of its own, and keeps it while its handler runs', async () => {
  const resources: object[] = [];
  const { client } = await startWithClient({
    handler: (_req, res) => {
      resources.push(executionAsyncResource(), executionAsyncResource());
      res.end();
    },
  });
  client.send(get('/a') + get('/b'));
  await client.response();
  await client.response();
  const [a, againA, b, againB] = resources;
  expect(againA).toBe(a);
  expect(againB).toBe(b);
  expect(a === b).toBe(hasFrames);
});

test('what one connection of a listener enters is invisible to the next', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const listener = await startListener((socket) => {
    seen.push(storage.getStore());
    storage.enterWith('a connection');
    return socket.end('seen');
  });
  for (let count = 1; count <= 2; count++) {
    const socket = await connect({ host: '127.0.0.1', port: listener.port });
    expect((await rest(socket)).toString()).toBe('seen');
    socket.destroy();
    expect(seen).toHaveLength(count);
  }
  expect(seen).toEqual([undefined, undefined]);
});
