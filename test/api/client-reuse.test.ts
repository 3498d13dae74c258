import { Client } from '../../ts/index.js';
import { reset } from '../support/reset.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('after a restart of the server the first request succeeds', async () => {
  const answering = (socket: Parameters<typeof onRequests>[0]): void => onRequests(socket, () => socket.write(ANSWER));
  const first = await scriptedServer(answering);
  const client = new Client();
  await Promise.all(Array.from({ length: 5 }, async () => (await client.request(first.url)).text()));
  await first.end();
  const second = await scriptedServer(answering);
  const response = await client.request(second.url, { method: 'POST', body: 'x' });
  expect(await response.text()).toBe('ok');
  client.destroy();
  await second.end();
});

test('a POST that was given to the kernel is not sent again, a GET is, once', async () => {
  let asked: string[] = [];
  const server = await scriptedServer((socket) => {
    socket.on('data', (bytes) => {
      const head = bytes.toString('latin1');
      asked.push(head.slice(0, head.indexOf(' ')));
      if (head.startsWith('GET /first')) socket.write(ANSWER);
      else reset(socket);
    });
  });
  const client = new Client();
  await (await client.request(`${server.url}/first`)).text();
  await expect(client.request(`${server.url}/second`, { method: 'POST', body: 'x' })).rejects.toMatchObject({
    code: 'MILLRACE_CONNECTION_RESET',
  });
  expect(asked).toEqual(['GET', 'POST']);
  asked = [];
  await (await client.request(`${server.url}/first`)).text();
  await expect(client.request(`${server.url}/second`)).rejects.toMatchObject({ code: 'MILLRACE_CONNECTION_RESET' });
  expect(asked).toEqual(['GET', 'GET', 'GET']);
  asked = [];
  await expect(client.request(`${server.url}/second`)).rejects.toMatchObject({ code: 'MILLRACE_CONNECTION_RESET' });
  // A fresh connection that dies is no stale one.
  expect(asked).toEqual(['GET']);
  client.destroy();
  await server.end();
});

test('a connection whose server says Keep-Alive: timeout is given up a second before', async () => {
  const server = await scriptedServer((socket) => {
    onRequests(socket, () => socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok'));
  });
  const client = new Client();
  for (let round = 0; round < 3; round++) await (await client.request(server.url)).text();
  expect(client.stats()).toMatchObject({ created: 3, reused: 0, retired: { idle: 3 } });
  client.destroy();
  await server.end();
});
