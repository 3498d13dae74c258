// Generated files are what their data files make.
import { find } from '../lib/command.mjs';
import { Skip, node } from './phase.mjs';

export const about = 'npm run generate would change nothing';
export const quick = true;

export async function run({ loud }) {
  if (!find('rustfmt')) throw new Skip('rustfmt, which gives generated Rust its form, is not on PATH');
  await node(['scripts/generate.mjs', '--check'], { loud });
}
