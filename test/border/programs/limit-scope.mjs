// Four workers with a server each on one port: with limitScope 'process' their caps and rates are counted together, with
// 'thread' each has its own.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { serve } from '../../../dist/index.mjs';
import { ResponseReader } from './lib/client.mjs';

const WORKERS = 4;
const CONNECTIONS = 6;
const REQUESTS = 5;
const options = (limitScope) => ({
  host: '127.0.0.1',
  reusePort: true,
  limitScope,
  maxConnections: CONNECTIONS,
  rateLimits: [{ prefix: '/limited', by: 'route', requests: REQUESTS, interval: 3_600_000 }],
  handler: (_req, res) => res.end('ok'),
});

/** A connection, and the status that a request on it gets. */
async function open(port, path) {
  const socket = connect(port, '127.0.0.1');
  const reader = new ResponseReader();
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: t\r\n\r\n`);
  const status = await new Promise((resolve) => {
    socket.on('data', (bytes) => {
      const [answer] = reader.take(bytes);
      if (answer !== undefined) resolve(answer.status);
    });
    socket.on('close', () => resolve(0));
  });
  return { socket, status };
}

const closed = (socket) => new Promise((resolve) => (socket.destroyed ? resolve() : socket.once('close', resolve)));

async function run(limitScope) {
  // Holds the port while the workers come.
  const own = await serve({ ...options(limitScope), port: 0 });
  const workers = [];
  for (let place = 0; place < WORKERS; place++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { port: own.port, limitScope } });
    workers.push(worker);
    await once(worker, 'message');
  }
  const { port } = own;
  await own.close();

  const held = [];
  const statuses = [];
  for (let count = 0; count < 2 * CONNECTIONS; count++) {
    const { socket, status } = await open(port, '/');
    statuses.push(status);
    held.push(socket);
  }
  const stats = await Promise.all(
    workers.map(async (worker) => {
      worker.postMessage('stats');
      return (await once(worker, 'message'))[0];
    }),
  );
  for (const socket of held) socket.destroy();
  await Promise.all(held.map(closed));

  const limited = [];
  for (let count = 0; count < 2 * REQUESTS; count++) {
    // Room is made when the server has seen that the last one left.
    let answer = await open(port, '/limited');
    for (
      const end = Date.now() + 5_000;
      answer.status === 503 && Date.now() < end;
      answer = await open(port, '/limited')
    ) {
      answer.socket.destroy();
    }
    limited.push(answer.status);
    answer.socket.destroy();
  }
  const exits = workers.map((worker) => once(worker, 'exit'));
  for (const worker of workers) worker.postMessage('close');
  await Promise.all(exits);
  return { statuses, limited, used: stats.filter(({ accepted }) => accepted > 0).length };
}

if (isMainThread) {
  const together = await run('process');
  const served = Array(CONNECTIONS).fill(200);
  const refused = Array(CONNECTIONS).fill(503);
  assert.deepEqual(together.statuses, [...served, ...refused], 'connections of all threads count together, exactly');
  assert.deepEqual(
    together.limited,
    [...Array(REQUESTS).fill(200), ...Array(REQUESTS).fill(429)],
    'and so do requests',
  );
  const apart = await run('thread');
  assert.ok(apart.statuses.filter((status) => status === 200).length > CONNECTIONS || apart.used === 1);
  assert.ok(together.used > 1 || apart.used > 1, 'the system spread the connections over no two workers');
} else {
  const server = await serve({ ...options(workerData.limitScope), port: workerData.port });
  parentPort.on('message', async (what) => {
    if (what === 'stats') return parentPort.postMessage(server.stats().connections);
    await server.close();
    parentPort.close();
  });
  parentPort.postMessage('listening');
}
