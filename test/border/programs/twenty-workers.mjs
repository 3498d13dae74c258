// Twenty workers, each with a server of its own and requests open, close all at once; twice as many then end by themselves.
// Meanwhile the metrics of all are read in less than a millisecond.
import assert from 'node:assert/strict';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { metrics, serve } from '../../../dist/index.mjs';
import { once } from './lib/client.mjs';
import { descriptors, until } from './lib/process.mjs';

const COUNT = 20;

if (isMainThread) {
  const seed = await serve({ port: 0, handler: (_req, res) => res.end() });
  await seed.close();
  const start = descriptors();
  const workers = await Promise.all(
    Array.from({ length: COUNT }, async () => {
      const worker = new Worker(new URL(import.meta.url));
      const exit = new Promise((resolve) => worker.once('exit', resolve));
      const port = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      return { worker, exit, port };
    }),
  );
  assert.equal(metrics.snapshot().gauges['millrace_reactor_threads'], COUNT + 1);
  const answers = workers.flatMap(({ port }) => [once(port), once(port, '/slow')]);
  await until(
    () => metrics.snapshot().gauges['millrace_http_server_active_requests'] === COUNT,
    () => JSON.stringify(metrics.snapshot().gauges),
  );
  // All threads rest now, so the process's CPU is the reading's; the quickest of a few rounds, so warming up is not.
  const READINGS = 20;
  let quickest = Infinity;
  for (let round = 0; round < 10 && quickest >= 1; round++) {
    const before = process.cpuUsage();
    for (let reading = 0; reading < READINGS; reading++) metrics.toPrometheus();
    const { user, system } = process.cpuUsage(before);
    quickest = Math.min(quickest, (user + system) / 1000 / READINGS);
  }
  assert.ok(quickest < 1, `${quickest} ms of CPU to read ${COUNT + 1} threads`);
  for (const { worker } of workers) worker.postMessage('close');
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  assert.deepEqual([...new Set(await Promise.all(workers.map(({ exit }) => exit)))], [0]);
  await until(
    () => descriptors() <= start,
    () => `${descriptors()} descriptors, ${start} at the start`,
  );
  assert.equal(metrics.snapshot().gauges['millrace_reactor_threads'], 1);
} else {
  const slow = [];
  const server = await serve({
    port: 0,
    host: '127.0.0.1',
    handler: (req, res) => (req.path === '/slow' ? slow.push(res) : res.end('quick')),
  });
  parentPort.postMessage(server.port);
  parentPort.once('message', () => {
    void server.close();
    for (const res of slow) res.end('slow');
  });
}
