// 8 MiB to readers that stop for a while after the head: with a writeTimeout above that the body arrives whole, with
// one below it the exchange is cut, counted, and holds nothing any more. One reader for each way to send a body,
// over TCP (of which the kernel takes up to 4 MiB off the server's hands, by Linux's defaults) and over a Unix socket.
//
// --seconds: how long they stop. The rate of the reader is judged as by default.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { Child, play, role } from './lib/child.mjs';
import { checksum, checksumOf, chunksOf } from './lib/content.mjs';
import { MIB, mib, until } from './lib/facts.mjs';
import { RawConnection } from './lib/raw.mjs';

const SIZE = 8 * MIB;
/** How much later than it should a busy machine may let a reader go on. */
const LATE_MS = 30_000;
const KINDS = ['tcp', 'unix'];
const WAYS = ['end', 'write', 'send', 'file'];
const READERS = WAYS.length * KINDS.length;

async function playServer({ writeTimeout, folder }) {
  const { heldMemory, metrics, serve } = await import('../../../dist/index.mjs');
  const whole = Buffer.concat([...chunksOf(SIZE)]);
  const reasons = [];
  const handlers = {
    end: (res) => res.end(whole),
    write: async (res) => {
      for (const chunk of chunksOf(SIZE)) if (!res.write(chunk)) await res.drained();
      res.end();
    },
    send: (res) => res.send(Readable.from(chunksOf(SIZE), { objectMode: false })),
    file: (res) => res.send({ file: join(folder, 'body') }),
  };
  const start = (place) =>
    serve({
      ...place,
      writeTimeout,
      handler: async (req, res) => {
        req.signal.addEventListener('abort', () => reasons.push(req.signal.reason.code));
        // One that is cut rejects: `reasons` says why.
        await Promise.resolve(handlers[req.path.slice(1)](res)).catch(() => {});
      },
    });
  const path = join(folder, `${writeTimeout}.sock`);
  const servers = [await start({ host: '127.0.0.1', port: 0 }), await start({ path })];
  const sum = (figure) => servers.reduce((total, server) => total + figure(server.stats()), 0);
  play({
    places: () => ({ tcp: { host: '127.0.0.1', port: servers[0].port }, unix: { path } }),
    facts: () => ({
      held: heldMemory(),
      reasons,
      connections: sum((stats) => stats.connections.active),
      active: sum((stats) => stats.requests.active),
      late: sum((stats) => stats.timeouts.send),
      slow: sum((stats) => stats.timeouts.sendRate),
      counted: metrics.snapshot().counters['millrace_http_server_timeouts_total{phase="send"}'],
    }),
    close: () => Promise.all(servers.map((server) => server.close({ timeout: 5_000 }))),
  });
}

/** Readers that have read the head and no more. */
async function readers(places) {
  const open = async (kind, way) => {
    const connection = await RawConnection.open(places[kind]);
    await connection.write(`GET /${way} HTTP/1.1\r\nHost: t\r\n\r\n`);
    const head = await connection.head();
    assert.equal(head.status, 200, way);
    return { name: `${way} over ${kind}`, connection, head };
  };
  return Promise.all(KINDS.flatMap((kind) => WAYS.map((way) => open(kind, way))));
}

async function read({ connection, head }) {
  const hash = checksum();
  let bytes = 0;
  for await (const part of connection.body(head)) {
    hash.update(part);
    bytes += part.length;
  }
  connection.destroy();
  return { bytes, checksum: hash.digest('hex') };
}

async function run(seconds, folder) {
  const start = (writeTimeout) => Child.start(import.meta.url, 'server', { writeTimeout, folder });
  const patient = await start(seconds * 1_000 + LATE_MS);
  const strict = await start(seconds * 500);
  const whole = { bytes: SIZE, checksum: checksumOf(SIZE) };
  const waiting = await readers(await patient.call('places'));
  const cut = await readers(await strict.call('places'));
  const stopped = performance.now();
  const began = await patient.call('facts');
  assert.ok(began.connections === READERS && began.held > 0, JSON.stringify(began));
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const after = await patient.call('facts');
  assert.ok(after.connections === READERS && after.held > 0, JSON.stringify(after));
  await Promise.all(waiting.map(async (reader) => assert.deepEqual(await read(reader), whole, reader.name)));
  const { late, slow, reasons } = await patient.call('facts');
  assert.deepEqual([late, slow, reasons], [0, 0, []]);

  const over = async () => (await strict.call('facts')).connections === 0;
  await until(over, async () => JSON.stringify(await strict.call('facts')));
  const end = await strict.call('facts');
  // All of them: the kernel had taken no body whole.
  assert.deepEqual([end.late, end.counted, end.active], [READERS, READERS, 0]);
  // A handler that has ended its response with all of its bytes is done; the others are told.
  assert.deepEqual(end.reasons, Array(READERS - 2).fill('MILLRACE_WRITE_TIMEOUT'));
  assert.ok(end.held < 64 << 10, `${end.held} bytes are still held`);
  for (const reader of cut) await assert.rejects(read(reader), /the body ended/, reader.name);

  const took = ((performance.now() - stopped) / 1000).toFixed(1);
  console.log(`${READERS} readers stopped for ${seconds} s, then read ${mib(SIZE)} each: ${took} s in all`);
  for (const server of [patient, strict]) {
    await server.call('close');
    await server.end();
  }
}

if (role() !== undefined) {
  await playServer(role().settings);
} else {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
  const folder = mkdtempSync(join(tmpdir(), 'millrace-volume-'));
  writeFileSync(join(folder, 'body'), Buffer.concat([...chunksOf(SIZE)]));
  try {
    await run(Number(values.seconds), folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
