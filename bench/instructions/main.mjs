// npm run bench -- instructions <server>… [--pipelined] [--connections N] [--top N]: user instructions of a server's main thread for each
// request, by callgrind: Node, V8 and compiled JavaScript included, the kernel not. Other work on the machine does not
// change them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { lockstep } from '../load/lockstep.mjs';
import { readCallgrind } from '../measure/callgrind.mjs';
import { Dialogue } from '../measure/dialogue.mjs';
import { cores } from '../measure/machine.mjs';
import { servers } from '../peers/http1/servers.mjs';
import { installPeers } from '../peers/install.mjs';

const HELP = `npm run bench -- instructions <server>… [--pipelined] [--connections N] [--top N]

  server         ${servers()
    .map(({ name }) => name)
    .join(', ')}
  --pipelined    16 requests in one write, else one
  --connections  how many send at a time, default 64: so many requests come in one wake
  --top          how many functions are printed, default 0

Rust functions have names in an addon with symbols: npm run build -- --force --symbols`;

/** Requests before counting: V8 has compiled what it will. */
const WARM = { plain: 64_000, pipelined: 81_920 };
const COUNTED = { plain: 12_800, pipelined: 20_480 };
const START_LIMIT = 120_000;

function control(...args) {
  const { error, status, stderr } = spawnSync('callgrind_control', args, { encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`callgrind_control failed: ${error?.message ?? stderr.trim()}`);
}

async function count(name, { pipelined, connections, top }) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-instructions-'));
  const file = fileURLToPath(new URL(`../peers/http1/${name}.mjs`, import.meta.url));
  // Code that V8 writes and rewrites: valgrind has to look whether what it translated is still there.
  const valgrind = ['--tool=callgrind', '--smc-check=all-non-file', '--separate-threads=yes'];
  const out = join(folder, 'profile');
  const child = new Dialogue(cores.server, 'valgrind', [
    ...valgrind,
    `--callgrind-out-file=${out}`,
    process.execPath,
    file,
  ]);
  const [depth, kind] = pipelined ? [16, 'pipelined'] : [1, 'plain'];
  let load;
  try {
    const port = Number(await child.hear('listening', START_LIMIT));
    load = await lockstep({ port, path: '/', connections, depth });
    const rounds = (requests) => Math.ceil(requests / (connections * depth));
    for (let round = 0; round < rounds(WARM[kind]); round++) await load.round();
    control('-z', String(child.pid));
    for (let round = 0; round < rounds(COUNTED[kind]); round++) await load.round();
    control('-d', String(child.pid));
    const requests = rounds(COUNTED[kind]) * connections * depth;
    const dump = readdirSync(folder).find((each) => each.endsWith('.1-01'));
    const { total, functions } = readCallgrind(join(folder, dump));
    print(name, kind, { total, functions, requests, top, answer: load.answer });
  } finally {
    load?.close();
    await child.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(name, kind, { total, functions, requests, top, answer }) {
  const each = (cost) => (cost / requests).toFixed(0).padStart(8);
  console.log(
    `${name}, ${kind}: ${(total / requests).toFixed(0)} instructions a request; an answer of ${answer.length} bytes`,
  );
  const objects = new Map();
  for (const { object, cost } of functions) objects.set(object, (objects.get(object) ?? 0) + cost);
  const sorted = [...objects].sort((a, b) => b[1] - a[1]).filter(([, cost]) => cost >= requests);
  // What valgrind has no file for is code that V8 made.
  for (const [object, cost] of sorted)
    console.log(`${each(cost)}  ${object === '???' ? 'compiled JavaScript' : object}`);
  if (top > 0) console.log('');
  for (const { object, name: of, cost } of functions.slice(0, top)) console.log(`${each(cost)}  ${of}  [${object}]`);
  console.log('');
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      pipelined: { type: 'boolean', default: false },
      connections: { type: 'string', default: '64' },
      top: { type: 'string', default: '0' },
    },
  });
  const known = servers();
  const chosen = positionals.map((name) => known.find((each) => each.name === name));
  const [top, connections] = [Number(values.top), Number(values.connections)];
  const isCount = (number, least) => Number.isInteger(number) && number >= least;
  if (!chosen.length || chosen.includes(undefined) || !isCount(top, 0) || !isCount(connections, 1))
    throw new Error(HELP);
  const { unavailable } = chosen.find((each) => each.unavailable) ?? {};
  if (unavailable) throw new Error(unavailable);
  if (spawnSync('valgrind', ['--version'], { stdio: 'ignore' }).error) {
    throw new Error('valgrind is not on PATH: apt-get install valgrind');
  }
  installPeers();
  for (const { name } of chosen) await count(name, { pipelined: values.pipelined, connections, top });
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
