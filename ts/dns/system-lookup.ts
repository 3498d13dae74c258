import type { LookupAddress } from 'node:dns';

import { counter } from '../metrics/count.js';
import type { Answer } from './answer.js';
import { codeOf } from './answer.js';
import type { Addresses, Family } from './resolved-address.js';
import { addressesOf } from './resolved-address.js';

const asked = counter('millrace_dns_queries_total{kind="getaddrinfo"}');

/**
 * Has getaddrinfo resolve the name, on libuv's thread pool, where it cannot be stopped. It tells no TTL, so that of what
 * it found is 0: the least that the cache makes of it.
 */
export async function systemLookup(name: string, families: readonly Family[]): Promise<Answer> {
  const dns = await import('node:dns');
  asked();
  const { error, records } = await new Promise<{ error: Error | null; records: LookupAddress[] }>((resolve) => {
    const family = families.length === 1 ? (families[0] ?? 0) : 0;
    dns.lookup(name, { all: true, family, verbatim: true }, (error, records) => resolve({ error, records }));
  });
  if (error !== null) return { kind: codeOf(error) === 'ENOTFOUND' ? 'none' : 'failed', cause: error };
  const found = families.map((family) => addressesOf(records as { address: string }[], family));
  const usable = found.filter((one): one is Addresses => one !== undefined);
  return usable.length === 0 ? { kind: 'none', cause: undefined } : { kind: 'found', found: usable, partial: false };
}
