import type { ResolvedAddress } from './resolved-address.js';

/** What a call asks for, and how long it waits. */
export interface LookupLimits {
  /** 0: both. */
  readonly family?: 0 | 4 | 6;
  readonly signal?: AbortSignal | null;
  /** Milliseconds; a limit of the resolver's own that is shorter goes first. */
  readonly timeout?: number;
  /** The option that the timeout comes from, for the error. */
  readonly option?: string;
}

/**
 * Addresses in the order in which they come, for a dialler: it begins with `first`, adds those of `rest` to its list when
 * they come, and calls `stop` when it needs no more. Neither list is sorted by what this host can reach.
 */
export interface AddressParts {
  /**
   * What can be tried now, one address at least. By RFC 8305 §3: IPv6 addresses at once; IPv4 addresses when IPv6 has not
   * come within 50 ms, or will not. Both, where both were known.
   */
  readonly first: readonly ResolvedAddress[];
  /**
   * Addresses of the other family; null: `first` is all there is. It never rejects: where the question fails, is not
   * answered in time, or is not wanted any more, there are none.
   */
  readonly rest: Promise<readonly ResolvedAddress[]> | null;
  /** Nobody waits for `rest` any more. A question that nobody else waits for ends, and holds the process no longer. */
  stop(): void;
}

/** Who resolves names: a resolver of ours, or a function of the caller's. */
export interface Names {
  /** All addresses. Rejects with `MILLRACE_DNS_…`, or an AbortError. */
  resolve(host: string, limits?: LookupLimits): Promise<ResolvedAddress[]>;
  resolveParts(host: string, limits?: LookupLimits): Promise<AddressParts>;
}

/** Everything at once. */
export function inOnePart(first: readonly ResolvedAddress[]): AddressParts {
  return { first, rest: null, stop: () => undefined };
}
