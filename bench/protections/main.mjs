// npm run bench -- protections: what the limits and timeouts of a server cost by themselves. The engine serves the same
// request with its defaults and with everything off: instructions by callgrind, which other work on the machine does not
// change, and time on the processor, the two in turn.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { inRoot } from '../../scripts/lib/root.mjs';
import { median } from '../measure/statistics.mjs';

/** Two runs under callgrind; their difference is free of start-up. */
const FEW = 1_000;
const MANY = 3_000;
/** Requests of one run on the processor. */
const REQUESTS = 200_000;
/** SPEC: what the protections may cost, in nanoseconds a request. */
const GOAL = 100;

function run(program, args) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: inRoot() });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr}`);
  return `${stdout}${stderr}`;
}

function build() {
  run('cargo', ['build', '--release', '--quiet', '-p', 'millrace-testkit', '--bin', 'cost']);
  const folder = inRoot('target', 'release');
  if (!readdirSync(folder).includes('cost')) throw new Error(`cargo has put no cost into ${folder}`);
  return inRoot('target', 'release', 'cost');
}

function instructions(cost, more) {
  const collected = (requests) => {
    const out = run('valgrind', [
      '--tool=callgrind',
      '--callgrind-out-file=/dev/null',
      cost,
      String(requests),
      ...more,
    ]);
    return Number(/Collected\s*:\s*(\d+)/.exec(out)[1]);
  };
  return Math.round((collected(MANY) - collected(FEW)) / (MANY - FEW));
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '11' } } });
const cost = build();
const ways = { defaults: [], 'everything off': ['bare'] };
const counted = Object.values(ways).map((more) => instructions(cost, more));
const nanoseconds = Object.values(ways).map(() => []);
for (let round = 0; round < Number(values.rounds); round++) {
  // In turn, and each as often first.
  const order = Object.values(ways).map((more, place) => [place, more]);
  if (round % 2 === 1) order.reverse();
  for (const [place, more] of order) {
    nanoseconds[place].push(JSON.parse(run(cost, [String(REQUESTS), ...more])).nanoseconds);
  }
}
const times = nanoseconds.map(median);
const spread = nanoseconds.map((all) => (Math.max(...all) - Math.min(...all)) / 2);
Object.keys(ways).forEach((name, place) => {
  const time = `${times[place].toFixed(0)} ns ± ${spread[place].toFixed(0)}`;
  console.log(
    `${name.padEnd(15)} ${String(counted[place]).padStart(6)} instructions, ${time} on the processor a request`,
  );
});
const pairs = nanoseconds[0].map((time, round) => time - nanoseconds[1][round]);
const difference = `${counted[0] - counted[1]} instructions, ${median(pairs).toFixed(0)} ns (median of ${pairs.length} pairs)`;
console.log(`the protections  ${difference}; the goal is ${GOAL} ns at most`);
