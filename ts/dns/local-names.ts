import type { Host } from './host-name.js';
import { findHost } from './hosts-file.js';
import type { Hosts } from './hosts-file.js';
import type { Addresses, Family } from './resolved-address.js';

const LOOPBACK: Readonly<Record<Family, string>> = { 4: '127.0.0.1', 6: '::1' };
/** Top-level domains that no name server is to be asked for: RFC 7686 §2 (it would tell of the hidden service), RFC 6761 §6.4. */
const NEVER_ASKED = /(?:^|\.)(?:onion|invalid)$/;

/** How long such answers are good for, in milliseconds. */
export interface LocalTtls {
  readonly fixed: number;
  readonly file: number;
}

/**
 * What is known of a host without asking: a literal is its own answer whatever the family, `localhost` and all names
 * below it are loopback (RFC 6761 §6.3), then the hosts file. `[]`: there is none; undefined: others have to be asked.
 */
export function localAnswer(
  host: Host,
  families: readonly Family[],
  hosts: Hosts,
  ttls: LocalTtls,
): Addresses[] | undefined {
  const { literal, name } = host;
  if (literal !== 0) return [{ family: literal, list: [name], ttl: ttls.fixed }];
  if (name === 'localhost' || name.endsWith('.localhost')) {
    return families.map((family) => ({ family, list: [LOOPBACK[family]], ttl: ttls.fixed }));
  }
  return findHost(hosts, name, families, ttls.file) ?? (NEVER_ASKED.test(name) ? [] : undefined);
}
