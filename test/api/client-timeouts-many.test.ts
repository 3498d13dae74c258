// In a file of its own, for it uses up what its process has of exact times.
import { Client } from '../../ts/index.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';

test('after thousands of different timeouts each request still has its own, and no other client’s limits', async () => {
  const server = await scriptedServer((socket) => {
    onRequests(socket, (head) => {
      if (!head.startsWith('GET /mute'))
        socket.write(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(500)}\r\nContent-Length: 2\r\n\r\nok`);
    });
  });
  const strict = new Client({ maxHeaderSize: 256 });
  await expect(strict.get(server.url)).rejects.toMatchObject({ limit: { option: 'maxHeaderSize', value: 256 } });
  const client = new Client();
  for (let count = 0; count < 3_000; count++) {
    const timeouts = { headers: 20_000 + 7 * count, body: 30_000 + 3 * count };
    if (count % 30 === 0) expect(await (await client.get(server.url, { timeouts })).text()).toBe('ok');
    else client.get(server.url, { timeouts, signal: AbortSignal.abort() }).catch(() => undefined);
  }
  const began = performance.now();
  await expect(client.get(`${server.url}/mute`, { timeouts: { headers: 77 } })).rejects.toMatchObject({
    code: 'MILLRACE_RESPONSE_TIMEOUT',
    limit: { option: 'timeouts.headers' },
  });
  expect(performance.now() - began).toBeGreaterThanOrEqual(75);
  await expect(strict.get(server.url)).rejects.toMatchObject({ limit: { option: 'maxHeaderSize', value: 256 } });
  client.destroy();
  strict.destroy();
  await server.end();
});
