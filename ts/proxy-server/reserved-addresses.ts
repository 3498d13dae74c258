import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** What an address is for, where it is not for the whole internet (RFC 6890 and its registries). */
const RESERVED: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Azure's own, which answers inside a virtual machine alone.
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['::1', 128],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001:2::', 48],
  ['2001:10::', 28],
  ['2001:20::', 28],
  ['2001:db8::', 32],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

let reserved: BlockList | undefined;

/**
 * Whether an address is loopback, private, link-local, shared, documentation, multicast or otherwise not of the public
 * internet. An IPv6 address that carries one of IPv4 (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) is judged by that
 * one as well.
 */
export function isReserved(address: string): boolean {
  reserved ??= blocks();
  const inner = embeddedIpv4(address);
  if (inner !== null && isReserved(inner)) return true;
  const plain = canonical(address);
  return reserved.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6');
}

/** Whether an address is one of this host's own at this moment. */
export function isOwn(address: string): boolean {
  const plain = embeddedIpv4(address) ?? address;
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return own.some((one) => sameAddress(one.address, plain));
}

/** Whether two spellings are of one address; one of IPv4 within IPv6 (`::ffff:`) is that of IPv4. */
export function sameAddress(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

/** Whether the kernel keeps what is sent to an address on this host, whoever's it is. */
export function isLoopback(address: string): boolean {
  const plain = canonical(address);
  return isIP(plain) === 4 ? plain.startsWith('127.') : plain === canonical('::1');
}

/** Whether it is no address but, for `connect`, this host. */
export function isUnspecified(address: string): boolean {
  const plain = canonical(address);
  return plain === '0.0.0.0' || plain === canonical('::');
}

/** One spelling for each address, without its zone; where the kernel speaks IPv4, that of IPv4. */
export function canonical(address: string): string {
  const words = hextets(address);
  if (words === undefined) return address;
  const [a, b, c, d, e, f, g = 0, h = 0] = words;
  if ([a, b, c, d, e].every((word) => word === 0) && f === 0xffff) return dotted(g, h);
  return words.map((word) => word.toString(16)).join(':');
}

function blocks(): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of RESERVED) list.addSubnet(address, prefix, isIP(address) === 4 ? 'ipv4' : 'ipv6');
  return list;
}

/** The IPv4 address within an IPv6 address, or null. */
export function embeddedIpv4(address: string): string | null {
  if (isIP(address) !== 6) return null;
  const words = hextets(address);
  if (words === undefined) return null;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = words;
  const zeros = (...some: number[]): boolean => some.every((word) => word === 0);
  // ::ffff:a.b.c.d (RFC 4291 §2.5.5.2), ::ffff:0:a.b.c.d (RFC 2765 §2.1), ::a.b.c.d (RFC 4291 §2.5.5.1)
  if (zeros(a, b, c, d, e) && f === 0xffff) return dotted(g, h);
  if (zeros(a, b, c, d) && e === 0xffff && f === 0) return dotted(g, h);
  if (zeros(a, b, c, d, e, f) && (g !== 0 || h > 1)) return dotted(g, h);
  // 64:ff9b::/96 (RFC 6052 §2.1) and 64:ff9b:1::/48 (RFC 8215)
  if (a === 0x64 && b === 0xff9b && (c === 1 || zeros(c, d, e, f))) return dotted(g, h);
  // ISATAP's interface identifier, under any prefix (RFC 5214 §6.1)
  if ((e === 0 || e === 0x200) && f === 0x5efe) return dotted(g, h);
  // 2002::/16 (RFC 3056 §2), and Teredo's client, inverted (RFC 4380 §4)
  if (a === 0x2002) return dotted(b, c);
  if (a === 0x2001 && b === 0) return dotted(g ^ 0xffff, h ^ 0xffff);
  return null;
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** The eight words of an IPv6 address. */
function hextets(address: string): number[] | undefined {
  if (isIP(address) !== 6) return undefined;
  const [plain = ''] = address.split('%');
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(plain);
  const text =
    dotted === null
      ? plain
      : `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`;
  const [head = '', tail] = text.split('::');
  const words = (part: string): number[] => (part === '' ? [] : part.split(':').map((word) => parseInt(word, 16)));
  const [front, back] = [words(head), words(tail ?? '')];
  return tail === undefined ? front : [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}
