import { describeValue } from '../../errors/escape.js';
import { misuse, outOfRange } from '../../errors/millrace-error.js';
import type { Challenge } from './challenge.js';

/** Name and password. */
export interface UserCredentials {
  readonly username: string;
  readonly password: string;
}

/**
 * Who we are, and how we may say so.
 *
 * - `basic` (RFC 7617) is sent with every request, without being asked: over cleartext everybody on the way reads it.
 * - `digest` (RFC 7616) answers a challenge, and sends the password never.
 * - `any` answers the strongest challenge: Digest with SHA-512-256, SHA-256, MD5, then Basic.
 * - `bearer` (RFC 6750) is sent with every request.
 * - A function gives the value of the field, for each request and again when it was refused; undefined for none.
 */
export type Auth =
  | ({ readonly type: 'basic' | 'digest' | 'any' } & UserCredentials)
  | { readonly type: 'bearer'; readonly token: string }
  | AuthFunction;

/** Gives the value of Authorization. `refusal` is there when the request was refused before. */
export type AuthFunction = (
  request: AuthRequest,
  refusal?: Refusal,
) => string | undefined | PromiseLike<string | undefined>;

/** What a function is told of a refusal. */
export interface Refusal {
  /** 401, or 407 of a proxy. */
  readonly status: number;
  readonly challenges: readonly Challenge[];
  /** How often this request was refused. */
  readonly attempt: number;
}

/** A request, as authentication sees it: one object for all the tries of it. */
export interface AuthRequest {
  readonly method: string;
  /** Where it goes; of authentication with a proxy, the proxy. */
  readonly url: URL;
  /** The request-target, as it is sent: Digest signs it. */
  readonly target: string;
  /** Makes the body anew; null where there is none, undefined where it cannot be made again. */
  readonly body: (() => AsyncIterable<Uint8Array | string>) | null | undefined;
}

/** RFC 6750 §2.1, RFC 9110 §11.2 */
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;
const CONTROLS = /[\x00-\x1f\x7f]/;

/** Checks what a caller gave; no message tells a secret. */
export function checkedAuth(auth: unknown): Auth {
  if (typeof auth === 'function') return auth as AuthFunction;
  if (typeof auth !== 'object' || auth === null)
    throw wrong(`an object or a function, got ${auth === null ? 'null' : typeof auth}`);
  const { type, username, password, token } = auth as Record<string, unknown>;
  switch (type) {
    case 'basic':
    case 'digest':
    case 'any':
      checkText('username', username);
      checkText('password', password);
      // RFC 7617 §2; Digest's A1 is parted by colons as well.
      if ((username as string).includes(':')) throw outOfRange("auth: 'username' must not have a colon");
      return { type, username: username as string, password: password as string };
    case 'bearer':
      if (typeof token !== 'string') throw misuse('MILLRACE_INVALID_ARGUMENT', "auth: 'token' must be a string");
      if (!TOKEN68.test(token)) {
        throw outOfRange(
          "auth: 'token' must be of letters, digits and -._~+/, and perhaps = at its end (RFC 6750 §2.1)",
        );
      }
      return { type, token };
    default:
      throw wrong(`of type "basic", "digest", "any" or "bearer", got ${describeValue(type)}`);
  }
}

function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw misuse('MILLRACE_INVALID_ARGUMENT', `auth: '${name}' must be a string`);
  if (CONTROLS.test(value)) throw outOfRange(`auth: '${name}' must not have control characters`);
}

function wrong(expected: string): TypeError {
  return misuse('MILLRACE_INVALID_ARGUMENT', `auth must be ${expected}`);
}

/** The value of Authorization by Basic (RFC 7617 §2), in UTF-8. */
export function basicValue({ username, password }: UserCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`.normalize('NFC'), 'utf8').toString('base64')}`;
}
