import { BlockList, isIP } from 'node:net';

import { comparableHost } from '../dns/host-text.js';
import { describeValue, quote } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { canonical, embeddedIpv4, sameAddress } from './reserved-addresses.js';

/** What a proxy lets its clients reach; the first rule that matches an address decides, and none means no. */
export interface ProxyRule {
  action: 'allow' | 'deny';
  /** A name, every name below one (`.example.com` or `*.example.com`), `*` for all, or an address, however it is written. */
  host?: string | undefined;
  /** An address or a block; compared with what a name resolves to. */
  cidr?: string | undefined;
  /** Ports, and ranges of them. */
  ports?: readonly (number | readonly [number, number])[] | undefined;
}

/** An address that somebody wants to reach. */
export interface Destination {
  /** As the client has asked. */
  readonly host: string;
  /** What it resolves to; null where a proxy further on resolves it. */
  readonly address: string | null;
  readonly port: number;
}

type Test = (destination: Destination) => boolean;

/** Rules, checked and ready to be asked. */
export class Rules {
  /** Whether a rule is about addresses, which names must not walk round. */
  readonly needsAddresses: boolean;
  /** Whether there is anything that they let pass. */
  readonly allowsAny: boolean;
  readonly #rules: readonly { allow: boolean; tests: readonly Test[] }[];

  constructor(rules: readonly ProxyRule[]) {
    this.#rules = rules.map((rule, place) => ({
      allow: actionOf(rule, place) === 'allow',
      tests: testsOf(rule, place),
    }));
    this.needsAddresses = rules.some(({ host, cidr }) => cidr !== undefined || isAddress(host));
    this.allowsAny = this.#rules.some(({ allow }) => allow);
  }

  allows(destination: Destination): boolean {
    const found = this.#rules.find(({ tests }) => tests.every((test) => test(destination)));
    return found?.allow ?? false;
  }
}

function actionOf(rule: ProxyRule, place: number): 'allow' | 'deny' {
  if (typeof rule !== 'object' || rule === null) throw wrong(place, 'an object', rule);
  for (const name of Object.keys(rule)) {
    if (!['action', 'host', 'cidr', 'ports'].includes(name)) {
      throw misuse('MILLRACE_INVALID_ARGUMENT', `createProxyServer: rule ${place} has no option ${quote(name)}`);
    }
  }
  if (rule.action !== 'allow' && rule.action !== 'deny')
    throw wrong(place, "an action, 'allow' or 'deny'", rule.action);
  return rule.action;
}

function testsOf({ action, host, cidr, ports }: ProxyRule, place: number): Test[] {
  const tests: Test[] = [];
  if (host !== undefined) tests.push(hostTest(host, place));
  if (cidr !== undefined) tests.push(blockTest(cidr, place, action === 'deny'));
  if (ports !== undefined) tests.push(portTest(ports, place));
  return tests;
}

function hostTest(pattern: string, place: number): Test {
  if (typeof pattern !== 'string' || pattern === '') throw wrong(place, 'a host that is a string', pattern);
  const wanted = comparableHost(pattern);
  if (isAddress(wanted)) return ({ address }) => address !== null && sameAddress(address, wanted);
  const suffix = /^\*?(\.[^*]+)$/.exec(wanted)?.[1];
  if (wanted === '*') return () => true;
  if (suffix === undefined && wanted.includes('*')) throw wrong(place, 'a host, or *. in front of one', pattern);
  if (suffix === undefined) return ({ host }) => comparableHost(host) === wanted;
  return ({ host }) => {
    const name = comparableHost(host);
    return isIP(name) === 0 && name.endsWith(suffix) && name.length > suffix.length;
  };
}

/** A block that is denied covers what carries one of its addresses too; one that is allowed covers itself alone. */
function blockTest(cidr: string, place: number, inner: boolean): Test {
  const [address = '', prefix, more] = typeof cidr === 'string' ? cidr.split('/') : [];
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const length = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity;
  if (family === 0 || more !== undefined || length > most) throw wrong(place, 'a cidr such as 10.0.0.0/8', cidr);
  const block = new BlockList();
  block.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6');
  const covers = (found: string | null): boolean => {
    const plain = found === null ? '' : canonical(found);
    return isIP(plain) !== 0 && block.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6');
  };
  return ({ address }) => covers(address) || (inner && address !== null && covers(embeddedIpv4(address)));
}

function isAddress(host: unknown): boolean {
  return typeof host === 'string' && isIP(comparableHost(host)) !== 0;
}

function portTest(ports: readonly (number | readonly [number, number])[], place: number): Test {
  if (!Array.isArray(ports) || ports.length === 0) throw wrong(place, 'ports: a list of ports and ranges', ports);
  const ranges = (ports as readonly (number | readonly [number, number])[]).map((one) => {
    const [from, to] = typeof one === 'number' ? [one, one] : Array.isArray(one) ? (one as [number, number]) : [0, 0];
    const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;
    if (!isPort(from) || !isPort(to) || from > to) throw wrong(place, 'ports from 1 to 65535', one);
    return [from, to] as const;
  });
  return ({ port }) => ranges.some(([from, to]) => port >= from && port <= to);
}

function wrong(place: number, expected: string, got: unknown): Error {
  return misuse(
    'MILLRACE_INVALID_ARGUMENT',
    `createProxyServer: rule ${place} must have ${expected}, got ${describeValue(got)}`,
  );
}
