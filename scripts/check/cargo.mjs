// Rust tests by cargo, and which targets of them failed.
import { brief, tryAlone } from './alone.mjs';
import { Failure, collect } from './phase.mjs';

/** What cargo says of each target that failed: how to run it again, and, where it did not end by itself, how it ended. */
const TARGET = /^error: (?:doc)?test failed, to rerun pass `([^`]+)`(?:\n\nCaused by:\n +(.+))?/gm;
/** The end of a target's output. */
const RESULT = /^test result: (\w+)\. (\d+) passed.*$/gm;
/** The head of what one failed test said. */
const SAID = /^---- (.+) stdout ----$/m;

/** What the targets that failed said, in their order: { message, details } each. Those that died said nothing. */
function saidOf(stdout) {
  const said = [];
  let from = 0;
  for (const result of stdout.matchAll(RESULT)) {
    const text = stdout.slice(from, result.index);
    from = result.index + result[0].length;
    if (result[1] !== 'FAILED') continue;
    const details = text.slice(text.indexOf('\nfailures:\n')).trim();
    const [, name, first = ''] = details.split(SAID);
    const panic = first.split(/\nstack backtrace:|\nnote: /)[0].replace(/^\s*thread .+ panicked at /, '');
    said.push({ message: brief(`${name}: ${panic}`), details });
  }
  return said;
}

/**
 * What came of a run of `cargo test --no-fail-fast`, by its two outputs: { passed, failed }, and with `fatal` when
 * something failed by which no second try could be believed: it died, a sanitizer spoke, or it did not come to tests.
 */
export function outcomeOf({ status, stdout, stderr }) {
  const passed = [...stdout.matchAll(RESULT)].reduce((sum, [, , count]) => sum + Number(count), 0);
  const targets = [...stderr.matchAll(TARGET)];
  const said = saidOf(stdout);
  const fatal =
    (status !== 0 && targets.length === 0) ||
    targets.length !== said.length ||
    targets.some(([, , end]) => end !== undefined) ||
    /Sanitizer\b/.test(stderr);
  return { passed, fatal, failed: fatal ? [] : targets.map(([, name], place) => ({ name, ...said[place] })) };
}

async function cargo(args, options) {
  const result = await collect('cargo', args, options);
  const outcome = outcomeOf(result);
  if (!outcome.fatal) return outcome;
  const said = options.loud ? '' : `\n${result.out.trim()}`;
  throw new Failure(`cargo ${args.join(' ')} failed (status ${result.status})${said}`);
}

/**
 * Runs `cargo test`: `what` are the arguments that choose what is tested, `build` those that say how it is built.
 * A target that failed is run once more: alone, test after test. Resolves to { passed, warnings }.
 */
export async function cargoTest({ toolchain, build = [], what }, options) {
  const program = toolchain === undefined ? ['test'] : [`+${toolchain}`, 'test'];
  const test = (...more) => cargo([...program, '--quiet', '--no-fail-fast', ...build, ...more], options);
  const { passed, failed } = await test(...what);
  const again = ({ name }) => test(...name.split(' '), '--', '--test-threads=1');
  return { passed, warnings: await tryAlone(failed, again, 'test targets') };
}
