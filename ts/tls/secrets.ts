import type { NativeIdentity } from '../native/binding.js';

/** What is secret of what the native core is given. */
interface Given {
  readonly identities?: readonly NativeIdentity[];
  readonly identity?: NativeIdentity;
  readonly ticketKeys?: Uint8Array;
}

/**
 * Hands secrets to the native core, which copies what it keeps, and wipes those that were read or copied for it. What
 * the caller gave is the caller's.
 */
export function handOver<R>(given: Given, take: () => R): R {
  try {
    return take();
  } finally {
    for (const { key } of [...(given.identities ?? []), ...(given.identity === undefined ? [] : [given.identity])]) {
      key.fill(0);
    }
    given.ticketKeys?.fill(0);
  }
}
