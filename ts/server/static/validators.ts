import type { BigIntStats } from 'node:fs';

import { httpDate } from '../../message/http-date.js';

/** What tells one version of a file from another (RFC 9110 §8.8). */
export interface Validators {
  /** The value of ETag, or undefined where it is off. */
  readonly etag: string | undefined;
  /** The value of Last-Modified, or undefined where it is off. */
  readonly lastModified: string | undefined;
  /** The same in milliseconds, whole seconds; NaN where it is off. */
  readonly modified: number;
  /** Whether Last-Modified is a strong validator too: a second change in the same second is out of the question. */
  readonly isSettled: boolean;
}

const MILLISECOND = 1_000_000n;
/** RFC 9110 §8.8.2.2: a date a second old or older. Clocks of file systems tick in milliseconds, some in seconds. */
const SETTLED_MS = 1_000;

/**
 * The validators of a file as it was when it was opened.
 *
 * The ETag is made of size, time of modification and time of change. The last of these cannot be set back as the second
 * can: a file that is replaced by one of the same size and date (archives, reproducible builds) is another one. Within a
 * second of a change another change might leave all three as they are: until then the tag is weak, and its text another,
 * so that it is not taken for the strong one (§8.8.1).
 */
export function validatorsOf(stats: BigIntStats, etag: boolean, lastModified: boolean, now: number): Validators {
  const changed = stats.ctimeNs > stats.mtimeNs ? stats.ctimeNs : stats.mtimeNs;
  const age = now - Number(changed / MILLISECOND);
  // A clock that was set back makes files of the future: their tags are as good as those of old ones.
  const isSettled = age >= SETTLED_MS || age < -SETTLED_MS;
  // §8.8.2.1: never later than the Date of the response.
  const modified = Math.floor(Math.min(Number(stats.mtimeNs / MILLISECOND), now) / 1000) * 1000;
  const text = `${hex(stats.size)}-${hex(stats.mtimeNs)}-${hex(stats.ctimeNs)}`;
  return {
    etag: etag ? (isSettled ? `"${text}"` : `W/"${text}-new"`) : undefined,
    lastModified: lastModified ? httpDate(modified) : undefined,
    modified: lastModified ? modified : NaN,
    isSettled,
  };
}

function hex(value: bigint): string {
  return value.toString(16);
}
