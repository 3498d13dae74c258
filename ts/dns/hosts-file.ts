import { isIP } from 'node:net';

import type { Addresses, Family } from './resolved-address.js';
import { MAX_ADDRESSES } from './resolved-address.js';

/** The names of a hosts file, in lower case, with their addresses in the order of the file. */
export type Hosts = ReadonlyMap<string, readonly string[]>;

/** Parses hosts(5). Lines that begin with no address are passed over, as libc does. */
export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = (line.split('#', 1)[0] ?? '').trim().toLowerCase().split(/\s+/);
    if (address === undefined || isIP(address) === 0) continue;
    for (const name of names) {
      const key = name.endsWith('.') ? name.slice(0, -1) : name;
      const list = hosts.get(key);
      if (list === undefined) hosts.set(key, [address]);
      else if (list.length < MAX_ADDRESSES && !list.includes(address)) list.push(address);
    }
  }
  return hosts;
}

/** What the file says of a name; undefined: nothing of this family, so that others are asked. */
export function findHost(
  hosts: Hosts,
  name: string,
  families: readonly Family[],
  ttl: number,
): Addresses[] | undefined {
  const all = hosts.get(name);
  if (all === undefined) return undefined;
  const found = families
    .map((family) => ({ family, list: all.filter((address) => isIP(address) === family), ttl }))
    .filter(({ list }) => list.length > 0);
  return found.length === 0 ? undefined : found;
}
