// npm run check [-- --quick] [--only PHASE] [--list] [--verbose]: the one definition of green.
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { PlainError, main } from './lib/command.mjs';
import { inRoot } from './lib/root.mjs';
import { seedOf, seedVariables } from './lib/seed.mjs';
import { prepare } from './lib/setup.mjs';
import { Failure, Skip, stopAll } from './check/phase.mjs';

/** The phases in their order: cheap and telling ones first, what needs the build after it. Each is a file in check/. */
const PHASES = [
  ...['format', 'lint', 'layers', 'generated', 'scripts', 'build', 'symbols', 'rust', 'jest', 'types', 'package'],
  ...['seeds', 'docs', 'cost', 'sanitizers'],
];

const load = (name) => import(pathToFileURL(inRoot('scripts/check', `${name}.mjs`)));

/** Runs one phase, which resolves to a note or to { note, warnings }: { state: 'ok' | 'failed' | 'skipped', note, warnings }. */
async function runPhase(phase, options) {
  if (options.quick && !phase.quick) return { state: 'skipped', note: 'left out by --quick' };
  try {
    const told = (await phase.run(options)) ?? '';
    return { state: 'ok', ...(typeof told === 'string' ? { note: told } : told) };
  } catch (error) {
    if (error instanceof Skip) return { state: 'skipped', note: error.message };
    return {
      state: 'failed',
      note: '',
      said: error instanceof Failure || error instanceof PlainError ? error.message : error.stack,
    };
  }
}

function announce(name, { state, note, said, warnings = [] }, started) {
  const time = `${((Date.now() - started) / 1000).toFixed(1)} s`;
  console.log(`${state.padEnd(8)}${name.padEnd(10)}${time.padStart(8)}${note ? `  ${note}` : ''}`);
  for (const warning of warnings) console.log(`WARNING ${warning}`);
  if (said) console.log(`\n${said}\n`);
}

/** Runs the check with the arguments of its command line; sets the exit code. */
export async function check(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      list: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
    },
  });
  if (values.list) {
    for (const name of PHASES) console.log(`${name.padEnd(10)} ${(await load(name)).about}`);
    return;
  }
  const chosen = values.only ?? PHASES;
  const unknown = chosen.filter((name) => !PHASES.includes(name));
  if (unknown.length)
    throw new PlainError(`no phase is called ${unknown.join(' or ')}; there are ${PHASES.join(', ')}`);

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      stopAll();
      process.exit(130);
    });
  }
  prepare({ compiles: true });
  const seed = seedOf(process.env);
  Object.assign(process.env, seedVariables(seed));
  console.log(`random tests begin with seed ${seed} (MILLRACE_SEED)`);
  const started = Date.now();
  const counts = { ok: 0, failed: 0, skipped: 0 };
  const warnings = [];
  for (const name of chosen) {
    const begun = Date.now();
    const result = await runPhase(await load(name), { quick: values.quick && !values.only, loud: values.verbose });
    counts[result.state]++;
    warnings.push(...(result.warnings ?? []).map((warning) => `${name}: ${warning}`));
    announce(name, result, begun);
  }
  console.log(`\n${((Date.now() - started) / 1000).toFixed(1)} s`);
  for (const warning of warnings) console.log(`WARNING ${warning}`);
  console.log(`${counts.ok} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  if (counts.failed) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(() => check(process.argv.slice(2)));
