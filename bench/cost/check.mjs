// What one keep-alive GET costs, against baseline.json: instructions of the engine (callgrind, ±5 %), its heap
// allocations and system calls, and the Node-API calls of the addon (exact). `--update` writes the baseline anew. The last line is the result.
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const baselinePath = join(here, 'baseline.json');
/** How far instructions may be from the baseline: another compiler's choices, not another algorithm. */
const TOLERANCE = 0.05;
/** `scripts/check/cost.mjs` knows it: cannot be measured here. */
const CANNOT = 77;
const REQUESTS = 20_000;
/** Two runs under callgrind; their difference is free of start-up. */
const FEW = 1_000;
const MANY = 3_000;

function run(program, args) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  return { ...result, out: `${result.stdout ?? ''}${result.stderr ?? ''}` };
}

function demand(program, args) {
  const result = run(program, args);
  if (result.status === 0) return result;
  console.error(result.error ? `${program}: ${result.error.message}` : result.out);
  process.exit(1);
}

/** Builds the bench and finds where cargo has put it. */
function build() {
  const args = ['build', '--release', '--quiet', '-p', 'millrace-testkit', '--bin', 'cost', '--message-format=json'];
  const { stdout } = demand('cargo', args);
  const artifacts = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  return artifacts.find((artifact) => artifact.target?.name === 'cost' && artifact.executable).executable;
}

function instructions(cost, requests) {
  const args = ['--tool=callgrind', '--callgrind-out-file=/dev/null', cost, String(requests)];
  const { out } = demand('valgrind', args);
  const found = /Collected\s*:\s*(\d+)/.exec(out);
  if (!found) throw new Error(`callgrind did not say what it collected:\n${out}`);
  return Number(found[1]);
}

if (process.platform !== 'linux') {
  console.log('the engine is measured on Linux only');
  process.exit(CANNOT);
}
const cost = build();
const { allocations, receives, sends } = JSON.parse(demand(cost, [String(REQUESTS)]).stdout);
const measured = { allocations, receives, sends };
if (run('valgrind', ['--version']).status === 0) {
  measured.instructions = Math.round((instructions(cost, MANY) - instructions(cost, FEW)) / (MANY - FEW));
} else {
  console.log('instructions are skipped: valgrind is not installed');
}

// Node-API calls: an addon that counts them, built apart so that the real one does not.
const counting = join(root, '.cache', 'count-calls');
const features = ['--features', 'count-calls', '--target-dir', counting];
demand('cargo', ['build', '--quiet', '--profile', 'fast', '-p', 'millrace-node', ...features]);
const addon = join(counting, 'millrace.node');
copyFileSync(join(counting, 'fast', 'libmillrace_node.so'), addon);
const counted = spawnSync(process.execPath, [join(here, 'calls.mjs')], {
  encoding: 'utf8',
  env: { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: addon },
});
if (counted.status !== 0) throw new Error(`calls.mjs failed:\n${counted.stderr}`);
// A wake that finds nothing to read adds a fraction.
measured.nodeApiCalls = Math.round(JSON.parse(counted.stdout).calls);

if (process.argv.includes('--update')) {
  const { instructions: found, ...exact } = measured;
  const before = found === undefined ? JSON.parse(readFileSync(baselinePath, 'utf8')).request.instructions : found;
  const baseline = {
    about: 'One keep-alive GET answered natively, see crates/testkit/src/bin/cost.rs. npm run check compares.',
    request: { ...exact, instructions: before },
  };
  writeFileSync(baselinePath, `${JSON.stringify(baseline, null, 2)}\n`);
}

const { request: baseline } = JSON.parse(readFileSync(baselinePath, 'utf8'));
const wrong = Object.entries(measured).filter(([name, value]) =>
  name === 'instructions' ? Math.abs(value / baseline[name] - 1) > TOLERANCE : value !== baseline[name],
);
for (const [name, value] of wrong) {
  console.log(
    `${name} per request: ${value}, the baseline has ${baseline[name]} (bench/cost/check.mjs --update sets it)`,
  );
}
const said = Object.entries(measured).map(([name, value]) => `${value} ${name}`);
console.log(`${said.join(', ')} per request`);
process.exit(wrong.length > 0 ? 1 : 0);
