import { BlockList, isIP } from 'node:net';

import { comparableHost } from '../dns/host-text.js';

/** Answers whether one entry names a host; `host` is lower case, without brackets and trailing dot. */
type Rule = (host: string, port: number) => boolean;

/**
 * The hosts that are reached without a proxy: what `NO_PROXY` says.
 *
 * Entries stand between commas or white space, in any case, names of other scripts as they are written or in punycode:
 *
 * - `*`: every host.
 * - `example.com`: this name alone.
 * - `.example.com` or `*.example.com`: every name below it, not itself.
 * - `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`: this address, in whatever spelling.
 * - `192.0.2.0/24`, `2001:db8::/32`: the addresses of this block.
 * - `:8443` behind any of them (an IPv6 address then stands in brackets): only at this port.
 *
 * Addresses are compared with a host that is given as an address; names are not resolved for it. An entry that is none
 * of these matches nothing.
 */
export class NoProxy {
  readonly #rules: readonly Rule[];

  constructor(list: string) {
    const entries = list.toLowerCase().split(/[\s,]+/);
    this.#rules = entries.filter((entry) => entry !== '').map(ruleOf);
  }

  /** Whether this host is reached directly. The host is a name or an address, IPv6 with or without brackets. */
  matches(host: string, port: number): boolean {
    const plain = comparableHost(host);
    return this.#rules.some((rule) => rule(plain, port));
  }
}

const NEVER: Rule = () => false;

function ruleOf(entry: string): Rule {
  const { name, port } = splitPort(entry);
  if (port === null) return NEVER;
  const rule = hostRule(name);
  return port === undefined ? rule : (host, at) => at === port && rule(host, at);
}

/** The port behind an entry: undefined where there is none, null where it is no port. */
function splitPort(entry: string): { name: string; port: number | null | undefined } {
  const found = /^(\[[^\]]*\](?:\/\d+)?|[^:]*):([^:]*)$/.exec(entry);
  if (found === null) return { name: entry, port: undefined };
  const [, name = '', digits = ''] = found;
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  return { name, port: port >= 1 && port <= 65_535 ? port : null };
}

function hostRule(entry: string): Rule {
  const name = comparableHost(entry);
  if (name === '*') return () => true;
  const suffix = /^\*?(\.[^*]+)$/.exec(name)?.[1];
  if (suffix !== undefined) {
    return (host) => isIP(host) === 0 && host.length > suffix.length && host.endsWith(suffix);
  }
  const [base = '', prefix, more] = name.split('/');
  const address = comparableHost(base);
  if (prefix === undefined) {
    if (isIP(address) === 0) return address === '' ? NEVER : (host) => host === address;
    return blockRule(address, isIP(address) === 4 ? 32 : 128);
  }
  const length = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity;
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return more === undefined && length <= longest ? blockRule(address, length) : NEVER;
}

function blockRule(address: string, prefix: number): Rule {
  const block = new BlockList();
  block.addSubnet(address, prefix, isIP(address) === 4 ? 'ipv4' : 'ipv6');
  return (host) => {
    const family = isIP(host);
    return family !== 0 && block.check(host, family === 4 ? 'ipv4' : 'ipv6');
  };
}
