import { outOfRange } from '../errors/millrace-error.js';
import type { NativeReputation } from '../native/binding.js';
import type { OptionTable } from '../options/table.js';
import { validateOptions } from '../options/validate.js';

/**
 * What a client's behaviour so far means for its next connection. A client has points: 5 for bytes that are no HTTP or no
 * TLS, 1 for a limit, a rate limit or a deadline that it passed. They fade by half in each `halfLife`.
 */
export interface ReputationOptions {
  /** The points from which on a connection waits before it is served (1…1 000 000, default 20). */
  delayAt?: number;
  /** The points from which on it is refused; `delayAt` or more (1…1 000 000, default 100). */
  refuseAt?: number;
  /** For how long it waits, in milliseconds (1…60 000, default 1 000). */
  delay?: number;
  /** In how many milliseconds points fall to their half (1…86 400 000, default 60 000). */
  halfLife?: number;
  /** Of how many clients points are kept; the one that did nothing for the longest goes first (1…1 000 000, default 65 536). */
  clients?: number;
}

const MOST_POINTS = 1_000_000;
const HOUR = 3_600_000;

export const REPUTATION_OPTIONS: OptionTable<NativeReputation> = {
  owner: 'reputation',
  required: [],
  exclusive: [],
  rows: [
    { name: 'delayAt', type: 'integer', min: 1, max: MOST_POINTS, default: 20 },
    { name: 'refuseAt', type: 'integer', min: 1, max: MOST_POINTS, default: 100 },
    { name: 'delay', type: 'integer', min: 1, max: 60_000, default: 1_000 },
    { name: 'halfLife', type: 'integer', min: 1, max: 24 * HOUR, default: 60_000 },
    { name: 'clients', type: 'integer', min: 1, max: 1_000_000, default: 65_536 },
  ],
};

/** The option in the native core's form; throws where it is none. */
export function nativeReputation(option: unknown): NativeReputation | undefined {
  if (option === false) return undefined;
  const values = validateOptions(REPUTATION_OPTIONS, option === true ? {} : option);
  if (values.refuseAt < values.delayAt) {
    const { delayAt, refuseAt } = values;
    throw outOfRange(`reputation: option 'refuseAt' must be delayAt (${delayAt}) or more, got ${refuseAt}`);
  }
  return values;
}
