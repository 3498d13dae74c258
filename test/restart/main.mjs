// npm run restarts [-- --count 100] [--way handover] [--json]: rolling restarts of a server under load. Prints a row for
// each way and fails when one that promises it has lost anything. What is counted, and what counts as lost: tally.mjs.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { fresh, keepAlive, slowDownload, slowUpload } from './clients.mjs';
import { WAYS } from './generations.mjs';
import { Tally } from './tally.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10' },
    way: { type: 'string', multiple: true, default: Object.keys(WAYS) },
    json: { type: 'boolean', default: false },
  },
});

function has(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** wrk with 16 connections until told to stop: { requests, errors } in its own count; null where there is none. */
function startWrk(port) {
  if (!has('wrk')) return null;
  // It reports when its time is over or SIGINT comes.
  const args = ['-t', '1', '-c', '16', '-d', '3600', `http://127.0.0.1:${port}/`];
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  const ended = new Promise((resolve) => child.once('close', resolve));
  return async () => {
    child.kill('SIGINT');
    await ended;
    const number = (pattern) => Number(pattern.exec(out)?.[1] ?? 0);
    const requests = number(/(\d+) requests in/);
    const connect = number(/Socket errors: connect (\d+)/);
    const read = number(/Socket errors: .*read (\d+)/);
    const write = number(/Socket errors: .*write (\d+)/);
    return { requests, connect, read: read + write, not2xx: number(/Non-2xx or 3xx responses: (\d+)/) };
  };
}

async function answers(tally, count) {
  const end = performance.now() + 30_000;
  while (tally.answered < count) {
    if (performance.now() > end) throw new Error('no answers for 30 seconds');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Runs one way; answers with its row. */
async function restarts(way, count) {
  const server = await WAYS[way].start();
  const tally = new Tally();
  const state = { stops: false };
  const { port } = server;
  const stopWrk = startWrk(port);
  const clients = [
    ...Array.from({ length: 4 }, () => fresh(port, tally, state)),
    ...Array.from({ length: 4 }, () => keepAlive(port, tally, state)),
    ...Array.from({ length: 4 }, () => keepAlive(port, tally, state, 10)),
    ...Array.from({ length: 2 }, () => slowUpload(port, tally, state)),
    ...Array.from({ length: 2 }, () => slowDownload(port, tally, state)),
  ];
  let hit = 0;
  for (let restart = 0; restart < count; restart++) {
    const before = tally.failed;
    await server.replace();
    // Some work for each generation; its answers may be of the old one's connections as well.
    await answers(tally, tally.answered + 100);
    hit += Number(tally.failed > before);
  }
  const wrk = stopWrk === null ? null : await stopWrk();
  state.stops = true;
  await Promise.all(clients);
  await server.end();
  const { notes, ...counts } = tally;
  return { way, restarts: count, hit, ...counts, wrk, notes };
}

const wrkFailed = ({ wrk }) => (wrk === null ? 0 : wrk.connect + wrk.read + wrk.not2xx);
const failedIn = (row) => row.not2xx + row.wrong + row.lost + row.raced + row.refused + wrkFailed(row);

const rows = [];
for (const way of values.way) {
  if (!(way in WAYS)) throw new Error(`there is no way ${way}; there are ${Object.keys(WAYS).join(', ')}`);
  if (way === 'activation' && !has('perl')) {
    console.error('activation skipped: perl, which keeps the socket in the place of systemd, is not on PATH');
    continue;
  }
  rows.push(await restarts(way, Number(values.count)));
}
if (values.json) console.log(JSON.stringify(rows));
else {
  console.table(
    rows.map(({ notes: _, wrk, ...row }) => ({
      ...row,
      wrk: wrk === null ? '-' : wrk.requests,
      wrkFailed: wrkFailed({ wrk }),
    })),
  );
  for (const { way, notes } of rows) for (const note of notes) console.log(`${way}: ${note}`);
}
if (rows.some((row) => failedIn(row) > 0)) process.exitCode = 1;
