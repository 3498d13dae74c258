import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/**
 * A host without the brackets that an address of IPv6 has in a URL and in front of a port (RFC 3986 §3.2.2). Brackets round
 * anything else, or half of them, are not such an address: they stay, and whoever resolves or connects refuses them.
 */
export function withoutBrackets(host: string): string {
  if (!host.startsWith('[') || !host.endsWith(']')) return host;
  const inner = host.slice(1, -1);
  return isIP(inner) === 6 ? inner : host;
}

/** Longer names are none, and are not converted to find that out. */
const MAX_CONVERTED = 1_024;

/**
 * The one spelling in which hosts are compared: in lower case, a name of other scripts in punycode as it is asked for,
 * without brackets, and without the dot at the end of a name.
 */
export function comparableHost(host: string): string {
  const plain = withoutBrackets(inAscii(host.toLowerCase()));
  return plain.endsWith('.') ? plain.slice(0, -1) : plain;
}

/** As it was given where it is no name. */
function inAscii(host: string): string {
  return /^[\x00-\x7f]*$/.test(host) || host.length > MAX_CONVERTED ? host : domainToASCII(host) || host;
}
