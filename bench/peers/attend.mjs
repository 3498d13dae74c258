// What each server says and hears: `listening <port>` on standard output; on standard input, `collect` runs the garbage
// collector and is answered `collected`. When standard input ends, so does the process: no server outlives the benchmark.
import { createInterface } from 'node:readline';

/** Says that a server listens. Called once. */
export function attend(port) {
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      if (line !== 'collect') return;
      globalThis.gc?.();
      globalThis.gc?.();
      process.stdout.write('collected\n');
    })
    .on('close', () => process.exit(0));
  process.stdout.write(`listening ${port}\n`);
}
