// What the kernel says about this process.
import { readFileSync, readdirSync } from 'node:fs';

/** Open descriptors. */
export const descriptors = () => readdirSync('/proc/self/fd').length;
/** Threads. */
export const threads = () => readdirSync('/proc/self/task').length;
/** Resident memory in bytes. */
export const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;

/** Turns of the loop until a condition holds; fails with what it said last after ten seconds. */
export async function until(holds, what) {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`in vain: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
