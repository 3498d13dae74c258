// Many connections over several processes: servers that share one port (SO_REUSEPORT), and clients. Every connection is
// answered when it opens, in the middle and at the end of the time that it is held. Each client has an address of the
// loopback to connect to, and each server listens on all of them: a system has some 28 000 ports for one address.
//
// --count connections in all; --hold seconds; --servers and --clients processes, by default one for each 12 500.
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { Child, play, role } from './lib/child.mjs';
import { MIB, cpuTime, mib, mostDescriptors, skip, slabs, until, used } from './lib/facts.mjs';
import { playHolder } from './lib/holder.mjs';

const PER_PROCESS = 12_500;
/** What the heap of JavaScript grows to under load must not be counted for connections. */
const WARM_UP = 4_000;
/** An idle connection costs its process no more than this, in bytes (the core's own share is 88), … */
const MOST_PER_CONNECTION = 1_024;
/** … and what else happens in a server process meanwhile, no more than that. */
const NOISE = MIB;

async function playServer({ port, hosts }) {
  const { heldMemory, serve } = await import('../../../dist/index.mjs');
  const servers = [];
  for (const host of hosts) {
    const options = {
      host,
      port: servers[0]?.port ?? port,
      reusePort: true,
      keepAliveTimeout: 3_600_000,
      handler: (_req, res) => res.end('ok'),
    };
    servers.push(await serve(options));
  }
  const total = (figure) => servers.reduce((sum, server) => sum + figure(server.stats()), 0);
  play({
    port: () => servers[0].port,
    facts: () => ({
      active: total((stats) => stats.connections.active),
      refused: total((stats) => stats.connections.refused),
      requests: total((stats) => stats.requests.total),
      held: heldMemory(),
      used: used(),
      resident: process.memoryUsage.rss(),
    }),
    close: () => Promise.all(servers.map((server) => server.close({ timeout: 5_000 }))),
  });
}

const sum = (items, figure) => items.reduce((total, item) => total + figure(item), 0);
const number = (value) => Math.round(value).toLocaleString('en').replaceAll(',', ' ');

/** Prints rows of texts in columns. */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((text, column) => text.padStart(widths[column])).join(' | ')} |`;
  console.log(line(rows[0]));
  console.log(`| ${widths.map((width) => `${'-'.repeat(width - 1)}:`).join(' | ')} |`);
  for (const row of rows.slice(1)) console.log(line(row));
  console.log('');
}

/** Each client process does it with its share: what came, by client. */
async function all(clients, shares, command) {
  const answers = await Promise.all(clients.map((client, place) => client.call(command, shares[place])));
  answers.forEach((counts, place) => assert.deepEqual(counts, { ok: shares[place] }, `${command}, client ${place}`));
  return answers.map(({ ok }) => ok);
}

async function run({ count, hold, servers: serverCount, clients: clientCount }) {
  const options = { execArgv: ['--expose-gc'] };
  const hosts = Array.from({ length: clientCount }, (_, place) => `127.0.0.${place + 1}`);
  const servers = [await Child.start(import.meta.url, 'server', { port: 0, hosts }, options)];
  const port = await servers[0].call('port');
  while (servers.length < serverCount) {
    servers.push(await Child.start(import.meta.url, 'server', { port, hosts }, options));
  }
  const clients = await Promise.all(hosts.map((host) => Child.start(import.meta.url, 'holder', { port, host })));
  const facts = () => Promise.all(servers.map((server) => server.call('facts')));
  const active = async () => sum(await facts(), (each) => each.active);
  const gone = () =>
    until(
      async () => (await active()) === 0,
      async () => `${await active()} connections are left`,
      60,
    );

  const warmUp = Array(clientCount).fill(Math.ceil((WARM_UP * serverCount) / clientCount));
  await all(clients, warmUp, 'open');
  for (const client of clients) await client.call('close');
  await gone();
  const before = { servers: await facts(), slabs: slabs() };

  const share = Math.floor(count / clientCount);
  const shares = clients.map((_, place) => share + (place < count % clientCount ? 1 : 0));
  const times = [performance.now()];
  const start = await all(clients, shares, 'open');
  times.push(performance.now());
  const idle = { servers: await facts(), slabs: slabs() };
  assert.equal(
    sum(idle.servers, (each) => each.active),
    count,
  );
  const cpu = servers.map(({ pid }) => cpuTime(pid));
  await new Promise((resolve) => setTimeout(resolve, (hold * 1_000) / 2));
  const idleCpu = sum(servers, ({ pid }) => cpuTime(pid)) - sum(cpu, (each) => each);
  times.push(performance.now());
  const middle = await all(clients, shares, 'ask');
  times.push(performance.now());
  await new Promise((resolve) => setTimeout(resolve, (hold * 1_000) / 2));
  times.push(performance.now());
  const end = await all(clients, shares, 'ask');
  times.push(performance.now());
  const after = await facts();
  assert.equal(
    sum(after, (each) => each.active),
    count,
  );
  assert.equal(
    sum(after, (each) => each.refused),
    0,
  );
  assert.equal(sum(after, (each) => each.requests) - sum(before.servers, (each) => each.requests), 3 * count);

  const grown = (place) => idle.servers[place].used - before.servers[place].used;
  const each = sum(Object.keys(servers), grown) / count;
  const row = (name, was, is, bytes) => [name, number(is.active), mib(was.resident), mib(is.resident), bytes];
  const totals = (list) => ({
    active: sum(list, ({ active }) => active),
    resident: sum(list, ({ resident }) => resident),
  });
  table([
    ['server', 'connections', 'resident before', 'with them', 'used for a connection'],
    ...idle.servers.map((is, place) =>
      row(`${place + 1}`, before.servers[place], is, `${number(grown(place) / is.active)} B`),
    ),
    row('all', totals(before.servers), totals(idle.servers), `${number(each)} B`),
  ]);
  table([
    ['client', 'to', 'answered at the start', 'in the middle', 'at the end'],
    ...hosts.map((host, place) => [`${place + 1}`, host, ...[start, middle, end].map((ok) => number(ok[place]))]),
    ['all', '', ...[start, middle, end].map((ok) => number(sum(ok, (each) => each)))],
  ]);
  const seconds = (place) => ((times[place + 1] - times[place]) / 1000).toFixed(1);
  console.log(
    `opened and asked in ${seconds(0)} s, asked again in ${seconds(2)} s and ${seconds(4)} s; no connection ended`,
  );
  console.log(`CPU time of all servers while their connections were idle: ${number(idleCpu)} ms in ${seconds(1)} s`);
  if (idle.slabs !== null) {
    const kernel = idle.slabs - before.slabs;
    // Each connection has two ends here.
    console.log(
      `kernel objects of sockets: ${number(kernel / MIB)} MiB, ${number(kernel / count / 2)} B for an end of a connection ` +
        '(whole system)',
    );
  }
  assert.ok(each * count < MOST_PER_CONNECTION * count + NOISE * servers.length, `${each} bytes for each`);

  for (const client of clients) await client.call('close');
  await gone();
  for (const server of servers) await server.call('close');
  for (const child of [...servers, ...clients]) await child.end();
}

const playing = role();
if (playing?.name === 'server') {
  await playServer(playing.settings);
} else if (playing?.name === 'holder') {
  playHolder(playing.settings);
} else {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '50000' },
      hold: { type: 'string', default: '20' },
      servers: { type: 'string' },
      clients: { type: 'string' },
    },
  });
  const [count, hold] = [Number(values.count), Number(values.hold)];
  const processes = Math.max(2, Math.ceil(count / PER_PROCESS));
  const [servers, clients] = [Number(values.servers ?? processes), Number(values.clients ?? processes)];
  // The kernel spreads by a hash: a tenth more than the mean is never reached with thousands.
  const needed = Math.ceil((1.1 * count) / Math.min(servers, clients)) + 200;
  const most = mostDescriptors();
  if (most < needed) skip(`a process may open ${most} descriptors here, ${needed} are needed`);
  await run({ count, hold, servers, clients });
}
