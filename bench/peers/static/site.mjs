// The folder that is served: made when it is first asked for.
import { closeSync, openSync, statSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../measure/temporary.mjs';

export const SMALL = Buffer.alloc(1_024, 'A line of text that is as long as lines of text are mostly.\n');
export const MEDIUM = Buffer.alloc(65_536, 'export const answer = () => 42;\n');
/** Of the large file: repeated to its size. */
export const BLOCK = Buffer.alloc(1_000_000, 'millrace');
export const LARGE_BYTES = 1_000_000_000;

let made;

/** The folder's path. It holds small.txt, medium.js and large.bin. */
export function site() {
  if (made) return made;
  made = temporaryFolder('site');
  writeFileSync(join(made, 'small.txt'), SMALL);
  writeFileSync(join(made, 'medium.js'), MEDIUM);
  // Written in full, not a hole: its bytes are then in the page cache, as those of a file that is asked for are.
  const large = openSync(join(made, 'large.bin'), 'w');
  for (let at = 0; at < LARGE_BYTES; at += BLOCK.length) writeSync(large, BLOCK);
  closeSync(large);
  const past = new Date('2001-02-03T04:05:06Z');
  for (const name of ['small.txt', 'medium.js', 'large.bin']) utimesSync(join(made, name), past, past);
  return made;
}

/** Resolves when a strong ETag can be had of every file: some servers have a weak one for what has just changed. */
export async function settled() {
  const changed = statSync(join(site(), 'large.bin')).ctimeMs;
  while (Date.now() - changed < 1_100) await new Promise((resolve) => setTimeout(resolve, 50));
}
