import { isIP } from 'node:net';

/** An IP family. */
export type Family = 4 | 6;

/** One address of a name. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: Family;
  /** Milliseconds for which it may still be used. */
  readonly ttl: number;
}

/** The addresses of one family, as a name server gave them and we take them. */
export interface Addresses {
  readonly family: Family;
  readonly list: readonly string[];
  /** Milliseconds; nobody has bounded it yet. */
  readonly ttl: number;
}

/** Addresses of one family that are kept: more than any name needs, and what a hostile answer can cost at most. */
export const MAX_ADDRESSES = 64;
/** RFC 2181 §8: 31 bits; one with the highest bit set counts as 0. */
const MAX_TTL_SECONDS = 2 ** 31 - 1;

/** A record as c-ares gives it. */
export interface AddressRecord {
  readonly address: string;
  /** Seconds. */
  readonly ttl?: number;
}

/**
 * The addresses of records that can be used: of this family, each once, at most 64.
 * Undefined where none is left.
 */
export function addressesOf(records: readonly AddressRecord[], family: Family): Addresses | undefined {
  const list = new Set<string>();
  let ttl = Infinity;
  for (const record of records) {
    if (list.size === MAX_ADDRESSES) break;
    if (typeof record.address !== 'string' || isIP(record.address) !== family) continue;
    list.add(record.address);
    ttl = Math.min(ttl, seconds(record.ttl));
  }
  return list.size === 0 ? undefined : { family, list: [...list], ttl: ttl * 1_000 };
}

function seconds(ttl: number | undefined): number {
  return typeof ttl === 'number' && ttl >= 0 && ttl <= MAX_TTL_SECONDS ? Math.floor(ttl) : 0;
}

/** IPv6 first, then IPv4: whoever dials sorts them by what this host can reach. */
export function listed(found: readonly Addresses[], ttl: number): ResolvedAddress[] {
  return [...found]
    .sort((a, b) => b.family - a.family)
    .flatMap(({ family, list }) => list.map((address) => ({ address, family, ttl })));
}
