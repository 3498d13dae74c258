// Every source file is in the form that its formatter makes.
import { tool } from '../lib/command.mjs';
import { cargoLacks, demand, node, steps } from './phase.mjs';

const prettier = tool('prettier/bin/prettier.cjs');

/** What prettier formats; .prettierignore names the exceptions. */
export const prettierFiles = ['**/*.{ts,mts,cts,js,mjs,cjs,json,yml}'];

export const about = 'cargo fmt and prettier would change nothing';
export const quick = true;

export const run = async ({ loud }) =>
  steps([
    ['cargo fmt', await cargoLacks('fmt'), () => demand('cargo', ['fmt', '--all', '--check'], { loud })],
    ['prettier', null, () => node([prettier, '--check', '--log-level', 'warn', ...prettierFiles], { loud })],
  ]);
