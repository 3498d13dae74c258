// A large body one way, with its checksum, while the resident memory of the server stays flat.
//
// --way up: `for await` (iterate) or `readable()` takes it; down: `write` and `drained` (write), `send(stream)` (send) or
// `send({ file })` (file) make it. --framing declared or chunked; --mib its size.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { CHUNK, checksum, checksumOf, chunksOf } from './lib/content.mjs';
import { Child, play, role } from './lib/child.mjs';
import { MIB, MemoryWatch, mib, until } from './lib/facts.mjs';
import { RawConnection } from './lib/raw.mjs';

/** By how much the server may have grown past its warm-up. */
const FLAT = 16 * MIB;
const WARM_UP = 256 * MIB;
const WAYS = {
  up: ['iterate', 'readable'],
  down: ['write', 'send', 'file'],
};

async function playServer({ file }) {
  const { heldMemory, serve } = await import('../../../dist/index.mjs');
  const receive = async (chunks, res) => {
    const hash = checksum();
    let bytes = 0;
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    res.end(`${bytes} ${hash.digest('hex')}`);
  };
  const handlers = {
    iterate: (req, res) => receive(req, res),
    readable: (req, res) => receive(req.readable(), res),
    write: async (_req, res, bytes) => {
      for (const chunk of chunksOf(bytes)) if (!res.write(chunk)) await res.drained();
      res.end();
    },
    send: (_req, res, bytes) => res.send(Readable.from(chunksOf(bytes), { objectMode: false })),
    file: (_req, res) => res.send({ file }),
  };
  const server = await serve({
    port: 0,
    host: '127.0.0.1',
    requestTimeout: 3_600_000,
    handler: (req, res) => {
      const [bytes, framing] = req.query.split('&');
      if (framing === 'declared') res.setHeader('content-length', bytes);
      return handlers[req.path.slice(1)](req, res, Number(bytes));
    },
  });
  play({
    port: () => server.port,
    stats: () => ({ ...server.stats(), held: heldMemory() }),
    close: () => server.close({ timeout: 5_000 }),
  });
}

async function upload(port, how, framing, bytes) {
  const connection = await RawConnection.open(port);
  const field = framing === 'declared' ? `Content-Length: ${bytes}` : 'Transfer-Encoding: chunked';
  await connection.write(`POST /${how} HTTP/1.1\r\nHost: t\r\n${field}\r\n\r\n`);
  const hash = checksum();
  for (const chunk of chunksOf(bytes)) {
    hash.update(chunk);
    if (framing === 'declared') await connection.write(chunk);
    else await connection.write(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n');
  }
  if (framing === 'chunked') await connection.write('0\r\n\r\n');
  const head = await connection.head();
  let text = '';
  for await (const part of connection.body(head)) text += part;
  assert.equal(head.status, 200);
  assert.equal(text, `${bytes} ${hash.digest('hex')}`);
  connection.destroy();
}

async function download(port, how, framing, bytes, expected) {
  const connection = await RawConnection.open(port);
  await connection.write(`GET /${how}?${bytes}&${framing} HTTP/1.1\r\nHost: t\r\n\r\n`);
  const head = await connection.head();
  assert.equal(head.status, 200);
  assert.equal(/\r\ntransfer-encoding: chunked/i.test(head.text), framing === 'chunked', head.text);
  const hash = checksum();
  let seen = 0;
  for await (const part of connection.body(head)) {
    hash.update(part);
    seen += part.length;
  }
  assert.deepEqual([seen, hash.digest('hex')], [bytes, expected]);
  connection.destroy();
}

/** The file of which a part is served. */
async function written(path, bytes) {
  const out = createWriteStream(path, { highWaterMark: CHUNK });
  for (const chunk of chunksOf(bytes)) if (!out.write(chunk)) await once(out, 'drain');
  out.end();
  await once(out, 'finish');
}

async function run({ way, how, framing, mib: size }) {
  const bytes = Number(size) * MIB;
  const warmUp = Math.min(WARM_UP, bytes);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-volume-'));
  const path = join(folder, 'body');
  try {
    if (how === 'file') await written(path, bytes);
    const server = await Child.start(import.meta.url, 'server', { file: path });
    const port = await server.call('port');
    const watch = new MemoryWatch(server.pid);
    const expected = way === 'down' ? checksumOf(bytes) : '';
    const transfer = (count) =>
      way === 'up'
        ? upload(port, how, framing, count)
        : // A file has one size.
          download(port, how, framing, how === 'file' ? bytes : count, count === bytes ? expected : checksumOf(count));
    await transfer(how === 'file' ? bytes : warmUp);
    const before = watch.most();
    const began = performance.now();
    await transfer(bytes);
    const took = performance.now() - began;
    const most = watch.most();
    const grown = most - before;
    watch.stop();
    console.log(
      `${size} MiB ${way}, ${how}, ${framing}: ${(took / 1000).toFixed(1)} s, ` +
        `the server at most ${mib(most)}, ${mib(grown)} more than in its warm-up`,
    );
    assert.ok(grown <= FLAT, `it grew by ${mib(grown)}`);
    await until(
      async () => (await server.call('stats')).connections.active === 0,
      async () => JSON.stringify(await server.call('stats')),
    );
    const { held, timeouts } = await server.call('stats');
    assert.ok(held < 64 << 10, `${held} bytes are still held`);
    assert.equal(
      Object.values(timeouts).reduce((sum, count) => sum + count, 0),
      0,
      JSON.stringify(timeouts),
    );
    await server.call('close');
    await server.end();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (role() !== undefined) {
  await playServer(role().settings);
} else {
  const { values } = parseArgs({
    options: {
      way: { type: 'string' },
      how: { type: 'string' },
      framing: { type: 'string', default: 'chunked' },
      mib: { type: 'string', default: '1024' },
    },
  });
  assert.ok(WAYS[values.way]?.includes(values.how), '--way up|down --how one of its');
  await run(values);
}
