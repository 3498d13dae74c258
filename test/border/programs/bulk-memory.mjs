// What comes in bulk lies in memory that is used again: never while anybody has it, and a worker may end in the middle.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { connect } from '../../../dist/index.mjs';

const BLOCK = 1 << 20;
/** More than the pieces that are lent at once. */
const BLOCKS = 40;

/** Words that say where they are. */
function block(number) {
  const words = new Uint32Array(BLOCK / 4);
  for (let at = 0; at < words.length; at++) words[at] = number * words.length + at;
  return Buffer.from(words.buffer);
}

/** Reads all and keeps what `keeps` says, collecting garbage now and then; answers with the chunks and where they begin. */
async function receive(port, keeps) {
  const socket = await connect({ host: '127.0.0.1', port });
  const kept = [];
  let position = 0;
  let largest = 0;
  socket.on('data', (chunk) => {
    if (keeps(position)) kept.push([position, chunk]);
    if (position >> 23 !== (position + chunk.length) >> 23) globalThis.gc();
    position += chunk.length;
    largest = Math.max(largest, chunk.length);
  });
  await once(socket, 'end');
  await socket.end();
  assert.equal(position, BLOCK * BLOCKS);
  assert.ok(largest > 64 << 10, `no chunk was more than ${largest} bytes`);
  return kept;
}

function check(kept) {
  for (const [position, chunk] of kept) {
    for (let at = -position & 3; at + 4 <= chunk.length; at += 4) {
      const word = chunk[at] | (chunk[at + 1] << 8) | (chunk[at + 2] << 16) | (chunk[at + 3] << 24);
      if (word !== (position + at) / 4) assert.fail(`word ${(position + at) / 4} is ${word}`);
    }
  }
}

if (isMainThread) {
  const server = createServer(async (socket) => {
    socket.on('error', () => {});
    for (let number = 0; number < BLOCKS && !socket.destroyed; number++) {
      if (!socket.write(block(number))) await once(socket, 'drain').catch(() => {});
    }
    socket.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  check(await receive(port, () => true));
  // Those between are lent again meanwhile.
  check(await receive(port, (position) => (position >> 21) % 4 === 0));
  const worker = new Worker(new URL(import.meta.url), { workerData: port });
  assert.equal((await once(worker, 'message'))[0], 'has all');
  await worker.terminate();
  // One that is ended while it dials or receives.
  const second = new Worker(new URL(import.meta.url), { workerData: port });
  await once(server, 'connection');
  await second.terminate();
  // One that has a connection of its own when it ends.
  const third = new Worker(new URL(import.meta.url), { workerData: -port });
  assert.equal((await once(third, 'message'))[0], 'connected');
  await third.terminate();
  globalThis.gc();
  check(await receive(port, () => true));
  server.close();
  console.log('as they were');
} else if (workerData < 0) {
  globalThis.socket = await connect({ host: '127.0.0.1', port: -workerData });
  parentPort.on('message', () => {});
  parentPort.postMessage('connected');
} else {
  const kept = await receive(workerData, () => true);
  check(kept);
  parentPort.on('message', () => kept.length);
  parentPort.postMessage('has all');
}
