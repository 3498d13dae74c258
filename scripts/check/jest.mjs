// Every Jest test, and the server's suite a second time over the other poller where there are two.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tool } from '../lib/command.mjs';
import { inRoot } from '../lib/root.mjs';
import { filesUnder } from '../lib/stamp.mjs';
import { failures, tryAlone } from './alone.mjs';
import { Failure, Skip, collect } from './phase.mjs';

export const about = 'the tests of test/, on both pollers';
export const quick = true;

/** Tests that take long: left out with --quick. */
const SLOW = '\\.slow\\.test\\.ts$';
/** Tests that load the machine, or measure what others would disturb: one after the other, with nothing beside them. */
const ALONE = '/test/(attack|border|interop|leak|restart|volume)/.*\\.slow\\.test\\.ts$';

/** What test/support/where.ts prints, and what looks for tools and packages. */
const SKIPPED = /^\s*(skipped\b.*)$/gm;

/** Runs Jest to its end: how many tests passed, why some were skipped, and which files failed. */
async function jest(args, { loud, poller }) {
  const results = inRoot('.cache/jest-results.json');
  rmSync(results, { force: true });
  const env = poller ? { ...process.env, MILLRACE_POLLER: poller } : process.env;
  const { status, out } = await collect(
    process.execPath,
    [tool('jest/bin/jest.js'), '--ci', '--json', '--outputFile', results, ...args],
    {
      loud,
      env,
      // What hangs is ended: that is a failure, not a reason to wait.
      timeout: 10 * 60_000,
    },
  );
  const report = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : { testResults: [] };
  const failed = failures(report).map((one) => ({ ...one, poller, note: poller ? ` over ${poller}` : '' }));
  // It was ended, or failed by something else than a test.
  if (status !== 0 && (status < 0 || failed.length === 0)) {
    throw new Failure(`jest ${args.join(' ')} failed (status ${status})${loud ? '' : `\n${out.trim()}`}`);
  }
  return { passed: report.numPassedTests, reasons: [...out.matchAll(SKIPPED)].map(([, reason]) => reason), failed };
}

/**
 * One file after the other in one process, which then ends as the workers of other runs do: what a test has left open would
 * keep it for ever. That programs end by themselves is for test/border to show.
 */
const IN_BAND = ['--runInBand', '--forceExit'];

export async function run({ quick: inAHurry, loud }) {
  const tests = filesUnder(inRoot('test')).filter((path) => path.endsWith('.test.ts'));
  if (!tests.length) throw new Skip('there is no test in test/ yet');
  const failed = [];
  const reasons = new Set();
  const jestOn = async (args, options = {}) => {
    const outcome = await jest(args, { loud, ...options });
    failed.push(...outcome.failed);
    for (const reason of outcome.reasons) reasons.add(reason);
    return outcome.passed;
  };
  let passed = await jestOn(['--testPathIgnorePatterns', inAHurry ? SLOW : ALONE]);
  if (!inAHurry) passed += await jestOn([...IN_BAND, '--testPathPatterns', ALONE]);
  let note = `${passed} tests`;
  if (!inAHurry && process.platform === 'linux' && tests.some((path) => path.includes('/test/api/'))) {
    const overUv = ['--testPathPatterns', '/test/api/', '--testPathIgnorePatterns', SLOW];
    note += `, ${await jestOn(overUv, { poller: 'uv' })} over UvPoll`;
  }
  for (const reason of reasons) note += `; ${reason}`;
  const alone = ({ name, poller }) => jest([...IN_BAND, '--runTestsByPath', inRoot(name)], { loud, poller });
  const warnings = await tryAlone(failed, alone, 'test files');
  return { note, warnings };
}
