import { channel } from 'node:diagnostics_channel';

import type { ResolvedAddress } from './resolved-address.js';

/** A name is looked up: `millrace:dns:lookup:start`. The same object is the `lookup` of its end. */
export interface LookupStartMessage {
  readonly host: string;
  /** 0: both. */
  readonly family: 0 | 4 | 6;
}

/** It was found: `millrace:dns:lookup:finish`. */
export interface LookupFinishMessage {
  readonly lookup: LookupStartMessage;
  readonly addresses: readonly ResolvedAddress[];
  /** Milliseconds since the start. */
  readonly duration: number;
}

/** It was not found, failed, took too long or was aborted: `millrace:dns:lookup:error`. */
export interface LookupErrorMessage {
  readonly lookup: LookupStartMessage;
  readonly error: unknown;
  readonly duration: number;
}

const start = channel('millrace:dns:lookup:start');
const finish = channel('millrace:dns:lookup:finish');
const failure = channel('millrace:dns:lookup:error');

/** Does the work, and tells those who listen when it begins and how it ends; `found` picks the addresses to tell of. */
export async function observed<T>(
  host: string,
  family: 0 | 4 | 6,
  work: () => Promise<T>,
  found: (value: T) => readonly ResolvedAddress[],
): Promise<T> {
  if (!start.hasSubscribers && !finish.hasSubscribers && !failure.hasSubscribers) return work();
  const lookup: LookupStartMessage = { host, family };
  const began = performance.now();
  start.publish(lookup);
  try {
    const value = await work();
    const duration = performance.now() - began;
    if (finish.hasSubscribers) {
      finish.publish({ lookup, addresses: found(value), duration } satisfies LookupFinishMessage);
    }
    return value;
  } catch (error) {
    const duration = performance.now() - began;
    if (failure.hasSubscribers) failure.publish({ lookup, error, duration } satisfies LookupErrorMessage);
    throw error;
  }
}
