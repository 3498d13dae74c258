import { MillraceError } from './millrace-error.js';

/** Failures of the moment: the same call may succeed when it is made again. */
const SYSTEM_CODES: ReadonlySet<string> = new Set([
  'EADDRNOTAVAIL',
  'EAGAIN',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EMFILE',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENFILE',
  'ENOBUFS',
  'EPIPE',
  'ETIMEDOUT',
]);

/** The same, in the words of undici, whose errors are also those of the platform's `fetch`. */
const UNDICI_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
]);

/** Statuses after which a request may be made again (RFC 9110 §15, RFC 6585 §4, RFC 8470 §5.2). */
const STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** How many errors are looked at, causes included; what lies beyond is taken for final. */
const MAX_LOOKED_AT = 64;

/** Whether a system error of this name, for instance `ECONNRESET`, is one of the moment. */
export function isRetryableSystemCode(code: string): boolean {
  return SYSTEM_CODES.has(code);
}

/**
 * Whether the operation that failed with `error` may succeed when it is made again: for our errors, Node's system
 * errors, errors that carry an HTTP status, and any of these as the `cause`. What the caller aborted is never retryable.
 * Whether it is *safe* to repeat the operation is another question, which only its caller can answer.
 */
export function isRetryable(error: unknown): boolean {
  return verdict(error, new Set()) === 'yes';
}

type Verdict = 'yes' | 'no' | 'aborted';

interface ErrorLike {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

function verdict(error: unknown, seen: Set<object>): Verdict {
  if (typeof error !== 'object' || error === null || seen.has(error) || seen.size === MAX_LOOKED_AT) return 'no';
  seen.add(error);
  const { name, code, status, statusCode, cause, errors } = error as ErrorLike;
  if (name === 'AbortError' || code === 'ABORT_ERR') return 'aborted';

  // An error may wrap an abort, so what lies beneath is asked first.
  const beneath = [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])].map((e) => verdict(e, seen));
  if (beneath.includes('aborted')) return 'aborted';
  if (error instanceof MillraceError) return error.retryable ? 'yes' : 'no';
  if (typeof code === 'string' && (SYSTEM_CODES.has(code) || UNDICI_CODES.has(code))) return 'yes';
  const answered = typeof status === 'number' ? status : statusCode;
  if (typeof answered === 'number') return STATUSES.has(answered) ? 'yes' : 'no';
  return beneath.includes('yes') ? 'yes' : 'no';
}
