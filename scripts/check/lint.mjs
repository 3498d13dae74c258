// No warning from clippy, strict TypeScript or ESLint.
import { tool } from '../lib/command.mjs';
import { demand, node } from './phase.mjs';

export const about = 'clippy, strict TypeScript over ts/ and test/, ESLint';
export const quick = true;

export async function run({ loud }) {
  await demand('cargo', ['clippy', '--workspace', '--all-targets', '--quiet', '--', '-D', 'warnings'], { loud });
  await node([tool('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.json'], { loud });
  await node(
    [tool('eslint/bin/eslint.js'), '--max-warnings', '0', '--cache', '--cache-location', '.cache/eslint', '.'],
    { loud },
  );
}
