import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import type { MillraceError } from '../errors/millrace-error.js';

/** A host that was checked: an address literal, or a name in the form in which it is asked for. */
export interface Host {
  /** 4 or 6 for a literal, 0 for a name. */
  readonly literal: 0 | 4 | 6;
  /** The literal as it was given; a name in ASCII and lower case, without a final dot. */
  readonly name: string;
  /** It ended in a dot: no search list is tried. */
  readonly absolute: boolean;
}

/** RFC 1035 §2.3.4, as text: 255 octets on the wire are 253 characters without the root. */
const MAX_NAME = 253;
const MAX_LABEL = 63;
/** Characters of two units may become one: what is longer cannot fit, and is not converted to find that out. */
const MAX_GIVEN = 2 * (MAX_NAME + 1);
/** What no host can hold (the URL standard's forbidden domain code points): a URL or `host:port` in its place, mostly. */
const FORBIDDEN = /[\x00-\x20#%/:<>?@[\\\]^|\x7f]/;
/** The spellings that inet_aton takes for numbers, `127.1` and `0x7f.0.0.1` among them: an address to some, a name to others. */
const NUMERIC = /^(?:[0-9]+|0x[0-9a-f]*)$/;

/** Checks a host. Throws a TypeError with `MILLRACE_DNS_NAME_INVALID`, which says what is wrong with it. */
export function parseHost(given: unknown): Host {
  if (typeof given !== 'string') throw invalid(given, 'must be a string');
  const literal = isIP(given);
  if (literal !== 0) return { literal: literal as 4 | 6, name: given, absolute: true };
  if (given === '') throw invalid(given, 'must not be empty');
  if (given.length > MAX_GIVEN) throw invalid(given, `must have at most ${MAX_NAME} characters`);
  const ascii = toAscii(given);
  const absolute = ascii.endsWith('.');
  const name = absolute ? ascii.slice(0, -1) : ascii;
  if (name.length > MAX_NAME) throw invalid(given, `must have at most ${MAX_NAME} characters`);
  const labels = name.split('.');
  for (const label of labels) {
    if (label === '') throw invalid(given, 'must have no empty label');
    if (label.length > MAX_LABEL) throw invalid(given, `must have labels of at most ${MAX_LABEL} characters`);
  }
  if (NUMERIC.test(labels[labels.length - 1] ?? '')) {
    throw invalid(given, 'ends in a number, but is no IP address in its usual spelling');
  }
  return { literal: 0, name, absolute };
}

function toAscii(given: string): string {
  const at = FORBIDDEN.exec(given);
  if (at !== null) throw invalid(given, `must not contain ${describeValue(at[0])}`);
  if (/^[\x00-\x7f]*$/.test(given)) return given.toLowerCase();
  // UTS #46, which may give any character: look again.
  const ascii = domainToASCII(given);
  if (ascii === '' || FORBIDDEN.test(ascii)) throw invalid(given, 'is not a valid internationalized name');
  return ascii;
}

function invalid(given: unknown, why: string): MillraceError {
  return misuse('MILLRACE_DNS_NAME_INVALID', `the host ${why}, got ${describeValue(given)}`, {
    ...(typeof given === 'string' ? { hostname: given } : null),
  });
}
