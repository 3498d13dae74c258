// Every source file is in the form that its formatter makes.
import { tool } from '../lib/command.mjs';
import { demand, node } from './phase.mjs';

/** What prettier formats; .prettierignore names the exceptions. */
export const prettierFiles = ['**/*.{ts,mts,cts,js,mjs,cjs,json,yml}'];

export const about = 'cargo fmt and prettier would change nothing';
export const quick = true;

export async function run({ loud }) {
  await demand('cargo', ['fmt', '--all', '--check'], { loud });
  await node([tool('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', ...prettierFiles], { loud });
}
