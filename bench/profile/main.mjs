// npm run bench -- profile <server> <case> [--suite NAME] [--seconds N] [--top N] [--callers]: where a server's CPU time
// goes.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cannot, cores } from '../measure/machine.mjs';
import { senderOf } from '../measure/sender.mjs';
import { haveWrk } from '../measure/wrk.mjs';
import { installPeers } from '../peers/install.mjs';
import { SUITES } from '../peers/suites.mjs';

// What is put under load by requests can be looked into.
const profiled = ({ cases }) => cases.filter(({ load }) => load);
const names = (items) => items.map(({ name }) => name).join(', ');

const HELP = `npm run bench -- profile <server> <case> [--suite NAME] [--seconds N] [--top N] [--callers]

  --suite    ${Object.keys(SUITES).join(', ')}; default http1. With these servers and cases:
${Object.values(SUITES)
  .map((suite) => `             ${suite.name}: ${names(suite.servers())}\n               ${names(profiled(suite))}`)
  .join('\n')}
  --seconds  how long is recorded, default 5
  --top      how many symbols are printed, default 40
  --callers  each symbol with what called it

Rust functions have names in an addon with symbols: npm run build -- --force --symbols`;

const LIMIT_MS = 120_000;
// Not a divisor of anything periodic, so that timers and samples do not beat.
const FREQUENCY = 1_999;

function perf(args) {
  const { error, status, stdout, stderr } = spawnSync('perf', args, {
    encoding: 'utf8',
    timeout: LIMIT_MS,
    maxBuffer: 256 << 20,
  });
  if (error || status !== 0) throw new Error(`perf ${args[0]} failed: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

// Samples each thread of the server's process on the clock: a virtual machine has no hardware counters.
function record(pid, file, seconds) {
  const args = ['record', '-q', '-e', 'cpu-clock', '-F', String(FREQUENCY), '-g', '-p', String(pid), '-o', file];
  const child = spawn('taskset', ['-c', String(cores.load), 'perf', ...args, '--', 'sleep', String(seconds)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1_000 + LIMIT_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      clearTimeout(timer);
      if (status === 0) resolve();
      else reject(new Error(`perf record ended with status ${status}: ${errors.trim()}`));
    });
  });
}

const report = (file, ...args) =>
  perf(['report', '-i', file, '--stdio', '--no-children', '--percent-limit', '0.01', ...args])
    .split('\n')
    .filter((line) => line.trim() && !line.startsWith('#'))
    .map((line) => line.trimEnd());

const callGraph = (file) => report(file, '-g', 'caller,0.5', '--sort', 'symbol');

// [{ share, object, symbol, kernel }], greatest share first.
function readSymbols(file) {
  return report(file, '-g', 'none', '--sort', 'dso,symbol', '--field-separator', '\t').map((line) => {
    const [share, object, symbol = ''] = line.split('\t').map((cell) => cell.trim());
    const kernel = symbol.startsWith('[k]') || object.startsWith('[kernel');
    return {
      share: parseFloat(share) / 100,
      object: object.split('/').at(-1),
      symbol: symbol.replace(/^\[.\] /, ''),
      kernel,
    };
  });
}

function print(name, { user, system, total }, symbols, top) {
  const nanoseconds = (share) => `${Math.round(share * total * 1_000)} ns`.padStart(9);
  const line = ({ share, object, symbol }) =>
    `${nanoseconds(share)} ${(share * 100).toFixed(1).padStart(5)} %  ${object.padEnd(28)} ${symbol}`.slice(0, 160);
  const objects = new Map();
  for (const { share, object } of symbols) objects.set(object, (objects.get(object) ?? 0) + share);
  console.log(`${name}: ${user.toFixed(2)} user + ${system.toFixed(2)} system µs per request, while sampled`);
  console.log('\nby object');
  for (const [object, share] of [...objects].sort((a, b) => b[1] - a[1]))
    console.log(line({ share, object, symbol: '' }).trimEnd());
  console.log('\nuser');
  for (const each of symbols.filter(({ kernel }) => !kernel).slice(0, top)) console.log(line(each));
  console.log('\nkernel');
  for (const each of symbols.filter(({ kernel }) => kernel).slice(0, Math.ceil(top / 2))) console.log(line(each));
}

async function profile(suite, name, { load: given }, { seconds, top, callers }) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-profile-'));
  const file = join(folder, 'perf.data');
  // V8 then writes /tmp/perf-<pid>.map with the names of what it compiles, and keeps frame pointers.
  const server = await suite.startServer(name, {
    node: ['--perf-basic-prof-only-functions', '--interpreted-frames-native-stack'],
  });
  const [pid] = server.pids.slice(-1);
  const map = `/tmp/perf-${pid}.map`;
  try {
    const { path, ...load } = typeof given === 'function' ? await given(server) : given;
    const sent = { ...load, url: server.url(path) };
    // A window opens late in its load; the load of any other case is at full rate at once.
    const lead = load.script === 'window' ? (load.lead ?? 4) + 1 : 1;
    const { warm, measure } = senderOf(sent);
    if (load.script !== 'window') await warm(cores.load, sent, 3);
    const measured = measure(cores.load, server.pids, sent, seconds + lead + 1);
    const recorded = new Promise((resolve) => setTimeout(resolve, lead * 1_000)).then(() => record(pid, file, seconds));
    const [result] = await Promise.all([measured, recorded]);
    print(name, result, readSymbols(file), top);
    if (callers)
      console.log(
        `\n${callGraph(file)
          .slice(0, top * 12)
          .join('\n')}`,
      );
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
    rmSync(map, { force: true });
  }
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      suite: { type: 'string', default: 'http1' },
      seconds: { type: 'string', default: '5' },
      top: { type: 'string', default: '40' },
      callers: { type: 'boolean', default: false },
    },
  });
  const [name, test] = positionals;
  const suite = Object.hasOwn(SUITES, values.suite) ? SUITES[values.suite] : null;
  suite?.install?.();
  const server = suite?.servers().find((each) => each.name === name);
  const found = suite && profiled(suite).find((each) => each.name === test);
  const numbers = { seconds: Number(values.seconds), top: Number(values.top) };
  const bounded = Object.values(numbers).every((value) => Number.isInteger(value) && value >= 1 && value <= 500);
  if (!server || !found || !bounded) throw new Error(HELP);
  const reason = cannot() ?? server.unavailable;
  if (reason) throw new Error(reason);
  if (!haveWrk()) throw new Error('wrk is not on PATH: apt-get install wrk');
  if (spawnSync('perf', ['--version'], { stdio: 'ignore' }).error) {
    throw new Error('perf is not on PATH: apt-get install linux-perf');
  }
  installPeers();
  await profile(suite, name, found, { ...numbers, callers: values.callers });
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
