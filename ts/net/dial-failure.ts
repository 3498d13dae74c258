import { constants } from 'node:os';

import { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';

const SYSTEM = 2;

/** What the native core says of a dial that failed. */
export interface DialFailure {
  readonly codeId: number;
  /** How many proxies it was past. */
  readonly hop: number;
  /** The errno, or the limit's value. */
  readonly a: number;
  readonly b: number;
  /** What TLS saw, what a proxy said, or a line for each address: address, port, errno. */
  readonly detail: string;
}

/** Why a connection did not open, where nothing is known of its way. */
export function dialError({ codeId, a, b, detail }: DialFailure): MillraceError {
  if (codeId === SYSTEM) return errorFromNative(codeId, { errno: a, syscall: 'connect' });
  const error = errorFromNative(codeId, { value: a, seen: b });
  return detail === '' ? error : new MillraceError(error.code, `${error.message}: ${detail}`);
}

/** An open socket broke over an error of the system; the address is empty where nobody knows it. */
export function systemBroke(errno: number, address = '', port = 0): MillraceError {
  // Refused as late as that where the first bytes went with the SYN: it is the connection that failed (fast open).
  const isRefused = errno === constants.errno.ECONNREFUSED;
  return errorFromNative(SYSTEM, {
    errno,
    ...(address === '' ? null : { address, port }),
    ...(isRefused ? { syscall: 'connect', phase: 'connect' } : null),
  });
}
