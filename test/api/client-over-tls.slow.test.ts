import { Client, metrics } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { runOverTls } from '../support/over-tls.js';
import { onRequests, scriptedServer, trust } from '../support/scripted-server.js';

// Requests of a client behind each other on one connection, its own and those of undici.
runOverTls({
  'client-pipelining': [],
  'compat-undici-pipelining': [],
});

test('what goes behind others over TLS shares a session with them', async () => {
  const answers: (() => void)[] = [];
  const server = await scriptedServer((socket) =>
    onRequests(socket, () => answers.push(() => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))),
  );
  const handshakes = (): number => metrics.snapshot().histograms.millrace_tls_handshake_duration_seconds.count;
  const before = handshakes();
  const client = new Client({ pipelining: 8, pool: { maxConnectionsPerOrigin: 1 }, ...trust() });
  const texts = Array.from({ length: 8 }, async () => (await client.request(server.url)).text());
  await until(() => answers.length === 8, 'all are at the server before one is answered');
  for (const answer of answers) answer();
  expect(await Promise.all(texts)).toEqual(Array(8).fill('ok'));
  expect(handshakes() - before).toBe(1);
  await client.close();
  await server.end();
});
