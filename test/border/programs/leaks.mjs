// A hundred thousand requests and ten thousand that their clients abandon; then everything must be as at the start.
// The clients live in a worker, so that their sockets are not ours. Arguments: requests, aborted ones.
import assert from 'node:assert/strict';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { connect } from 'node:net';
import { metrics, serve, setLogger } from '../../../dist/index.mjs';
import { Flood } from './lib/client.mjs';
import { descriptors, resident, until } from './lib/process.mjs';
import { reset } from '../../support/reset.js';

// An immediate is over with its turn: whose it is depends on the moment.
const resources = () =>
  process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Immediate')
    .sort();

const [requests, aborted] = process.argv.slice(2).map(Number);
const ROUNDS = 10;
const MOST_ROUNDS = 30;
/** What resident memory may grow in half of the rounds, in MiB. */
const GROWTH_MIB = 8;

/** Requests that are given up: at once, in the middle of a body, while the answer comes. */
function abandon(port, number) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const text = [
      'GET /never HTTP/1.1\r\nHost: t\r\n\r\n',
      'POST /body HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\nhalf of it',
      'GET /large HTTP/1.1\r\nHost: t\r\n\r\n',
      'GET / HT',
    ][number % 4];
    socket.on('connect', () => {
      socket.write(text, () => {
        if (number % 4 === 2) socket.once('data', () => socket.destroy());
        else if (number % 8 < 4) setImmediate(() => socket.destroy());
        else reset(socket);
      });
    });
    socket.on('error', () => {});
    socket.on('close', resolve);
  });
}

if (isMainThread) {
  const { census } = await import('./lib/native.mjs');
  setLogger(null);
  const server = await serve({
    port: 0,
    host: '127.0.0.1',
    async handler(req, res) {
      if (req.path === '/never') req.signal.addEventListener('abort', () => res.end());
      else if (req.path === '/body') res.end(String((await req.bytes()).length));
      else if (req.path === '/large') await res.send(Buffer.alloc(2 ** 21)).catch(() => {});
      else res.end('fine');
    },
  });
  const worker = new Worker(new URL(import.meta.url), { workerData: server.port, argv: process.argv.slice(2) });
  worker.setMaxListeners(0);
  const round = () =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
      worker.postMessage('round');
    });
  await round();
  const settled = async () => {
    await until(
      () => census().connections === 0 && census().streams === 0,
      () => JSON.stringify(census()),
    );
    globalThis.gc?.();
  };
  await settled();
  const start = { census: census(), descriptors: descriptors(), resources: resources() };
  const sizes = [];
  // What is collected and given back, and when, differs by megabytes from one time to the next. What leaks grows always.
  const growth = () => (sizes.at(-1) - sizes.at(-1 - ROUNDS / 2)) / 2 ** 20;
  while (sizes.length < ROUNDS || (growth() >= GROWTH_MIB && sizes.length < MOST_ROUNDS)) {
    await round();
    await settled();
    sizes.push(resident());
  }
  assert.deepEqual(census(), start.census);
  assert.deepEqual(census(), { servers: 1, connections: 0, streams: 0, buffers: 0, timers: 0, pins: 0 });
  await until(
    () => descriptors() <= start.descriptors,
    () => `${descriptors()} descriptors, ${start.descriptors} before`,
  );
  assert.deepEqual(resources(), start.resources);
  const { counters, gauges } = metrics.snapshot();
  assert.ok(counters['millrace_http_server_responses_total{class="2xx"}'] >= requests);
  assert.ok(counters['millrace_http_server_aborted_total'] > aborted / 4);
  for (const name of ['millrace_http_server_connections', 'millrace_http_server_active_requests'])
    assert.equal(gauges[name], 0);
  const seen = `${growth().toFixed(1)} MiB over the last ${ROUNDS / 2} of ${sizes.length} rounds`;
  console.log(`${seen}, ${(sizes.at(-1) / 2 ** 20).toFixed(0)} MiB in all`);
  // Over UvPoll resident memory climbs to a plateau of some 170 MiB, whatever the count: not yet explained, so not
  // asserted. What the core holds is, above.
  if (process.env.MILLRACE_POLLER !== 'uv') assert.ok(growth() < GROWTH_MIB, seen);
  await server.close();
  assert.equal(census().servers, 0);
  await worker.terminate();
} else {
  parentPort.on('message', async () => {
    const flood = new Flood(workerData, { connections: 16, depth: 16 });
    await flood.reach(requests / ROUNDS);
    flood.stop();
    for (let done = 0; done < aborted / ROUNDS; done += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, place) => abandon(workerData, done + place)));
    }
    parentPort.postMessage('done');
  });
}
