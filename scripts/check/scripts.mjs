// The scripts' own tests, on node:test: a check that cannot fail checks nothing.
import { readdirSync } from 'node:fs';
import { inRoot } from '../lib/root.mjs';
import { node } from './phase.mjs';

export const about = 'the tests of scripts/ in test/package';
export const quick = true;

export async function run({ loud }) {
  const files = readdirSync(inRoot('test/package')).filter((name) => name.endsWith('.test.mjs'));
  const { out } = await node(['--test', '--test-reporter=spec', ...files.map((name) => `test/package/${name}`)], {
    loud,
    timeout: 120_000,
  });
  return `${/^ℹ pass (\d+)$/m.exec(out)?.[1]} tests`;
}
