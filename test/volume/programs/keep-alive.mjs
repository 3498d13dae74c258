// Keep-alive connections up to maxConnections on one process, some more that are refused, and all of the first ones
// served again; what an idle one costs in memory.
//
// --count: maxConnections; --more: how many come besides.
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { Child, play, role } from './lib/child.mjs';
import { descriptors, mib, mostDescriptors, skip, until, used } from './lib/facts.mjs';
import { playHolder } from './lib/holder.mjs';

/** What an idle connection may cost the process, in bytes; the core's own share is 88. */
const MOST_PER_CONNECTION = 1_024;
/** Descriptors of a process besides its connections. */
const OWN = 100;
const COUNTER = 'millrace_limit_exceeded_total{option="maxConnections"}';

async function playServer({ maxConnections }) {
  const { metrics, serve } = await import('../../../dist/index.mjs');
  const server = await serve({
    port: 0,
    host: '127.0.0.1',
    maxConnections,
    keepAliveTimeout: 600_000,
    handler: (_req, res) => res.end('ok'),
  });
  play({
    port: () => server.port,
    stats: () => server.stats().connections,
    counted: () => metrics.snapshot().counters[COUNTER],
    memory: used,
    close: () => server.close({ timeout: 5_000 }),
  });
}

async function run(count, more) {
  const execArgv = ['--expose-gc'];
  const server = await Child.start(import.meta.url, 'server', { maxConnections: count }, { execArgv });
  const holder = await Child.start(import.meta.url, 'holder', { host: '127.0.0.1', port: await server.call('port') });
  // The heap of JavaScript has then the size that so many requests need.
  const warmUp = Math.ceil(count / 10);
  assert.deepEqual(await holder.call('open', warmUp), { ok: warmUp });
  await holder.call('close');
  await until(
    async () => (await server.call('stats')).active === 0,
    async () => JSON.stringify(await server.call('stats')),
  );
  const before = { memory: await server.call('memory'), descriptors: descriptors(server.pid) };

  const began = performance.now();
  assert.deepEqual(await holder.call('open', count), { ok: count });
  const opened = performance.now() - began;
  const memory = (await server.call('memory')) - before.memory;
  assert.equal(descriptors(server.pid) - before.descriptors, count, 'a descriptor each');
  assert.deepEqual(await server.call('stats'), { active: count, accepted: warmUp + count, refused: 0 });

  // With a request and without one.
  const loud = Math.ceil(more / 2);
  assert.deepEqual(await holder.call('open', loud), { 503: loud });
  assert.deepEqual(await holder.call('listen', more - loud), { 503: more - loud });
  assert.deepEqual(await server.call('stats'), { active: count, accepted: warmUp + count, refused: more });
  assert.equal(await server.call('counted'), more);

  assert.equal(await holder.call('held'), count);
  assert.deepEqual(await holder.call('ask'), { ok: count }, 'each of the first is served again');
  assert.deepEqual(await server.call('stats'), { active: count, accepted: warmUp + count, refused: more });
  const each = memory / count;
  console.log(
    `${count} connections, opened and asked in ${(opened / 1000).toFixed(1)} s: ${mib(memory)} of the process, ` +
      `${each.toFixed(0)} bytes each; ${more} more got 503`,
  );
  assert.ok(each < MOST_PER_CONNECTION, `${each} bytes for each`);

  await holder.call('close');
  await until(
    async () => (await server.call('stats')).active === 0,
    async () => JSON.stringify(await server.call('stats')),
  );
  await until(
    () => descriptors(server.pid) === before.descriptors,
    () => `${descriptors(server.pid)} descriptors, ${before.descriptors} before`,
  );
  await server.call('close');
  await server.end();
  await holder.end();
}

const playing = role();
if (playing?.name === 'server') {
  await playServer(playing.settings);
} else if (playing?.name === 'holder') {
  playHolder(playing.settings);
} else {
  const { values } = parseArgs({
    options: { count: { type: 'string', default: '10000' }, more: { type: 'string', default: '200' } },
  });
  const [count, more] = [Number(values.count), Number(values.more)];
  const most = mostDescriptors();
  if (most < count + more + OWN) skip(`a process may open ${most} descriptors here, ${count + more + OWN} are needed`);
  await run(count, more);
}
