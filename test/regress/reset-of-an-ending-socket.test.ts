import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

import { until } from '../support/condition.js';
import { reset } from '../support/reset.js';

const handles = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

test('a socket that is reset while its own end is on the way leaves no handle behind', async () => {
  const before = handles();
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').resume();
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  socket.end('the last');
  expect([socket.writableEnded, socket.writableFinished]).toEqual([true, false]);
  reset(socket);
  await once(client, 'close');
  server.close();
  // Fewer, where one of an earlier test went meanwhile.
  await until(() => handles() <= before, 'no handle is left');
});
