import { describeValue } from '../errors/escape.js';
import { outOfRange } from '../errors/millrace-error.js';
import { native } from '../native/loader.js';

/**
 * Bounds the memory that all threads of the process hold for their peers: what waits to be written, what was received
 * and not taken. From seven eighths of `bytes` (1 MiB … 2^53 - 1) no body is read; from `bytes` on new connections and
 * requests get 503; where that does not help for a second, the largest exchange is cut. `null`: no bound, the default.
 * It is exact to 64 KiB a thread.
 */
export function setMaxMemory(bytes: number | null): void {
  if (bytes !== null && (!Number.isSafeInteger(bytes) || bytes < 1_048_576)) {
    throw outOfRange(`setMaxMemory: must be an integer from 1048576, or null, got ${describeValue(bytes)}`);
  }
  native.setMaxMemory(bytes ?? -1);
}

/** The bytes of memory that all threads of the process hold for their peers, to 64 KiB a thread. */
export function heldMemory(): number {
  return native.memory();
}
