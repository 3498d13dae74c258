// The native core itself, for what the public API does not let happen.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const native = require('../../../../native/index.js');

/** As ts/native/events.ts has it: how many of each live on this thread. */
export function census() {
  const row = new Float64Array(6);
  native.census(row);
  const [servers, connections, streams, buffers, timers, pins] = row;
  return { servers, connections, streams, buffers, timers, pins };
}
