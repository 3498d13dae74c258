import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { connect } from '../../ts/index.js';

// Alone in its file: no server has listened in this process before.
test('a process that never had a server connects', async () => {
  const listener = createServer((socket) => socket.end('hello'));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const socket = await connect({ host: '127.0.0.1', port: (listener.address() as AddressInfo).port });
  let text = '';
  for await (const chunk of socket) text += Buffer.from(chunk).toString();
  expect(text).toBe('hello');
  socket.destroy();
  listener.close();
});
