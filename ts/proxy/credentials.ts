import type { ErrorCode } from '../errors/codes.generated.js';
import type { MillraceError } from '../errors/millrace-error.js';
import { misuse } from '../errors/millrace-error.js';
import type { ProxyKind } from './proxy-url.js';

const CODE: ErrorCode = 'MILLRACE_PROXY_CREDENTIALS_INVALID';

/** The most bytes of a user name and of a password: a length of SOCKS5 is one byte. */
const MOST = 255;

/** Control characters, which are in no credentials of HTTP. */
const CONTROL = /[\0-\x1f\x7f]/;

/** What a kind of proxy cannot carry of them, in words that quote neither; undefined where it can. */
function unfitFor(kind: ProxyKind, username: string, password: string): string | undefined {
  const tooLong = (what: string, text: string): string | undefined =>
    Buffer.byteLength(text) > MOST ? `${what} is longer than ${MOST} bytes` : undefined;
  switch (kind) {
    case 'http':
    case 'https':
      if (CONTROL.test(username + password)) return 'there are control characters in them (RFC 7617 §2)';
      return username.includes(':') ? 'the user name has a colon (RFC 7617 §2)' : undefined;
    case 'socks5':
    case 'socks5h':
      if (username === '') return 'the user name is empty (RFC 1929 §2)';
      return tooLong('the user name', username) ?? tooLong('the password', password);
    case 'socks4':
    case 'socks4a':
      if (password !== '') return 'SOCKS4 has no password';
      if (username.includes('\0')) return 'the user id has a NUL';
      return tooLong('the user id', username);
  }
}

/** Refuses what a client of this kind of proxy could never send. */
export function checkCredentials(owner: string, kind: ProxyKind, username: string, password: string): void {
  const unfit = notUnicode(username + password) ?? unfitFor(kind, username, password);
  if (unfit === undefined) return;
  throw wrong(`${owner}: user name and password of a proxy cannot be sent by ${kind}: ${unfit}`);
}

/** Refuses what a client could not show to a proxy of ours, by SOCKS5 as well as by Basic. */
export function checkServedCredentials(owner: string, username: string, password: string): void {
  for (const [kind, name] of [
    ['socks5', 'SOCKS5'],
    ['http', 'Basic'],
  ] as const) {
    const unfit = notUnicode(username + password) ?? unfitFor(kind, username, password);
    if (unfit !== undefined) throw wrong(`${owner}: option 'auth' must be what a client can show by ${name}: ${unfit}`);
  }
}

/** A password without a user name is none. */
export function passwordAlone(owner: string): MillraceError {
  return wrong(`${owner}: a proxy's password needs a user name`);
}

function notUnicode(text: string): string | undefined {
  return /\p{Surrogate}/u.test(text) ? 'half of a surrogate pair is no character' : undefined;
}

function wrong(message: string): MillraceError {
  return misuse(CODE, message);
}
