import { describeValue } from '../errors/escape.js';
import { misuse, outOfRange } from '../errors/millrace-error.js';
import { checkNames, optionsOf } from '../options/validate.js';
import { TlsContext } from '../tls/tls-context.js';
import type { TlsClientOptions } from '../tls/tls-options.js';

/** By which name the server is judged, and how long its handshake may take. */
export interface StartTlsOptions {
  /** In place of the context's; one of the two is needed. */
  readonly servername?: string | undefined;
  /** In ms, from 1 to 2 147 483 647; 10 000 by default. */
  readonly timeout?: number | undefined;
}

const NAMES = new Set(['servername', 'timeout']);
const TIMEOUT = 10_000;
const LONGEST = 2_147_483_647;

/** Checks what `startTls` was given, and makes the context where there is none. */
export async function startTlsOf(
  tls: TlsContext | TlsClientOptions | undefined,
  given: StartTlsOptions,
): Promise<{ context: TlsContext; servername: string; timeout: number }> {
  const options = optionsOf('startTls', given) as StartTlsOptions;
  checkNames('startTls', options, NAMES);
  const { servername: own, timeout = TIMEOUT } = options;
  if (own !== undefined && (typeof own !== 'string' || own === '')) throw badName(own);
  if (typeof timeout !== 'number' || !Number.isInteger(timeout) || timeout < 1 || timeout > LONGEST) {
    const range = `an integer from 1 to ${LONGEST}`;
    throw outOfRange(`startTls: option 'timeout' must be ${range}, got ${describeValue(timeout)}`);
  }
  const context = tls instanceof TlsContext ? tls : await TlsContext.client(tls);
  const servername = own ?? context.servername;
  if (context.kind !== 'client' || servername === null) {
    throw misuse('MILLRACE_INVALID_ARGUMENT', "startTls: needs a client's context and a 'servername'");
  }
  return { context, servername, timeout };
}

/** The error for a name that no certificate can have. */
export function badName(servername: unknown): TypeError {
  const message = `startTls: 'servername' must be a DNS name or an IP address, got ${describeValue(servername)}`;
  return misuse('MILLRACE_INVALID_ARGUMENT', message);
}
