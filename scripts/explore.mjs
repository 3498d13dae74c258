// npm run explore -- [rust] [jest] [--seconds N] [--times N] [--seed N]: the random tests with fresh seeds, until the time is
// over (300 s). The check runs them with one seed, so that it does not fail by chance; this looks for what that one misses.
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { outcomeOf } from './check/cargo.mjs';
import { collect } from './check/phase.mjs';
import { bringUpToDate } from './lib/built.mjs';
import { PlainError, main, tool } from './lib/command.mjs';
import { inRoot } from './lib/root.mjs';
import { seedVariables } from './lib/seed.mjs';
import { filesUnder } from './lib/stamp.mjs';

/** How many cases a property of proptest has that does not say its own number. */
const USUAL_CASES = 256;
const LONGEST = 30 * 60_000;

const holds = (what) => (path) => what.test(readFileSync(path, 'utf8'));

/** The arguments of cargo for every target with random tests: files of tests/, and the units of all crates. */
function rustArguments() {
  const files = filesUnder(inRoot('crates')).filter((path) => /[\\/]tests[\\/][^\\/]+\.rs$/.test(path));
  const random = files.filter(holds(/\bproptest! \{|MILLRACE_SEED/)).map((path) => basename(path, '.rs'));
  return ['test', '--workspace', '--quiet', '--no-fail-fast', '--lib', ...random.flatMap((name) => ['--test', name])];
}

/** The arguments of Jest for every file with random tests, but for those of minutes. */
function jestArguments() {
  const files = filesUnder(inRoot('test')).filter(
    (path) => path.endsWith('.test.ts') && !path.endsWith('.slow.test.ts'),
  );
  const random = files.filter(holds(/from '\.\.\/support\/(seed|properties)\.js'/));
  return [tool('jest/bin/jest.js'), '--ci', '--runTestsByPath', ...random];
}

const KINDS = {
  rust: {
    program: 'cargo',
    args: rustArguments(),
    told: (result) => `${outcomeOf(result).passed} tests`,
    rerun: (seed) => `MILLRACE_SEED=${seed} PROPTEST_RNG_SEED=${seed} cargo test`,
  },
  jest: {
    program: process.execPath,
    args: jestArguments(),
    told: ({ out }) => `${/^Tests: .*?(\d+) passed/m.exec(out)?.[1] ?? 0} tests`,
    rerun: (seed) => `MILLRACE_SEED=${seed} npx jest`,
  },
};

/** Runs one kind with one seed: whether nothing failed. */
async function explore(kind, seed, times) {
  const { program, args, told, rerun } = KINDS[kind];
  const env = {
    ...process.env,
    ...seedVariables(seed),
    MILLRACE_TIMES: String(times),
    PROPTEST_CASES: String(USUAL_CASES * times),
  };
  const started = Date.now();
  const result = await collect(program, args, { env, timeout: LONGEST });
  const well = result.status === 0;
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  console.log(`${well ? 'ok    ' : 'failed'}  ${kind}  seed ${seed}, ${times} times: ${told(result)}, ${seconds} s`);
  if (!well) {
    console.log(`\n${result.out.trim()}\n`);
    console.log(`again, with the name of the test: MILLRACE_TIMES=${times} ${rerun(seed)}\n`);
  }
  return well;
}

/** A whole number from 1 on that an option gave. */
function whole(name, text) {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new PlainError(`--${name} takes a whole number from 1 on, got '${text}'`);
  return Number(text);
}

await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '300' },
      times: { type: 'string', default: '10' },
      seed: { type: 'string' },
    },
  });
  const unknown = positionals.filter((name) => !(name in KINDS));
  if (unknown.length)
    throw new PlainError(`there is no ${unknown.join(' or ')}; there are ${Object.keys(KINDS).join(', ')}`);
  const kinds = positionals.length ? positionals : Object.keys(KINDS);
  const times = whole('times', values.times);
  const end = Date.now() + whole('seconds', values.seconds) * 1_000;
  const given = values.seed === undefined ? undefined : whole('seed', values.seed);
  if (kinds.includes('jest')) await bringUpToDate();
  let failures = 0;
  // A seed that was asked for is run once.
  do {
    const seed = given ?? 1 + randomInt(2 ** 31 - 1);
    for (const kind of kinds) failures += (await explore(kind, seed, times)) ? 0 : 1;
  } while (given === undefined && Date.now() < end);
  if (failures) throw new PlainError(`${failures} runs failed`);
});
