// npm run fuzz -- [target…] [--seconds N]: each fuzz target for N seconds (60), with cargo-fuzz and a nightly toolchain.
//
// It starts from fuzz/seeds and what earlier runs left in fuzz/corpus, which is not in the tree. A finding stays in
// fuzz/artifacts and ends the run with status 1: once fixed, it goes into fuzz/seeds, where every test run replays it.
import { mkdirSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { PlainError, capture, main } from './lib/command.mjs';
import { WITHOUT_INSTALLING, findNightly } from './lib/nightly.mjs';
import { inRoot, root } from './lib/root.mjs';
import { checkRust } from './lib/setup.mjs';
import { collect } from './check/phase.mjs';

/** The longest that one input may take, in seconds: more is a finding. */
const SLOWEST = 20;

const targets = readdirSync(inRoot('fuzz/fuzz_targets')).map((name) => name.replace(/\.rs$/, ''));

/** The options after `--` and the targets to run; throws a PlainError on what there is not. */
function parse(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { seconds: { type: 'string', default: '60' } },
  });
  const unknown = positionals.filter((name) => !targets.includes(name));
  if (unknown.length) {
    throw new PlainError(`no fuzz target is called ${unknown.join(' or ')}; there are ${targets.join(', ')}`);
  }
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1) {
    throw new PlainError(`--seconds takes a whole number from 1 on, got '${values.seconds}'`);
  }
  return { seconds, chosen: positionals.length ? positionals : targets };
}

/** The name of the toolchain; throws a PlainError that names everything that is missing. */
function checkTools() {
  checkRust();
  const { name, obstacle } = findNightly();
  const fuzz = capture('cargo', ['fuzz', '--version']);
  const missing = [
    obstacle,
    fuzz.status === 0 ? undefined : 'cargo-fuzz is not installed: cargo install cargo-fuzz --locked',
  ].filter(Boolean);
  if (missing.length) throw new PlainError(`fuzzing cannot run here.\n  ${missing.join('\n  ')}`);
  return name;
}

/** Runs one target: whether it found nothing. */
async function fuzz(target, seconds, toolchain) {
  const corpus = inRoot('fuzz/corpus', target);
  mkdirSync(corpus, { recursive: true });
  const folder = join(process.env.CARGO_TARGET_DIR ?? inRoot('fuzz/target'), 'fuzz');
  const args = [`+${toolchain}`, 'fuzz', 'run', '--target-dir', folder, target, corpus, inRoot('fuzz/seeds', target)];
  const libfuzzer = [`-max_total_time=${seconds}`, `-timeout=${SLOWEST}`, '-max_len=4096', '-print_final_stats=1'];
  const { status, out } = await collect('cargo', [...args, '--', ...libfuzzer], {
    env: WITHOUT_INSTALLING,
    // The first run compiles everything with instrumentation.
    timeout: (seconds + 30 * 60) * 1_000,
  });
  if (status === 0) {
    const read = (name) => new RegExp(`^stat::${name}: +(\\d+)`, 'm').exec(out)?.[1];
    const coverage = [...out.matchAll(/ cov: (\d+) /g)].at(-1)?.[1];
    const inputs = `${read('number_of_executed_units')} inputs, ${read('new_units_added')} new ones kept`;
    console.log(`ok      ${target}: ${inputs}, ${coverage} edges covered`);
    return true;
  }
  const artifact = /Test unit written to (\S+)/.exec(out)?.[1];
  console.log(`failed  ${target}\n\n${out.trim().split('\n').slice(-80).join('\n')}\n`);
  if (artifact) {
    const path = relative(root, artifact);
    console.log(`The input is ${path}. Once it passes, keep it: cp ${path} fuzz/seeds/${target}/what-it-shows`);
  }
  return false;
}

await main(async () => {
  const { seconds, chosen } = parse(process.argv.slice(2));
  const toolchain = checkTools();
  for (const target of chosen) {
    if (!(await fuzz(target, seconds, toolchain))) process.exitCode = 1;
  }
});
