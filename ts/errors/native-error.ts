import { getSystemErrorName } from 'node:util';

import { alertName } from './alerts.js';
import { factsOfId } from './code-table.js';
import type { CodeFacts } from './code-table.js';
import type { Phase } from './codes.generated.js';
import { MillraceError, misuse, textOf } from './millrace-error.js';
import type { ErrorDetails, LimitFacts } from './millrace-error.js';
import { isRetryableSystemCode } from './retryable.js';

/** What the native core says beside the number of the code. */
export interface NativeDetail {
  /** The limit's value and what was seen. */
  readonly value?: number;
  readonly seen?: number;
  /** The number that the system gave, of either sign. */
  readonly errno?: number;
  readonly syscall?: string;
  /** Where a system call failed that belongs to one. */
  readonly phase?: Phase;
  /** The address, or the path of a Unix socket. */
  readonly address?: string;
  readonly port?: number;
  /** The bytes that broke the rule, or their beginning. */
  readonly got?: string | Uint8Array;
  readonly cause?: unknown;
}

/** Limits that no option moves, by the name that their counter has. */
const FIXED_LIMITS: Readonly<Record<string, string>> = {
  MILLRACE_HTTP_CHUNK_EXTENSIONS_TOO_LARGE: 'chunkExtensions',
  MILLRACE_HTTP_TRAILERS_TOO_LARGE: 'trailers',
  MILLRACE_HTTP_TOO_MANY_INFORMATIONAL: 'informational',
  MILLRACE_SOCKS_FIELD_TOO_LARGE: 'socksField',
};

/** The error for a code that the native core answered with; misuse becomes a TypeError. */
export function errorFromNative(codeId: number, detail: NativeDetail = {}): MillraceError {
  const facts = factsOfId(codeId);
  if (facts === undefined) {
    return new MillraceError('MILLRACE_BUG', `the native core answered with the unknown error code ${codeId}`);
  }
  if (facts.code === 'MILLRACE_SYSTEM') return systemError(facts, detail);
  // An established session tells its alert by a number alone, in the place of a limit's.
  const alert = facts.code === 'MILLRACE_TLS_ALERT_RECEIVED' && detail.value ? alertName(detail.value) : undefined;
  const limit = alert === undefined ? limitOf(facts, detail) : undefined;
  const message = textOf(facts, limit, detail.got ?? alert);
  const details: ErrorDetails = { limit, address: detail.address, port: detail.port, cause: detail.cause };
  return facts.kind === 'misuse'
    ? misuse(facts.code, message, details)
    : new MillraceError(facts.code, message, details);
}

function limitOf(facts: CodeFacts, { value, seen }: NativeDetail): LimitFacts | undefined {
  // An event has two numbers in any case; no limit is passed by nothing at all.
  if (value === undefined || seen === undefined || (value === 0 && seen === 0)) return undefined;
  return { option: facts.option ?? FIXED_LIMITS[facts.code] ?? facts.code, value, seen };
}

/** Worded and shaped as Node's own; the `cause` carries Node's `code`, for instance `EADDRINUSE`. */
function systemError(facts: CodeFacts, detail: NativeDetail): MillraceError {
  const { syscall, address, port } = detail;
  const errno = detail.errno === undefined ? undefined : -Math.abs(detail.errno);
  const name = errno === undefined ? undefined : systemName(errno);
  const words = [syscall, name ?? (errno === undefined ? undefined : `errno ${-errno}`), whereOf(address, port)];
  const message = words.filter((word) => word !== undefined).join(' ') || facts.text;
  return new MillraceError(facts.code, message, {
    errno,
    syscall,
    address,
    port,
    ...(detail.phase === undefined ? null : { phase: detail.phase }),
    retryable: name === undefined ? false : isRetryableSystemCode(name),
    cause: detail.cause ?? (name && Object.assign(new Error(message), { code: name, errno, syscall, address, port })),
  });
}

/** `ECONNRESET` for -104, or undefined where the number is not one of this system's. */
function systemName(errno: number): string | undefined {
  if (!Number.isInteger(errno) || errno === 0) return undefined;
  const name = getSystemErrorName(errno);
  return /^E[A-Z0-9_]+$/.test(name) ? name : undefined;
}

function whereOf(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined) return port === undefined ? undefined : `port ${port}`;
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
