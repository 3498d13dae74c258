// Descriptors run out (EMFILE): the server answers one connection in 100 ms with 503 and closes it, counts that, does not spin,
// serves those that it has, and serves new ones when there is room again. The clients are another process, which may open what it likes.
import assert from 'node:assert/strict';
import { execFileSync, fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { ResponseReader, once } from './lib/client.mjs';
import { until } from './lib/process.mjs';

const CLIENTS = 40;
const ROOM = 8;
const REFUSALS = 10;
const GET = 'GET / HTTP/1.1\r\nHost: t\r\n\r\n';

function clients(port) {
  const sockets = new Set();
  let answered = 0;
  let refused = 0;
  let told = 0;
  const commands = {
    open: () => {
      for (let each = 0; each < CLIENTS; each++) {
        const socket = connect(port, '127.0.0.1', () => socket.write(GET));
        const reader = new ResponseReader();
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          sockets.delete(socket);
          if (!socket.served) refused++;
          if (socket.told) told++;
        });
        socket.on('data', (bytes) => {
          for (const { status } of reader.take(bytes)) {
            if (status === 503) socket.told = true;
            else socket.served = true;
            answered += status === 200 ? 1 : 0;
          }
        });
      }
    },
    again: () => {
      for (const socket of sockets) if (socket.served) socket.write(GET);
    },
    count: () => process.send({ answered, refused, told }),
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
    once: async () => process.send(await once(port)),
    end: () => process.disconnect(),
  };
  process.on('message', (name) => commands[name]());
  process.send('ready');
}

async function server() {
  const { metrics, serve } = await import('../../../dist/index.mjs');
  const counted = () => {
    const { counters } = metrics.snapshot();
    return {
      refused: counters.millrace_http_server_connections_refused_total,
      pauses: counters.millrace_http_server_accept_pauses_total,
    };
  };
  const server = await serve({ port: 0, host: '127.0.0.1', handler: (_req, res) => res.end('ok') });
  const child = fork(fileURLToPath(import.meta.url), [String(server.port)]);
  const ask = (name) =>
    new Promise((resolve) => {
      child.once('message', resolve);
      if (name !== undefined) child.send(name);
    });
  await ask();
  // The limit is on numbers: one below which ROOM of them are free.
  const open = new Set(readdirSync('/proc/self/fd').map(Number));
  let limit = 0;
  for (let free = 0; free < ROOM; limit++) if (!open.has(limit)) free++;
  execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${limit}:${limit}`]);

  const began = performance.now();
  const before = process.cpuUsage();
  child.send('open');
  await until(
    () => server.stats().connections.refused >= REFUSALS,
    () => JSON.stringify(server.stats().connections),
  );
  const { connections } = server.stats();
  const took = performance.now() - began;
  const { user, system } = process.cpuUsage(before);
  assert.ok(took >= (REFUSALS - 1) * 100, `${REFUSALS} refusals in ${took} ms: accepting was not paused`);
  assert.ok((user + system) / 1000 < took / 2, `${(user + system) / 1000} ms of CPU time in ${took} ms: it spins`);
  assert.ok(connections.accepted > 0 && connections.accepted < CLIENTS - REFUSALS, JSON.stringify(connections));

  const served = connections.accepted;
  child.send('again');
  let counts = await ask('count');
  const deadline = performance.now() + 5_000;
  while ((counts.answered < 2 * served || counts.refused < REFUSALS) && performance.now() < deadline) {
    counts = await ask('count');
  }
  assert.ok(counts.answered >= 2 * served, `${counts.answered} answers to ${served} clients that asked twice`);
  assert.ok(counts.refused >= REFUSALS, `${counts.refused} clients saw that they were refused`);
  // The first may be refused before its request is there, which then resets the answer away.
  assert.ok(counts.told >= REFUSALS - 1, `${counts.told} of ${counts.refused} were told why`);
  const { refused, pauses } = counted();
  assert.ok(refused >= REFUSALS && pauses >= refused, `${refused} refusals, ${pauses} pauses`);

  child.send('close');
  await until(
    () => server.stats().connections.active === 0,
    () => JSON.stringify(server.stats().connections),
  );
  assert.equal((await ask('once')).status, 200);
  child.send('end');
  await server.close();
}

if (process.argv[2] !== undefined) {
  clients(Number(process.argv[2]));
} else {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
  } catch {
    console.log('skipped: prlimit(1) of util-linux is not installed');
    process.exit(0);
  }
  await server();
}
