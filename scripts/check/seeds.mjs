// Each seed of each fuzz target goes through its function once.
import { existsSync } from 'node:fs';
import { inRoot } from '../lib/root.mjs';
import { Skip, demand } from './phase.mjs';

export const about = 'the seeds in fuzz/seeds';
export const quick = false;

export async function run({ loud }) {
  if (!existsSync(inRoot('crates/testkit/tests/seeds.rs'))) throw new Skip('crates/testkit has no tests/seeds.rs yet');
  const { out } = await demand('cargo', ['test', '--quiet', '-p', 'millrace-testkit', '--test', 'seeds'], { loud });
  return `${/(\d+) passed/.exec(out)?.[1] ?? 0} targets`;
}
