// A large body to a client, from another process, with its checksum: whole, while the client's resident memory stays flat.
//
// --how: `body` iterates `request().body`, `stream` is `client.stream`, `fetch` reads the stream of a `Response`; --framing
// declared or chunked; --mib its size.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { checksum, checksumOf, chunksOf } from './lib/content.mjs';
import { Child, play, role } from './lib/child.mjs';
import { MIB, MemoryWatch, mib } from './lib/facts.mjs';
import { rise } from './lib/flatness.mjs';

/** What the line through the highest of each part may rise from the first part to the last. */
const FLAT = 16 * MIB;
/** By how much the highest of all may be above that of the warm-up: garbage is collected when V8 likes. */
const ABOVE = 48 * MIB;
const WARM_UP = 256 * MIB;
const PARTS = 20;
const FRAMINGS = ['declared', 'chunked'];

async function playServer() {
  const server = createServer(async (request, response) => {
    const [bytes, framing] = request.url.slice(1).split('/');
    if (framing === 'declared') response.setHeader('content-length', bytes);
    for (const chunk of chunksOf(Number(bytes))) if (!response.write(chunk)) await once(response, 'drain');
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  play({ port: () => server.address().port });
}

/** Where a body goes: its length, its checksum, and the memory of each of its parts. */
class Count extends Writable {
  seen = 0;
  hash = checksum();
  parts = [];
  #part;
  #watch;

  constructor(length, watch) {
    super({ highWaterMark: 64 << 10 });
    this.#part = length / PARTS;
    this.#watch = watch;
  }

  _write(chunk, _encoding, done) {
    this.take(chunk);
    done();
  }

  take(chunk) {
    this.seen += chunk.length;
    this.hash.update(chunk);
    if (this.seen >= this.#part * (this.parts.length + 1)) this.parts.push(this.#watch.most());
  }
}

const WAYS = {
  body: async (client, url, count) => {
    const response = await client.request(url);
    for await (const chunk of response.body) count.take(chunk);
    return response.headers;
  },
  stream: async (client, url, count) => (await client.stream(url, {}, () => count)).headers,
  fetch: async (client, url, count) => {
    const response = await client.fetch(url);
    for await (const chunk of response.body) count.take(chunk);
    return response.headers;
  },
};

async function run({ how, framing, mib: size }) {
  const { Client, heldMemory } = await import('../../../dist/index.mjs');
  const bytes = Number(size) * MIB;
  const server = await Child.start(import.meta.url, 'server');
  const port = await server.call('port');
  const client = new Client();
  const watch = new MemoryWatch(process.pid);
  const transfer = async (length, expected) => {
    const count = new Count(length, watch);
    const headers = await WAYS[how](client, `http://127.0.0.1:${port}/${length}/${framing}`, count);
    assert.equal(headers.get('transfer-encoding') === 'chunked', framing === 'chunked');
    assert.deepEqual([count.seen, count.hash.digest('hex')], [length, expected]);
    return count.parts;
  };
  const warmUp = Math.min(WARM_UP, bytes);
  const expected = checksumOf(bytes);
  const before = Math.max(...(await transfer(warmUp, checksumOf(warmUp))));
  const began = performance.now();
  const parts = await transfer(bytes, expected);
  const took = performance.now() - began;
  watch.stop();
  const most = Math.max(...parts);
  const told = parts.map((part) => Math.round(part / MIB)).join(' ');
  console.log(
    `${size} MiB, ${how}, ${framing}: whole, ${(took / 1000).toFixed(1)} s, the client at most ${mib(most)}, ` +
      `${mib(most - before)} more than in its warm-up, ${mib(rise(parts))} by the slope`,
  );
  assert.ok(rise(parts) <= FLAT && most - before <= ABOVE, `it grew: ${told} MiB`);
  const { created, running } = client.stats();
  assert.deepEqual({ created, running, held: heldMemory() }, { created: 1, running: 0, held: 0 });
  await client.close();
  await server.end();
}

if (role() !== undefined) {
  await playServer();
} else {
  const { values } = parseArgs({
    options: {
      how: { type: 'string', default: 'body' },
      framing: { type: 'string', default: 'declared' },
      mib: { type: 'string', default: '10240' },
    },
  });
  assert.ok(values.how in WAYS, `--how ${Object.keys(WAYS).join('|')}`);
  assert.ok(FRAMINGS.includes(values.framing), `--framing ${FRAMINGS.join('|')}`);
  await run(values);
}
