import { serve, setLogger } from '../../ts/index.js';

beforeAll(() => setLogger(null));
afterAll(() => setLogger(null));

test('a source that fails in the middle of a response is told to onError, and to nobody else', async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  const told: unknown[] = [];
  async function* source(): AsyncGenerator<string> {
    yield 'the beginning';
    throw new Error('the source failed');
  }
  const server = await serve({
    port: 0,
    handler: (req, res) => (req.path === '/fails' ? res.send(source()) : res.end('served')),
    onError: (error) => void told.push(error),
  });
  await expect(fetch(new URL('/fails', server.url)).then((answer) => answer.text())).rejects.toThrow();
  // Another exchange, so that what is unhandled has had its turn.
  expect(await (await fetch(server.url)).text()).toBe('served');
  await server.close();
  process.off('unhandledRejection', onUnhandled);
  expect(told).toEqual([new Error('the source failed')]);
  expect(unhandled).toEqual([]);
});
