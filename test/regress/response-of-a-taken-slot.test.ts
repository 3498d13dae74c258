// The core gives a slot away when its exchange is over; the event that tells so may come after another has taken it.
import { Client, serve } from '../../ts/index.js';

test('of many requests at once, each in the place of one before, every one is answered', async () => {
  const server = await serve({ host: '127.0.0.1', port: 0, handler: (_req, res) => void res.end('ok') });
  const client = new Client({ pool: { maxConnectionsPerOrigin: 64 } });
  let left = 5_000;
  let answered = 0;
  const ask = async (): Promise<void> => {
    while (left-- > 0) {
      await (await client.request(server.url, { timeouts: { total: 10_000 } })).text();
      answered++;
    }
  };
  await Promise.all(Array.from({ length: 64 }, ask));
  expect(answered).toBe(5_000);
  await client.close();
  await server.close();
});
