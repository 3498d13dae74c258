// Panics of the native core: one connection is lost, and nothing else. Argument: 0 at the next processing, 1 in the call.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { metrics, serve, setLogger } from '../../../dist/index.mjs';
import { Flood, once } from './lib/client.mjs';
import { census, native } from './lib/native.mjs';
import { until } from './lib/process.mjs';

const COUNT = 25;
const now = Number(process.argv[2]);
const KEY = 'millrace_reactor_panics_total';
const records = [];
setLogger((record) => records.push(record));
const reasons = [];
const server = await serve({
  port: 0,
  host: '127.0.0.1',
  handler(req, res) {
    if (req.path !== '/panic') return res.end('fine');
    req.signal.addEventListener('abort', () => reasons.push(req.signal.reason.code));
    native.plantPanic(res.id, now);
    // With 0 the panic comes when the connection is next processed: the client's next bytes see to that.
    res.write('begun');
  },
});
const flood = new Flood(server.port, { connections: 4 });
await flood.reach(40);
for (let number = 1; number <= COUNT; number++) {
  const before = flood.answered;
  await new Promise((resolve) => {
    const client = connect(server.port, '127.0.0.1');
    client.write('GET /panic HTTP/1.1\r\nHost: t\r\n\r\n');
    client.on('data', () => client.write('GET / HTTP/1.1\r\nHost: t\r\n\r\n'));
    client.on('error', () => {});
    client.on('close', resolve);
  });
  await flood.reach(before + 8);
}
await until(
  () => reasons.length === COUNT,
  () => `${reasons.length} aborted`,
);
assert.deepEqual([...new Set(reasons)], ['MILLRACE_BUG']);
assert.equal(metrics.snapshot().counters[KEY], COUNT);
// The log has each, with its place; stderr, which is nobody's to write to, has none.
await until(
  () => records.length === COUNT,
  () => `${records.length} records`,
);
for (const { level, component, fields } of records) {
  assert.deepEqual([level, component, fields.code], ['error', 'reactor', 'MILLRACE_BUG']);
  assert.match(fields.panic, /\.rs:\d+:\d+: a test asked for this panic/);
  assert.match(fields.peer, /^127\.0\.0\.1:\d+$/);
}
assert.equal(flood.cut, 0, 'no other connection was lost');
assert.deepEqual(Object.keys(flood.statuses), ['200']);
assert.equal((await once(server.port)).body, 'fine');
flood.stop();
await until(
  () => census().connections === 0,
  () => JSON.stringify(census()),
);
assert.equal(census().streams, 0);
await server.close();
assert.deepEqual(census(), { servers: 0, connections: 0, streams: 0, buffers: 0, timers: 0, pins: 0 });
