import * as first from '../../ts/index.js';
import { census } from '../../ts/native/events.js';
import { until } from '../support/condition.js';
import { endsWithItsTest } from '../support/test-server.js';

endsWithItsTest();

/** The package's JavaScript once more, over the same addon: as a bundler or an emptied cache of modules loads it. */
async function again(): Promise<typeof first> {
  let copy: typeof first | undefined;
  await jest.isolateModulesAsync(async () => {
    copy = await import('../../ts/index.js');
  });
  if (copy === undefined || copy.serve === first.serve) throw new Error('it is no copy');
  return copy;
}

const on = { port: 0, host: '127.0.0.1' };

test('servers, clients and sockets of two copies of the package live beside one another', async () => {
  const older = await first.serve({ ...on, handler: (_req, res) => res.end('older') });
  const second = await again();
  const newer = await second.serve({ ...on, handler: (_req, res) => res.end('newer') });
  const clients = [new first.Client(), new second.Client()];
  for (let round = 0; round < 3; round++) {
    for (const [server, text] of [
      [older, 'older'],
      [newer, 'newer'],
    ] as const) {
      for (const client of clients) {
        const response = await client.request(`http://127.0.0.1:${server.port}/`);
        expect(await response.text()).toBe(text);
      }
      // Without a client of ours in between, many at once: answers are gathered.
      const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`http://127.0.0.1:${server.port}/`)));
      expect(new Set(await Promise.all(answers.map((answer) => answer.text())))).toEqual(new Set([text]));
    }
  }
  await Promise.all(clients.map((client) => client.close()));
  await older.close({ timeout: 0 });
  await newer.close({ timeout: 0 });
});

test('a server that is not waited for is told that it is closed although another copy came', async () => {
  const older = await first.serve({ ...on, handler: (_req, res) => res.end() });
  let closed = false;
  older.once('close', () => (closed = true));
  older.destroy();
  const second = await again();
  const newer = await second.serve({ ...on, handler: (_req, res) => res.end() });
  await until(() => closed, 'the older server has closed');
  await newer.close();
  expect(census().servers).toBe(0);
});
