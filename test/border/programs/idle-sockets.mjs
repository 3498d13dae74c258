// How many bytes of the heap a raw socket takes that was accepted and waits, and one that is listened to as usual.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { getHeapStatistics } from 'node:v8';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { listen } from '../../../dist/index.mjs';

/** Of each round; one that grows a table or compiles something is not the one between the others. */
const COUNT = 200;
const ROUNDS = 3;
/** 158 to 244 were seen on Node 20 to 26; with an object for its body and a table of listeners 590 and more. */
const MOST = 320;

function heap() {
  for (let i = 0; i < 4; i++) globalThis.gc();
  return getHeapStatistics().used_heap_size;
}

if (isMainThread) {
  let accepted = 0;
  const nothing = () => {};
  let onSocket = nothing;
  let told = nothing;
  const listener = await listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, (socket) => {
    onSocket(socket);
    if (++accepted % COUNT === 0) told();
  });
  // The clients have a heap of their own.
  const worker = new Worker(new URL(import.meta.url), { workerData: listener.port });
  const grow = async () => {
    const wanted = accepted + COUNT;
    worker.postMessage(COUNT);
    while (accepted < wanted) await new Promise((resolve) => (told = resolve));
    await new Promise(setImmediate);
    return heap();
  };
  const each = async () => {
    const sizes = [];
    for (let round = 0, before = await grow(); round < ROUNDS; round++) {
      const after = await grow();
      sizes.push(Math.round((after - before) / COUNT));
      before = after;
    }
    return sizes.sort((a, b) => a - b)[ROUNDS >> 1];
  };
  const waiting = await each();
  // Functions that all share: what each listener keeps alive is its own business.
  onSocket = (socket) => socket.on('error', nothing).on('data', nothing).once('end', nothing);
  const heard = await each();
  assert.ok(waiting <= MOST && heard <= MOST, `${waiting} bytes of one that waits, ${heard} with listeners`);
  listener.destroy();
  await worker.terminate();
} else {
  const { createConnection } = await import('node:net');
  const sockets = [];
  parentPort.on('message', async (count) => {
    for (let i = 0; i < count; i++) {
      const socket = createConnection(workerData, '127.0.0.1').on('error', () => {});
      sockets.push(socket);
      await once(socket, 'connect');
    }
  });
}
