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

/** By how much the client may have grown past its warm-up. */
const FLAT = 16 * MIB;
const WARM_UP = 256 * MIB;
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

/** Where a body goes: its length and its checksum. */
class Count extends Writable {
  seen = 0;
  hash = checksum();

  constructor() {
    super({ highWaterMark: 64 << 10 });
  }

  _write(chunk, _encoding, done) {
    this.take(chunk);
    done();
  }

  take(chunk) {
    this.seen += chunk.length;
    this.hash.update(chunk);
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
  const transfer = async (length, expected) => {
    const count = new Count();
    const headers = await WAYS[how](client, `http://127.0.0.1:${port}/${length}/${framing}`, count);
    assert.equal(headers.get('transfer-encoding') === 'chunked', framing === 'chunked');
    assert.deepEqual([count.seen, count.hash.digest('hex')], [length, expected]);
  };
  const warmUp = Math.min(WARM_UP, bytes);
  const expected = checksumOf(bytes);
  const watch = new MemoryWatch(process.pid);
  await transfer(warmUp, checksumOf(warmUp));
  const before = watch.most();
  const began = performance.now();
  await transfer(bytes, expected);
  const took = performance.now() - began;
  const most = watch.most();
  watch.stop();
  const grown = most - before;
  console.log(
    `${size} MiB, ${how}, ${framing}: whole, ${(took / 1000).toFixed(1)} s, ` +
      `the client at most ${mib(most)}, ${mib(grown)} more than in its warm-up`,
  );
  assert.ok(grown <= FLAT, `it grew by ${mib(grown)}`);
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
