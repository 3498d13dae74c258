import { quote } from '../errors/escape.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { ErrorDetails } from '../errors/millrace-error.js';

/** What Node says of a question that failed. */
interface CauseLike {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly syscall?: unknown;
}

/** A name without an address: `MILLRACE_DNS_NOT_FOUND`. The cause is what the last one that was asked said. */
export function notFound(hostname: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError('MILLRACE_DNS_NOT_FOUND', `the name ${quote(hostname)} ${why}`, details(hostname, cause));
}

/** A name of which nobody could say anything: `MILLRACE_DNS_FAILED`. */
export function lookupFailed(hostname: string, cause: unknown): MillraceError {
  const { code } = (cause ?? {}) as CauseLike;
  const said = typeof code === 'string' ? code : quote(cause instanceof Error ? cause.message : String(cause));
  const message = `the name ${quote(hostname)} could not be resolved: ${said}`;
  return new MillraceError('MILLRACE_DNS_FAILED', message, details(hostname, cause));
}

/** `MILLRACE_DNS_TIMEOUT`; `option` is the one that set the limit, in ms. */
export function lookupTimeout(hostname: string, option: string, value: number): MillraceError {
  const message = `the name ${quote(hostname)} was not resolved within ${value} ms (the option ${quote(option)} changes it)`;
  return new MillraceError('MILLRACE_DNS_TIMEOUT', message, { hostname, limit: { option, value, seen: value } });
}

function details(hostname: string, cause: unknown): ErrorDetails {
  const { errno, syscall } = (cause ?? {}) as CauseLike;
  return {
    hostname,
    cause,
    ...(typeof errno === 'number' ? { errno } : null),
    ...(typeof syscall === 'string' ? { syscall } : null),
  };
}
