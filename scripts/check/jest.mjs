// Every Jest test, and the server's suite a second time over the other poller where there are two.
import { readFileSync, rmSync } from 'node:fs';
import { tool } from '../lib/command.mjs';
import { inRoot } from '../lib/root.mjs';
import { filesUnder } from '../lib/stamp.mjs';
import { Skip, node } from './phase.mjs';

export const about = 'the tests of test/, on both pollers';
export const quick = true;

/** Tests that take long: left out with --quick. */
const SLOW = '\\.slow\\.test\\.ts$';
/** Tests that load the machine, or measure what others would disturb: one after the other, with nothing beside them. */
const ALONE = '/test/(attack|border|interop|leak|restart|volume)/.*\\.slow\\.test\\.ts$';

async function jest(args, { loud, poller }) {
  const results = inRoot('.cache/jest-results.json');
  rmSync(results, { force: true });
  const env = poller ? { ...process.env, MILLRACE_POLLER: poller } : process.env;
  await node([tool('jest/bin/jest.js'), '--ci', '--json', '--outputFile', results, ...args], {
    loud,
    env,
    // A test that leaves a handle open keeps Jest from ending: that is a failure, not a reason to wait.
    timeout: 10 * 60_000,
  });
  return JSON.parse(readFileSync(results, 'utf8')).numPassedTests;
}

export async function run({ quick: inAHurry, loud }) {
  const tests = filesUnder(inRoot('test')).filter((path) => path.endsWith('.test.ts'));
  if (!tests.length) throw new Skip('there is no test in test/ yet');
  let passed = await jest(['--testPathIgnorePatterns', inAHurry ? SLOW : ALONE], { loud });
  if (!inAHurry) passed += await jest(['--runInBand', '--testPathPatterns', ALONE], { loud });
  let note = `${passed} tests`;
  if (!inAHurry && process.platform === 'linux' && tests.some((path) => path.includes('/test/api/'))) {
    note += `, ${await jest(['--testPathPatterns', '/test/api/', '--testPathIgnorePatterns', SLOW], { loud, poller: 'uv' })} over UvPoll`;
  }
  return note;
}
