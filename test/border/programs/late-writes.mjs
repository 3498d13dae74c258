// Everything that can be called for a finished exchange, by kept objects and by kept ids, while its slot serves others:
// no stranger's response may show a trace of it.
import assert from 'node:assert/strict';
import { serve, setLogger } from '../../../dist/index.mjs';
import { SEED, randomOf } from '../../volume/programs/lib/random.mjs';
import { pipelined } from './lib/client.mjs';
import { census, native } from './lib/native.mjs';
import { until } from './lib/process.mjs';

const ROUNDS = 40;
const SLOTS = 2 ** 21;
const POISON = 'POISON';
setLogger(null);
const random = randomOf(SEED);

/** Exchanges whose answers the clients have. */
const kept = [];
/** Exchanges of this round: their last bytes may still be queued. */
const recent = [];
const seenSlots = new Map();
let attempts = 0;

/** Calls that answer; each with what an honest caller would give. */
const NATIVE = [
  (id) => native.respond(id, 200, POISON, 0),
  (id) => native.respond(id, 200, POISON, 1, `X-Poison\0${POISON}\0`, POISON),
  (id) => native.respondHead(id, 200, `X-Poison\0${POISON}\0`, POISON),
  (id) => native.write(id, POISON),
  (id) => native.write(id, Buffer.alloc(40_000, POISON)),
  (id) => native.end(id, `X-Poison\0${POISON}\0`, 1),
  (id) => native.informational(id, 103, `X-Poison\0${POISON}\0`),
  (id) => native.grant(id, 10_000),
  (id) => native.collect(id, -1),
  (id) => native.discard(id, 0),
  (id) => native.destroy(id),
  (id) => native.address(id),
  (id) => native.plantPanic(id, 0),
];
const OBJECT = [
  (res) => assert.equal(res.write(POISON), false),
  (res) => res.end(POISON),
  (res) => res.flushHeaders(),
  (res) => res.destroy(),
  (res) => void res.drained(),
  (res) =>
    void res
      .writable()
      .on('error', () => {})
      .write(POISON),
];

function disturb(current) {
  // A dozen of the finished ones at random, with all calls.
  for (let count = 0; count < 12 && kept.length > 0; count++) {
    const { res, req, id } = kept[Math.floor(random() * kept.length)];
    if (id === current) continue;
    for (const call of NATIVE) {
      const answer = call(id);
      assert.ok(answer === undefined || answer === 6 || answer === '', `a stale id was answered ${answer}`);
    }
    // Other generations of this request's own slot, which is in use now.
    for (const change of [-2, -1, 1, 2]) {
      const other = current + change * SLOTS;
      for (const call of NATIVE) call(other);
    }
    for (const call of OBJECT) call(res);
    void req.dump().catch(() => {});
    attempts += NATIVE.length * 5 + OBJECT.length;
  }
}

let number = 0;
const server = await serve({
  port: 0,
  host: '127.0.0.1',
  maxPipelined: 64,
  handler(req, res) {
    const own = req.path;
    const { id } = res;
    seenSlots.set(id % SLOTS, (seenSlots.get(id % SLOTS) ?? 0) + 1);
    disturb(id);
    const finish = () => {
      disturb(id);
      res.setHeader('x-own', own);
      if (number % 3 === 0) {
        res.setHeader('content-length', own.length);
        res.write(own);
        disturb(id);
        res.end();
      } else {
        res.end(own);
      }
      recent.push({ res, req, id });
    };
    if (number++ % 2 === 0) finish();
    else setImmediate(finish);
  },
});

for (let round = 0; round < ROUNDS; round++) {
  await Promise.all(
    Array.from({ length: 4 }, async (_, client) => {
      const paths = Array.from({ length: 10 }, (_, place) => `/${round}/${client}/${place}`);
      const answers = await pipelined(server.port, paths);
      assert.deepEqual(
        answers.map(({ status, body }) => `${status} ${body}`),
        paths.map((path) => `200 ${path}`),
      );
    }),
  );
  kept.push(...recent.splice(0));
  kept.splice(0, Math.max(0, kept.length - 500));
}
assert.ok(
  [...seenSlots.values()].some((count) => count > 10),
  'slots were used again',
);
await until(
  () => census().connections === 0,
  () => JSON.stringify(census()),
);
await server.close();
assert.deepEqual(census(), { servers: 0, connections: 0, streams: 0, buffers: 0, timers: 0, pins: 0 });
console.log(`${attempts} attempts, ${seenSlots.size} slots`);
