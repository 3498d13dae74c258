// Workers with a server under load are started and terminated at random moments; nothing may stay behind.
// Arguments: how many cycles.
import assert from 'node:assert/strict';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { metrics, serve } from '../../../dist/index.mjs';
import { SEED, randomOf } from '../../volume/programs/lib/random.mjs';
import { Flood } from './lib/client.mjs';
import { descriptors, resident, threads, until } from './lib/process.mjs';

/** What the resident size may grow from a third of the cycles to the last, in KiB a cycle. */
const SLOPE_KIB = 48;
const random = randomOf(SEED);

async function cycle(number) {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  const port = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  // Now and then before it listens, at its first answer, and under way.
  const moment = number % 10 === 0 ? -1 : Math.floor(random() * 60);
  if (moment < 0) {
    await new Promise((resolve) => setTimeout(resolve, random() * 20));
    port.catch(() => {});
    await worker.terminate();
    await exit;
    return;
  }
  const flood = new Flood(await port, { connections: 4, depth: 4 });
  await flood.reach(moment);
  await worker.terminate();
  flood.stop();
  await exit;
}

if (isMainThread) {
  const count = Number(process.argv[2]);
  const seed = await serve({ port: 0, handler: (_req, res) => res.end() });
  await seed.close();
  for (let number = 1; number <= 10; number++) await cycle(number);
  const start = { descriptors: descriptors(), threads: threads() };
  const sizes = [];
  for (let number = 1; number <= count; number++) {
    await cycle(number);
    globalThis.gc?.();
    sizes.push(resident());
  }
  await until(
    () => descriptors() <= start.descriptors && threads() <= start.threads,
    () => `${descriptors()} descriptors, ${threads()} threads, at the start ${JSON.stringify(start)}`,
  );
  const gauges = metrics.snapshot().gauges;
  assert.equal(gauges['millrace_reactor_threads'], 1);
  assert.equal(gauges['millrace_http_server_connections'], 0);
  assert.equal(gauges['millrace_http_server_active_requests'], 0);
  const third = Math.floor(count / 3);
  const middle = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const early = middle(sizes.slice(third, 2 * third));
  const late = middle(sizes.slice(2 * third));
  const slope = (late - early) / third / 1024;
  console.log(`${slope.toFixed(1)} KiB a cycle, ${(late / 2 ** 20).toFixed(0)} MiB`);
  // Of a few cycles the noise is larger than a leak.
  if (count >= 100) assert.ok(slope < SLOPE_KIB, `${slope.toFixed(1)} KiB a cycle`);
} else {
  const server = await serve({
    port: 0,
    host: '127.0.0.1',
    // Half of them answer later, so that a termination finds exchanges open and answers queued.
    handler: (_req, res) => (random() < 0.5 ? res.end('now') : void setTimeout(() => res.end('later'), random() * 3)),
  });
  parentPort.postMessage(server.port);
}
