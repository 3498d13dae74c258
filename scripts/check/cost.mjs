// The cost of a request against the baseline in the tree.
import { existsSync } from 'node:fs';
import { inRoot } from '../lib/root.mjs';
import { Skip, collect, Failure } from './phase.mjs';

export const about = 'instructions, system calls, Node-API calls and allocations per request';
export const quick = false;

/** With this status, bench/cost/check.mjs says that it cannot measure here; its last line is the reason. */
const CANNOT = 77;

export async function run({ loud }) {
  if (!existsSync(inRoot('bench/cost/check.mjs'))) throw new Skip('bench/cost/check.mjs is not there yet');
  const { status, out } = await collect(process.execPath, ['bench/cost/check.mjs'], { loud });
  const last = out.trim().split('\n').at(-1);
  if (status === CANNOT) throw new Skip(last);
  if (status !== 0) throw new Failure(loud ? last : out.trim());
  return last;
}
