import { serve } from '../../ts/index.js';

test('a server whose place another takes in the same turn is told that it is closed', async () => {
  const handler = (): void => undefined;
  const first = await serve({ port: 0, host: '127.0.0.1', handler });
  const closed = new Promise<void>((resolve) => first.once('close', resolve));
  first.destroy();
  const second = await serve({ port: 0, host: '127.0.0.1', handler });
  await closed;
  await first.close();
  await second.close();
});
