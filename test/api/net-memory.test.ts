// What setMaxMemory makes of raw connections: it is the process's, so these tests are alone in their file.
import type { Socket } from '../../ts/index.js';
import { heldMemory, setMaxMemory } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { echo, listenersEndWithTheirTest, startListener } from '../support/test-listener.js';
import { endsWithItsTest } from '../support/test-server.js';

listenersEndWithTheirTest();
endsWithItsTest();

afterEach(() => setMaxMemory(null));

const MIB = 1 << 20;

test('past setMaxMemory connections are refused and counted, the largest one is cut, and the next is served', async () => {
  let far: Socket | undefined;
  let failure: unknown;
  const listener = await startListener((socket) => {
    if (far !== undefined) return echo(socket);
    far = socket;
    far.on('error', (error: Error) => (failure = error));
  });
  const slow = await RawClient.connect(listener);
  slow.socket.pause();
  await until(() => far !== undefined);
  setMaxMemory(4 * MIB);
  // Nobody waits for its reader, who reads nothing.
  for (let written = 0; written < 24; written++) far?.write(Buffer.alloc(MIB));
  await until(() => heldMemory() > 4 * MIB, 'more is held than may be');
  const refused = await RawClient.connect(listener);
  expect((await refused.rest()).toString()).toBe('');
  expect(listener.stats().connections).toMatchObject({ accepted: 1, refused: 1, opened: 1 });
  await until(() => far?.closed === true, 'the largest is cut');
  const limit = { value: 4 * MIB };
  expect(failure).toMatchObject({ code: 'MILLRACE_MEMORY_LIMIT', kind: 'limit', limit });
  await until(() => heldMemory() < MIB, 'there is room again');
  const served = await RawClient.connect(listener);
  served.send('again').end();
  expect((await served.rest()).toString()).toBe('again');
});
