import { isIP } from 'node:net';

import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { codeOf } from './answer.js';
import { bounded } from './bounded.js';
import { observed } from './channels.js';
import { lookupFailed, lookupTimeout, notFound } from './dns-error.js';
import { inOnePart } from './names.js';
import type { AddressParts, LookupLimits, Names } from './names.js';
import type { Family, ResolvedAddress } from './resolved-address.js';
import { MAX_ADDRESSES } from './resolved-address.js';

/** What `dns.lookup` and functions of its shape are asked for. */
export interface LookupOptions {
  readonly family?: number | 'IPv4' | 'IPv6' | undefined;
  readonly hints?: number | undefined;
  readonly all?: boolean | undefined;
  readonly order?: 'ipv4first' | 'ipv6first' | 'verbatim' | undefined;
  readonly verbatim?: boolean | undefined;
}

/** How they answer: with one address and its family, or with a list where `all` was asked for. */
export type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | { address: string; family: number }[],
  family?: number,
) => void;

/** A function of the shape of `dns.lookup`: what `net.connect` and `http.Agent` take as `lookup`. */
export type LookupFunction = (hostname: string, options: LookupOptions, callback: LookupCallback) => void;

/** What a lookup function answers for a name that does not exist, as `dns.lookup` does. */
const NOT_THERE: ReadonlySet<string | undefined> = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA']);

/** Milliseconds; only its caller's limit counts where there is one. */
const TIMEOUT = 5_000;

/** Has a function of the caller's resolve names. Its answers are checked and not kept: that is for the function to do. */
export class FunctionNames implements Names {
  private readonly _lookup: LookupFunction;

  constructor(lookup: LookupFunction) {
    this._lookup = lookup;
  }

  resolve(host: string, limits: LookupLimits = {}): Promise<ResolvedAddress[]> {
    const { family = 0, signal = null, timeout = TIMEOUT, option = 'timeout' } = limits;
    if (typeof host !== 'string' || host === '' || host.includes('\0')) {
      const message = `the host must be a string that is not empty and has no NUL, got ${describeValue(host)}`;
      return Promise.reject(misuse('MILLRACE_DNS_NAME_INVALID', message));
    }
    const literal = isIP(host);
    if (literal !== 0) return Promise.resolve([{ address: host, family: literal as Family, ttl: 0 }]);
    const late = (): never => {
      throw lookupTimeout(host, option, timeout);
    };
    const work = (): Promise<ResolvedAddress[]> =>
      bounded<ResolvedAddress[]>({ signal, timeout, late }, (settle) => {
        const fail = (error: unknown): void =>
          settle(() => {
            throw NOT_THERE.has(codeOf(error)) ? notFound(host, 'does not exist', error) : lookupFailed(host, error);
          });
        try {
          const options = { all: true, family, order: 'verbatim', verbatim: true } as const;
          const answer: unknown = this._lookup(host, options, (error, address, given) => {
            if (error !== null && error !== undefined) fail(error);
            else settle(() => checked(host, family, address, given));
          });
          // An asynchronous function that fails does not call back.
          Promise.resolve(answer).catch(fail);
        } catch (error) {
          fail(error);
        }
        return () => undefined;
      });
    return observed(host, family, work, (list) => list);
  }

  async resolveParts(host: string, limits?: LookupLimits): Promise<AddressParts> {
    return inOnePart(await this.resolve(host, limits));
  }
}

/** The addresses that can be used of what a function gave: of the family that was asked for, each once, at most 64. */
function checked(host: string, family: 0 | Family, given: unknown, of: unknown): ResolvedAddress[] {
  const list: unknown[] = Array.isArray(given) ? given : [{ address: given, family: of }];
  const found = new Map<string, ResolvedAddress>();
  for (const one of list) {
    const address = typeof one === 'string' ? one : (one as { address?: unknown } | null)?.address;
    if (typeof address !== 'string' || found.size === MAX_ADDRESSES) continue;
    const is = isIP(address);
    if (is === 0 || (family !== 0 && is !== family)) continue;
    found.set(address, { address, family: is as Family, ttl: 0 });
  }
  if (found.size > 0) return [...found.values()];
  if (Array.isArray(given) && given.length === 0) throw notFound(host, 'has no address');
  const what = family === 0 ? 'an IP address' : `an IPv${family} address`;
  throw lookupFailed(host, new Error(`the lookup function gave ${describeValue(given)}, which is not ${what}`));
}
