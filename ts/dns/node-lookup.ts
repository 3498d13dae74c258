import { networkInterfaces } from 'node:os';

import { MillraceError, misuse } from '../errors/millrace-error.js';
import type { LookupCallback, LookupFunction, LookupOptions } from './lookup-function.js';
import type { Names } from './names.js';
import type { Family, ResolvedAddress } from './resolved-address.js';

/** `net.connect` and `http.Agent` leave the options out, or give the family alone. */
type Given = LookupOptions | number | null | undefined;

const FAMILIES: Readonly<Record<string, 0 | Family>> = { IPv4: 4, IPv6: 6, 0: 0, 4: 4, 6: 6 };

/**
 * Names as a function of the shape of `dns.lookup`, for what takes one. Its errors are those of `dns.lookup`: ENOTFOUND
 * where there is no address, EAI_AGAIN where there was no answer; ours is the cause.
 */
export function toLookup(names: Names): LookupFunction {
  return (hostname: string, given: Given | LookupCallback, callback?: LookupCallback) => {
    const answer = typeof given === 'function' ? given : callback;
    if (typeof answer !== 'function') {
      throw misuse('MILLRACE_INVALID_ARGUMENT', 'lookup: the last argument must be a function');
    }
    const options: LookupOptions =
      typeof given === 'number' ? { family: given } : ((typeof given === 'function' ? null : given) ?? {});
    const family = FAMILIES[options.family ?? 0] ?? 0;
    names.resolve(hostname, { family }).then(
      (found) => {
        const list = ordered(found, options).map((one) => ({ address: one.address, family: one.family }));
        // Out of the promise: what the callback throws is its own affair.
        process.nextTick(() =>
          options.all === true ? answer(null, list) : answer(null, list[0]?.address ?? '', list[0]?.family),
        );
      },
      (error: unknown) => process.nextTick(answer, nodeError(error, hostname)),
    );
  };
}

function ordered(found: readonly ResolvedAddress[], { order, verbatim }: LookupOptions): ResolvedAddress[] {
  const first = order === 'ipv4first' || (order === undefined && verbatim === false) ? 4 : 6;
  // Without IPv6 of its own a host reaches IPv4 only, so that goes first, as getaddrinfo has it (RFC 6724 §6, rule 1).
  const begun = order !== 'ipv6first' && first === 6 && !hasIpv6() ? 4 : first;
  return [...found].sort((a, b) => Number(b.family === begun) - Number(a.family === begun));
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((list) =>
    list?.some(({ family, internal, address }) => family === 'IPv6' && !internal && !/^fe[89ab]/i.test(address)),
  );
}

function nodeError(error: unknown, hostname: string): Error {
  if (!(error instanceof MillraceError) || error.kind === 'misuse') return error as Error;
  const code = error.code === 'MILLRACE_DNS_NOT_FOUND' ? 'ENOTFOUND' : 'EAI_AGAIN';
  const text = `getaddrinfo ${code} ${hostname}`;
  return Object.assign(new Error(text, { cause: error }), { code, syscall: 'getaddrinfo', hostname });
}
