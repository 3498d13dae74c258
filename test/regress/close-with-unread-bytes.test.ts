import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

import { connect } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { endsWithItsTest } from '../support/test-server.js';

endsWithItsTest();

test.each(['', 'words that nobody reads'])('close resolves where the peer has ended after %p', async (words) => {
  let ended = 0;
  const server = createServer({ allowHalfOpen: true }, (peer) => {
    peer.end(words, () => ended++);
    peer.resume();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = await connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  await until(() => ended === 1, 'the peer has ended');
  await socket.close();
  expect(socket.closed).toBe(true);
  server.close();
});
