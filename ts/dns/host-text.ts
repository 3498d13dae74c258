import { isIP } from 'node:net';

/**
 * A host without the brackets that an address of IPv6 has in a URL and in front of a port (RFC 3986 §3.2.2). Brackets round
 * anything else, or half of them, are not such an address: they stay, and whoever resolves or connects refuses them.
 */
export function withoutBrackets(host: string): string {
  if (!host.startsWith('[') || !host.endsWith(']')) return host;
  const inner = host.slice(1, -1);
  return isIP(inner) === 6 ? inner : host;
}

/** The one spelling in which hosts are compared: in lower case, without brackets, and a name without the dot at its end. */
export function comparableHost(host: string): string {
  const plain = withoutBrackets(host.toLowerCase());
  return plain.endsWith('.') ? plain.slice(0, -1) : plain;
}
