// Three workers with a server each on one port; the main thread is the client, and sees all of their metrics.
import assert from 'node:assert/strict';
import { Worker, isMainThread, parentPort, threadId, workerData } from 'node:worker_threads';
import { metrics, serve } from '../../../dist/index.mjs';
import { once } from './lib/client.mjs';
import { until } from './lib/process.mjs';

const COUNT = 3;
const LEAST = 150;

if (isMainThread) {
  const own = await serve({ port: 0, host: '127.0.0.1', reusePort: true, handler: (_req, res) => res.end('main') });
  const workers = [];
  const exits = [];
  const told = [];
  for (let place = 0; place < COUNT; place++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: own.port });
    workers.push(worker);
    exits.push(new Promise((resolve) => worker.once('exit', resolve)));
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    worker.on('message', (count) => told.push(count));
  }
  await own.close();
  const before = metrics.snapshot();
  assert.equal(before.gauges['millrace_reactor_threads'], COUNT + 1);
  const answers = {};
  let sent = 0;
  while (sent < LEAST || (Object.keys(answers).length < COUNT && sent < 3000)) {
    const { status, body } = await once(own.port);
    assert.equal(status, 200);
    answers[body] = (answers[body] ?? 0) + 1;
    sent++;
  }
  assert.equal(Object.keys(answers).length, COUNT, JSON.stringify(answers));
  const requests = () => {
    const { counters } = metrics.snapshot();
    const key = 'millrace_http_server_requests_total';
    return counters[key] - before.counters[key];
  };
  assert.equal(requests(), sent, 'the main thread counts what the workers did');
  for (const worker of workers) worker.postMessage('close');
  await until(
    () => told.length === COUNT,
    () => `${told.length} workers closed`,
  );
  assert.equal(
    told.reduce((sum, count) => sum + count, 0),
    sent,
  );
  await Promise.all(exits);
  // What an ended worker counted stays.
  assert.equal(requests(), sent);
  assert.equal(metrics.snapshot().gauges['millrace_reactor_threads'], 1);
} else {
  let served = 0;
  const server = await serve({
    port: workerData,
    host: '127.0.0.1',
    reusePort: true,
    handler: (_req, res) => {
      served++;
      res.end(String(threadId));
    },
  });
  parentPort.postMessage('listening');
  parentPort.once('message', async () => {
    await server.close();
    parentPort.postMessage(served);
  });
}
