// Junk for every native function, with a server under load: no crash, no exception but those of `listen`.
import assert from 'node:assert/strict';
import { serve, setLogger } from '../../../dist/index.mjs';
import { SEED, randomOf } from '../../volume/programs/lib/random.mjs';
import { Flood, once } from './lib/client.mjs';
import { census, native } from './lib/native.mjs';
import { until } from './lib/process.mjs';

setLogger(null);
const detached = new Uint8Array(100_000);
structuredClone(detached.buffer, { transfer: [detached.buffer] });
const NUMBERS = [NaN, -1, 0, 1, 1e300, -1e300, Infinity, -Infinity, 0.5, 2 ** 53, 2 ** 53 - 1, -0, 2 ** 31, 2 ** 40];
const REST = [
  ...[
    undefined,
    null,
    true,
    '',
    'x',
    '\0',
    'a\0b',
    '\u{1F600}',
    'x'.repeat(300_000),
    Symbol('s'),
    10n ** 30n,
    {},
    [],
    () => {},
  ],
  ...[
    new Uint8Array(0),
    new Uint8Array(20_000),
    detached,
    new Float64Array(2),
    new Float64Array(0),
    new DataView(new ArrayBuffer(8)),
  ],
  ...[
    new Uint16Array(4),
    new ArrayBuffer(8),
    new Proxy({}, {}),
    Object.create(null),
    new Date(NaN),
    new Uint8Array(new SharedArrayBuffer(8)),
  ],
];
const JUNK = [...NUMBERS, ...REST];
const random = randomOf(SEED);
const pick = () => JUNK[Math.floor(random() * JUNK.length)];
// Whose arguments the macros of napi-rs convert: they throw what is wrong with them, and do no harm.
const MADE_RARELY = /^(tls(?!Facts$|Certificate$)|serverTls|startTls|dial|judgeCredentials|replySocks)/;
// `attach` and `hold` are ours alone: with other values nothing would be told to us any more, or the process would not end.
const NAMES = Object.keys(native).filter(
  (name) =>
    typeof native[name] === 'function' &&
    ![
      'attach',
      'hold',
      'listen',
      'reloadServer',
      'setGate',
      'setMaxMemory',
      'count',
      'record',
      'metricsReset',
    ].includes(name) &&
    !MADE_RARELY.test(name) &&
    name !== 'socketPair',
);
const CONVERTED = Object.keys(native).filter((name) => MADE_RARELY.test(name));
assert.ok(CONVERTED.length >= 10, CONVERTED.join());
assert.ok(NAMES.length >= 15, NAMES.join());

const server = await serve({ port: 0, host: '127.0.0.1', handler: (_req, res) => setImmediate(() => res.end('fine')) });
const flood = new Flood(server.port, { connections: 4 });
const live = [];
const victim = await serve({ port: 0, host: '127.0.0.1', handler: (_req, res) => live.push(res.id) });
const victims = Array.from({ length: 400 }, () => once(victim.port));
await until(
  () => live.length === 400,
  () => `${live.length} live`,
);
// Exchanges and servers are counted apart, so that an exchange may have the number of a server that must live.
const others = live.filter((id) => id !== server.id && id !== victim.id);

for (const name of NAMES) {
  const call = native[name];
  assert.doesNotThrow(() => call(), name);
  for (const one of JUNK) {
    assert.doesNotThrow(() => call(one), name);
    for (const two of JUNK) assert.doesNotThrow(() => call(one, two), name);
  }
  for (let count = 0; count < 300; count++) {
    // Half with an id that lives.
    const id = count % 2 === 0 ? pick() : others[Math.floor(random() * others.length)];
    assert.doesNotThrow(() => call(id, pick(), pick(), pick(), pick(), pick(), pick(), pick()), name);
  }
  await flood.reach(flood.answered + 4);
}
for (const name of CONVERTED) {
  for (let count = 0; count < 500; count++) {
    try {
      native[name](...[pick(), pick(), pick(), pick()].slice(0, count % 5));
    } catch (error) {
      assert.ok(error instanceof Error, name);
    }
  }
  await flood.reach(flood.answered + 4);
}
for (const one of JUNK) {
  native.hold(Number.isFinite(one) ? 0 : one);
  native.count(one, 0);
  native.count(one, one);
  assert.doesNotThrow(() => native.attach(one), 'attach');
}
const thrown = new Set();
for (let count = 0; count < 500; count++) {
  const options = { backlog: pick(), port: pick(), host: pick(), path: pick(), maxUrlSize: pick(), reusePort: pick() };
  try {
    const id = native.listen(count % 2 ? options : pick());
    assert.ok(id < 0, 'listened on junk');
  } catch (error) {
    thrown.add(error.name);
  }
}
assert.ok(thrown.size > 0);
victim.destroy();
await Promise.all(victims);
assert.equal((await once(server.port)).body, 'fine');
assert.deepEqual(Object.keys(flood.statuses), ['200']);
flood.stop();
await until(
  () => census().connections === 0,
  () => JSON.stringify(census()),
);
await server.close();
assert.deepEqual(census(), { servers: 0, connections: 0, streams: 0, buffers: 0, timers: 0, pins: 0 });
console.log('lived');
