// Every source file is in the form that its formatter makes.
import { spawnSync } from 'node:child_process';
import { tool } from '../lib/command.mjs';
import { root } from '../lib/root.mjs';
import { cargoLacks, demand, node, steps } from './phase.mjs';

const prettier = tool('prettier/bin/prettier.cjs');

/** What prettier formats; .prettierignore names the exceptions. */
export const prettierFiles = ['**/*.{ts,mts,cts,js,mjs,cjs,json,yml}'];

/** What a merge left in a page is no formatter's affair. */
function demandNoConflicts() {
  const { status, stdout } = spawnSync('git', ['grep', '-nE', '^(<{7}|>{7}) '], { cwd: root, encoding: 'utf8' });
  if (status === 0) throw new Error(`conflicts of a merge are left:\n${stdout}`);
}

export const about = 'cargo fmt and prettier would change nothing, and no merge was left half done';
export const quick = true;

export const run = async ({ loud }) =>
  steps([
    ['cargo fmt', await cargoLacks('fmt'), () => demand('cargo', ['fmt', '--all', '--check'], { loud })],
    ['prettier', null, () => node([prettier, '--check', '--log-level', 'warn', ...prettierFiles], { loud })],
    ['conflicts', null, demandNoConflicts],
  ]);
