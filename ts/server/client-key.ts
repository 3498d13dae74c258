/**
 * The client that an address stands for, as the native core tells clients apart: an IPv4 address, or the /64 of an IPv6
 * one, since that is what one client is given. Undefined where there is no address (Unix sockets, injected requests).
 */
export function clientKey(address: string): string | undefined {
  if (address === '') return undefined;
  if (!address.includes(':')) return address;
  const [before, after] = address.split('::', 2);
  const groups = before === '' ? [] : before.split(':');
  const last = after === undefined || after === '' ? [] : after.split(':');
  // What `::` stands for.
  while (groups.length + last.length < 8) groups.push('0');
  return `${[...groups, ...last].slice(0, 4).join(':')}::/64`;
}
