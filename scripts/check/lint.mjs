// No warning from clippy, strict TypeScript or ESLint.
import { tool } from '../lib/command.mjs';
import { cargoLacks, demand, node, steps } from './phase.mjs';

export const about = 'clippy, strict TypeScript over ts/ and test/, ESLint';
export const quick = true;

const CLIPPY = ['clippy', '--workspace', '--all-targets', '--quiet', '--', '-D', 'warnings'];
const ESLINT = ['--max-warnings', '0', '--cache', '--cache-location', '.cache/eslint', '.'];

export const run = async ({ loud }) =>
  steps([
    ['clippy', await cargoLacks('clippy'), () => demand('cargo', CLIPPY, { loud })],
    ['tsc', null, () => node([tool('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.json'], { loud })],
    ['eslint', null, () => node([tool('eslint/bin/eslint.js'), ...ESLINT], { loud })],
  ]);
