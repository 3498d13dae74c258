// The system has no file left (ENFILE): accepting pauses for 100 ms each time, the process neither spins nor ends, live
// connections are served, and those that wait are, too, when there are files again. Where the reserve descriptor lets
// one in, it is refused and counted. strace answers accept4 in the kernel's place.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, play, role } from './lib/child.mjs';
import { cpuTime, skip, until } from './lib/facts.mjs';
import { cannotInject, withoutFiles } from './lib/strace.mjs';

const PAUSE_MS = 100;
/** How often accepting fails. */
const TIMES = 10;
const CLIENTS = 30;
const GET = 'GET / HTTP/1.1\r\nHost: t\r\n\r\n';

async function playServer() {
  const { metrics, serve, setLogger } = await import('../../../dist/index.mjs');
  const told = [];
  setLogger(({ message }) => told.push(message));
  const server = await serve({ port: 0, host: '127.0.0.1', handler: (_req, res) => res.end('ok') });
  play({
    port: () => server.port,
    pid: () => process.pid,
    told: () => told,
    stats: () => server.stats().connections,
    counted: () => {
      const { counters } = metrics.snapshot();
      return {
        refused: counters.millrace_http_server_connections_refused_total,
        pauses: counters.millrace_http_server_accept_pauses_total,
      };
    },
    close: () => server.close({ timeout: 1_000 }),
  });
}

/** A client that sends a request at once: how many answers it got, and whether it was closed. */
class Client {
  answers = 0;
  closed = false;
  refusals = 0;

  constructor(port) {
    this.socket = connect(port, '127.0.0.1', () => this.ask());
    this.socket.on('error', () => {});
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('data', (bytes) => {
      const text = bytes.latin1Slice();
      this.answers += text.split('HTTP/1.1 200').length - 1;
      this.refusals += text.split('HTTP/1.1 503').length - 1;
    });
  }

  ask() {
    this.socket.write(GET);
  }
}

/** `when`: which calls of accept4 fail, as strace has it; `refused`: how many clients are, then. */
async function run(name, when, refused) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-enfile-'));
  const log = join(folder, 'log');
  const server = await Child.start(import.meta.url, 'server', {}, withoutFiles(when, log));
  const [port, pid] = [await server.call('port'), await server.call('pid')];
  // The first two calls are let through: one accepts this client, one finds that there is no other.
  const first = new Client(port);
  await until(
    () => first.answers === 1,
    () => 'the first client has no answer',
  );
  const before = { cpu: cpuTime(pid), at: performance.now() };
  const clients = Array.from({ length: CLIENTS }, () => new Client(port));
  await Promise.all(clients.map(({ socket }) => once(socket, 'connect')));
  // Those wait, or are refused one by one; who was there before is served.
  let served = 1;
  while (!clients.some(({ answers }) => answers > 0)) {
    first.ask();
    served++;
    await until(
      () => first.answers === served,
      () => `${served} requests, ${first.answers} answers`,
    );
  }
  const took = performance.now() - before.at;
  const cpu = cpuTime(pid) - before.cpu;
  await until(
    () => clients.every(({ answers, closed }) => answers === 1 || closed),
    () => JSON.stringify(clients.map(({ answers, closed }) => [answers, closed])),
  );
  const out = clients.filter(({ closed }) => closed);
  assert.equal(out.length, refused);
  // Told why, by the descriptor that is kept for that.
  assert.deepEqual(
    [...new Set(out.map(({ answers, refusals }) => `${answers} ${refusals}`))],
    out.length > 0 ? ['0 1'] : [],
  );
  assert.equal(clients.length - out.length, clients.filter(({ answers }) => answers === 1).length);
  assert.deepEqual(await server.call('stats'), {
    active: 1 + CLIENTS - refused,
    accepted: 1 + CLIENTS - refused,
    refused,
  });
  assert.deepEqual(await server.call('counted'), { refused, pauses: TIMES });
  assert.deepEqual(await server.call('told'), ['no connection can be accepted for now']);
  // Counted in ticks of 10 ms, of which one may be begun at each end.
  assert.ok(cpu < took / 2 + 20, `${cpu} ms of CPU time in ${took} ms: it spins`);
  // What strace wrote.
  const failed = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('INJECTED'));
  const times = failed.map((line) => Number(line.split(/\s+/)[1]) * 1_000);
  const span = times.at(-1) - times[0];
  assert.ok(span >= (TIMES - 1) * PAUSE_MS, `${failed.length} failures in ${span} ms: accepting was not paused`);
  console.log(
    `${name}: ${failed.length} failures in ${span.toFixed(0)} ms, ${refused} clients refused, ${served} requests of a live ` +
      `connection served meanwhile, then ${CLIENTS - refused} that had waited; ${cpu} ms of CPU time in ${took.toFixed(0)} ms`,
  );
  for (const { socket } of [first, ...clients]) socket.destroy();
  await server.call('close');
  await server.end();
  rmSync(folder, { recursive: true, force: true });
}

if (role() !== undefined) {
  await playServer();
} else {
  const reason = cannotInject();
  if (reason !== null) skip(reason);
  // Each failure is tried again once, with the reserve descriptor given up: it fails too, or lets one in to refuse it.
  await run('no file at all', `3..${2 + 2 * TIMES}`, 0);
  await run('one file, the reserve', `3..${2 + 2 * TIMES}+2`, TIMES);
}
