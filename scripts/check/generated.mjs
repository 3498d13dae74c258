// Generated files are what their data files make.
import { node } from './phase.mjs';

export const about = 'npm run generate would change nothing';
export const quick = true;

export async function run({ loud }) {
  await node(['scripts/generate.mjs', '--check'], { loud });
}
