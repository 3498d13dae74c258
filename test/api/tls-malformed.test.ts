import type { MillraceError, Server } from '../../ts/index.js';
import { metrics } from '../../ts/index.js';
import { census } from '../../ts/native/events.js';
import { leaf, root } from '../support/chain.js';
import { until } from '../support/condition.js';
import { badHellos, GOOD_RECORD } from '../support/bad-hellos.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, start } from '../support/test-server.js';
import { getByNode, inWords } from '../support/tls.js';

endsWithItsTest();

const ROWS = badHellos();

const failed = (): number => Number(/^millrace_tls_failures_total (\d+)$/m.exec(metrics.toPrometheus())?.[1]);

const serveTls = (): Promise<Server> =>
  start({ tls: { cert: leaf.cert, key: leaf.key }, handler: (_req, res) => res.end('fine') });

test('there are at least a hundred rows, each with a name of its own', () => {
  expect(ROWS.length).toBeGreaterThanOrEqual(100);
  expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
});

test('the hello that the rows are made of is a good one, whole and byte by byte', async () => {
  const server = await serveTls();
  for (const pieces of [GOOD_RECORD.length, 1]) {
    const client = await RawClient.connect({ port: server.port });
    for (let at = 0; at < GOOD_RECORD.length; at += pieces) await client.sent(GOOD_RECORD.subarray(at, at + pieces));
    // A ServerHello: its record, and its message.
    const answer = await client.exactly(6);
    expect([answer[0], answer[5]]).toEqual([22, 2]);
    client.destroy();
  }
});

test('each ends its connection with an alert or at once, has a code, is counted, and leaves nothing', async () => {
  const server = await serveTls();
  let told: MillraceError[] = [];
  server.on('tlsClientError', (error: MillraceError) => told.push(inWords(error)));
  const before = census();
  for (const { name, bytes, pieces = bytes.length } of ROWS) {
    const counted = failed();
    told = [];
    const client = await RawClient.connect({ port: server.port });
    client.socket.on('error', () => undefined);
    for (let at = 0; at < bytes.length && !client.ended; at += pieces) client.send(bytes.subarray(at, at + pieces));
    client.end();
    await client.closed();
    await until(() => told.length > 0, `${name}: no failure was told`);
    const [first, ...more] = told;
    expect([name, more.length, first.phase, failed() - counted]).toEqual([name, 0, 'tls', 1]);
    expect([name, first.code]).toEqual([name, expect.stringMatching(/^MILLRACE_TLS_/)]);
    client.destroy();
  }
  await until(() => census().connections === before.connections, 'connections to go');
  expect(server.stats().requests.total).toBe(0);
  expect(server.stats().connections.accepted).toBe(ROWS.length);
  expect((await getByNode(server, { ca: root.cert })).body.toString()).toBe('fine');
});

test('an answer to what is malformed is an alert, in the clear', async () => {
  const server = await serveTls();
  for (const wanted of ['a handshake that begins with message 2', 'no suites', 'a key share of the wrong length']) {
    const row = ROWS.find(({ name }) => name === wanted);
    const client = await RawClient.connect({ port: server.port });
    const answer = await client.send(row?.bytes ?? '').rest();
    expect([wanted, answer[0], answer.readUInt16BE(3), answer[5]]).toEqual([wanted, 21, 2, 2]);
  }
});
