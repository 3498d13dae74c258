// Limits of each thread and of the whole process (`limitScope`), with four workers on one port and clients that race:
// thread means four times the limit, process exactly the limit. For maxConnections, maxConnectionsPerIp and rateLimits.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { Child, play, role } from './lib/child.mjs';
import { until } from './lib/facts.mjs';

const WORKERS = 4;
/** By a hash each worker gets a quarter of these: that one gets fewer than a limit below is less likely than 1 in 10⁸. */
const CLIENTS = 400;
const MAX_CONNECTIONS = 10;
const MAX_PER_IP = 5;
const REQUESTS = 20;
const HOUR = 3_600_000;
const HOSTS = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
/** How often a client of the race leaves and comes again. */
const ROUNDS = 5;

async function playWorker() {
  const { serve } = await import('../../../dist/index.mjs');
  let server;
  play({
    serve: async (port, options) => {
      const handler = (_req, res) => res.end('ok');
      server = await serve({ port, host: '127.0.0.1', reusePort: true, ...options, handler });
      return server.port;
    },
    stats: () => server.stats(),
    close: () => server.close({ timeout: 1_000 }),
  });
}

/** One request on a connection of its own: the status, and the socket, which stays open where the server lets it. */
function ask(port, { path = '/', from = '127.0.0.1' } = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    let text = '';
    socket.on('connect', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: t\r\n\r\n`));
    socket.on('data', (bytes) => {
      text += bytes.latin1Slice();
      const status = Number(/^HTTP\/1\.1 (\d{3}) [^]*\r\n\r\n/.exec(text)?.[1]);
      if (status > 0) resolve({ status, socket, text });
    });
    socket.on('error', () => {});
    socket.on('close', () => reject(new Error(`ended without an answer: ${JSON.stringify(text)}`)));
  });
}

/** Many at once. */
const askMany = (port, count, options) => Promise.all(Array.from({ length: count }, () => ask(port, options)));
const holds = (answers) => answers.filter(({ status }) => status === 200);

/** Four servers on one port, with these options each. */
class Servers {
  static async start(options) {
    const servers = new Servers();
    servers.workers = await Promise.all(
      Array.from({ length: WORKERS }, () => Child.thread(new URL(import.meta.url), 'worker')),
    );
    servers.port = await servers.workers[0].call('serve', 0, options);
    for (const worker of servers.workers.slice(1)) await worker.call('serve', servers.port, options);
    return servers;
  }

  async stats() {
    const stats = await Promise.all(this.workers.map((worker) => worker.call('stats')));
    const sum = (figure) => stats.reduce((total, each) => total + figure(each), 0);
    return {
      active: sum(({ connections }) => connections.active),
      each: stats.map(({ connections }) => connections.active),
      refused: sum(({ connections }) => connections.refused),
      rateLimited: sum(({ requests }) => requests.rateLimited),
    };
  }

  async emptied() {
    await until(
      async () => (await this.stats()).active === 0,
      async () => JSON.stringify(await this.stats()),
    );
  }

  async close() {
    for (const worker of this.workers) await worker.call('close');
    await Promise.all(this.workers.map((worker) => worker.end()));
  }
}

/** Clients that come, stay for an answer and leave, again and again: never are there more than the limit at once. */
async function race(port, limit, options) {
  let now = 0;
  let most = 0;
  let letIn = 0;
  const client = async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { status, socket } = await ask(port, options);
      if (status === 200) {
        letIn++;
        // Ours is counted until we leave, before the server knows that we do.
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
      }
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS / 4 }, client));
  assert.ok(most <= limit, `${most} at once, ${limit} are allowed`);
  assert.ok(letIn >= limit, `${letIn} were let in`);
}

async function maxConnections(scope, counted) {
  const limit = MAX_CONNECTIONS * (scope === 'thread' ? WORKERS : 1);
  const servers = await Servers.start({ maxConnections: MAX_CONNECTIONS, limitScope: scope });
  const { port } = servers;
  const before = counted('maxConnections');
  let held = holds(await askMany(port, CLIENTS));
  assert.equal(held.length, limit);
  const { active, refused, each } = await servers.stats();
  assert.deepEqual([active, refused], [limit, CLIENTS - limit]);
  if (scope === 'thread') assert.deepEqual(each, Array(WORKERS).fill(MAX_CONNECTIONS));
  assert.equal(counted('maxConnections') - before, CLIENTS - limit);
  for (const { socket } of held) socket.destroy();
  await servers.emptied();
  await race(port, limit);
  await servers.emptied();

  // A thread that ends gives back what it held, and the others may use that where they share.
  held = holds(await askMany(port, CLIENTS));
  assert.equal(held.length, limit);
  const counts = (await servers.stats()).each;
  const place = counts.findIndex((count) => count > 0);
  const [worker] = servers.workers.splice(place, 1);
  await worker.end();
  assert.equal((await servers.stats()).active, limit - counts[place]);
  const more = holds(await askMany(port, CLIENTS));
  assert.equal(more.length, scope === 'thread' ? 0 : counts[place]);
  for (const { socket } of [...held, ...more]) socket.destroy();
  await servers.emptied();
  await servers.close();
  return limit;
}

async function maxConnectionsPerIp(scope, counted) {
  const limit = MAX_PER_IP * (scope === 'thread' ? WORKERS : 1);
  const servers = await Servers.start({ maxConnectionsPerIp: MAX_PER_IP, limitScope: scope });
  const before = counted('maxConnectionsPerIp');
  const share = CLIENTS / 2;
  const answers = await Promise.all(HOSTS.map((from) => askMany(servers.port, share, { from })));
  assert.deepEqual(
    answers.map((those) => holds(those).length),
    HOSTS.map(() => limit),
  );
  assert.equal((await servers.stats()).refused, HOSTS.length * (share - limit));
  assert.equal(counted('maxConnectionsPerIp') - before, HOSTS.length * (share - limit));
  for (const { socket } of answers.flat()) socket.destroy();
  await servers.emptied();
  await Promise.all(HOSTS.map((from) => race(servers.port, limit, { from })));
  await servers.emptied();
  await servers.close();
  return limit;
}

async function rateLimits(scope, counted) {
  const limit = REQUESTS * (scope === 'thread' ? WORKERS : 1);
  const servers = await Servers.start({
    limitScope: scope,
    rateLimits: [
      { requests: REQUESTS, interval: HOUR },
      { prefix: '/route', by: 'route', requests: REQUESTS, interval: HOUR },
    ],
  });
  const before = counted('rateLimits');
  // Each client has a bucket of its own, and all have one of the route together.
  const share = CLIENTS / 2;
  const byClient = await Promise.all(HOSTS.map((from) => askMany(servers.port, share, { from })));
  assert.deepEqual(
    byClient.map((those) => holds(those).length),
    HOSTS.map(() => limit),
  );
  const byRoute = await Promise.all(HOSTS.map((from) => askMany(servers.port, share, { from, path: '/route' })));
  assert.equal(holds(byRoute.flat()).length, limit);
  const refused = [...byClient, ...byRoute].flat().filter(({ status }) => status === 429);
  assert.equal(refused.length, HOSTS.length * 2 * share - (HOSTS.length + 1) * limit);
  for (const { text } of refused) assert.match(text, /\r\nretry-after: \d+\r\n/i);
  assert.equal((await servers.stats()).rateLimited, refused.length);
  assert.equal(counted('rateLimits') - before, refused.length);
  for (const { socket } of [...byClient, ...byRoute].flat()) socket.destroy();
  await servers.emptied();
  await servers.close();
  return limit;
}

if (role() !== undefined) {
  await playWorker();
} else {
  const { metrics } = await import('../../../dist/index.mjs');
  const counted = (option) => metrics.snapshot().counters[`millrace_limit_exceeded_total{option="${option}"}`];
  for (const limit of [maxConnections, maxConnectionsPerIp, rateLimits]) {
    const allowed = [];
    for (const scope of ['thread', 'process']) allowed.push(`${scope} ${await limit(scope, counted)}`);
    console.log(`${limit.name} over ${WORKERS} workers: ${allowed.join(', ')}`);
  }
}
