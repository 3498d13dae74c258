// Requests by bench/load/steady.c, on a core of its own.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiled } from './compiled.mjs';
import { Dialogue } from './dialogue.mjs';
import { cpuBetween, cpuTime } from './process-facts.mjs';
import { perRequest } from './requests.mjs';
import { temporaryFolder } from './temporary.mjs';

const OPEN_MS = 60_000;
const BEYOND_MS = 20_000;

let folder;

function requestOf(url, { method = 'GET', fields = {}, body = '' }) {
  const { host, pathname, search } = new URL(url);
  const all = { Host: host, ...fields, ...(body.length > 0 && { 'Content-Length': body.length }) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'),
    Buffer.from(body, 'latin1'),
  ]);
}

/** Opens all connections of a load and has `use` run it; whatever comes of that, the program is ended. */
async function withLoad(core, { url, connections, steady }, use) {
  folder ??= temporaryFolder('requests');
  const file = join(folder, 'request');
  writeFileSync(file, requestOf(url, steady));
  const { depth = 1, fresh = false } = steady;
  const args = [new URL(url).port, connections, depth, fresh ? 1 : 0, file].map(String);
  const load = new Dialogue(core, compiled('steady'), args);
  try {
    await load.hear('opened', OPEN_MS);
    return await use(load);
  } finally {
    await load.stop();
  }
}

async function run(load, seconds) {
  load.say(`run ${Math.round(seconds * 1_000)}`);
  const [requests, took, p99] = (await load.hear('moved', seconds * 1_000 + BEYOND_MS)).split(' ').map(Number);
  return { requests, seconds: took / 1e6, p99, problems: [] };
}

/** Sends the load of a case for some seconds without measuring. */
export const warm = (core, load, seconds) => withLoad(core, load, (program) => run(program, seconds));

/**
 * Sends the load of a case; see measure/requests.mjs. All connections are open before the clock runs, and what was sent is
 * answered before it is read.
 *
 * `load.steady`: { method, fields, body, depth, fresh }; `depth` requests in one write, `fresh` for a connection each.
 */
export const measure = (core, pids, load, seconds) =>
  withLoad(core, load, async (program) => {
    const before = cpuTime(pids);
    const counted = await run(program, seconds);
    return perRequest(cpuBetween(before, cpuTime(pids)), counted);
  });
