import { until } from '../support/condition.js';
import { endsWithItsTest, get, startWithClient } from '../support/test-server.js';

endsWithItsTest();

test('send() resolves for a slow reader whose slot another exchange took meanwhile', async () => {
  let resolved = false;
  const size = 16 << 20;
  const { client, server } = await startWithClient({
    handler: async (req, res) => {
      if (req.path !== '/large') return res.end('small');
      await res.send(Buffer.alloc(size));
      resolved = true;
    },
  });
  client.socket.pause();
  await client.sent(get('/large'));
  await until(() => server.stats().requests.total === 1);
  for (let count = 0; count < 3; count++) await server.inject({ url: '/small' });
  expect(resolved).toBe(false);
  client.socket.resume();
  expect((await client.response()).body.length).toBe(size);
  await until(() => resolved);
});
