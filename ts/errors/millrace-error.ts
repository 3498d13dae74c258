import { factsOf } from './code-table.js';
import type { CodeFacts } from './code-table.js';
import type { ErrorCategory, ErrorCode, ErrorKind, Phase } from './codes.generated.js';
import { quote } from './escape.js';

/** Shared by every copy of the package in a process, so that `instanceof` holds between them. */
const BRAND: unique symbol = Symbol.for('millrace.error');

/** The limit that was passed: the option's name, its value, and what was seen. */
export interface LimitFacts {
  readonly option: string;
  readonly value: number;
  readonly seen: number;
}

/** What an error may carry beyond its code. */
export interface ErrorDetails {
  readonly cause?: unknown;
  readonly phase?: Phase;
  /** Negative, as Node's own system errors have it. */
  readonly errno?: number;
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: number;
  /** The name that was to be resolved. */
  readonly hostname?: string;
  readonly limit?: LimitFacts;
  /** Overrides what the table says of the code. */
  readonly retryable?: boolean;
}

/**
 * Every error that millrace makes. `code` is a promise, the text is not.
 *
 * Mistakes of the caller (`kind: 'misuse'`) are a TypeError or a RangeError as well; `instanceof MillraceError` holds
 * for them too, and across several installed copies of the package.
 */
export class MillraceError extends Error {
  declare readonly code: ErrorCode;
  declare readonly kind: ErrorKind;
  declare readonly category: ErrorCategory;
  /** Whether the same call may succeed when it is made again. */
  declare readonly retryable: boolean;
  declare readonly phase?: Phase;
  declare readonly errno?: number;
  declare readonly syscall?: string;
  declare readonly address?: string;
  declare readonly port?: number;
  /** The name that was to be resolved, as the caller gave it. */
  declare readonly hostname?: string;
  declare readonly limit?: LimitFacts;

  constructor(code: ErrorCode, message?: string, details: ErrorDetails = {}) {
    super(message ?? (details.limit === undefined ? factsOf(code).text : textOf(factsOf(code), details.limit)));
    brand(this, code, details);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass asks for itself, not for the brand.
    if (this !== MillraceError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true;
  }
}
Object.defineProperty(MillraceError.prototype, 'name', { value: 'MillraceError', configurable: true, writable: true });

/** What a code says, with the limit that was passed, what came (in quotes), and the option that changes it. */
export function textOf({ text, option }: CodeFacts, limit: LimitFacts | undefined, got?: string | Uint8Array): string {
  const notes: string[] = [];
  if (limit !== undefined) notes.push(`limit ${limit.value}, got ${limit.seen}`);
  if (got !== undefined) notes.push(`got ${quote(got)}`);
  if (option !== null) notes.push(`the option ${quote(option)} changes it`);
  return notes.length === 0 ? text : `${text} (${notes.join('; ')})`;
}

/** A TypeError for a mistake of the caller. */
export function misuse(code: ErrorCode, message: string, details?: ErrorDetails): TypeError & MillraceError {
  return brand(new TypeError(message), code, details);
}

/** A RangeError for a value of the right type that lies outside its range. */
export function outOfRange(message: string, details?: ErrorDetails): RangeError & MillraceError {
  return brand(new RangeError(message), 'MILLRACE_INVALID_ARGUMENT', details);
}

/** Gives an error the facts of its code and the mark by which `instanceof MillraceError` knows it. */
function brand<E extends Error>(error: E, code: ErrorCode, details: ErrorDetails = {}): E & MillraceError {
  const { kind, category, retryable, phase } = factsOf(code);
  Object.defineProperty(error, BRAND, { value: true });
  const facts = { code, kind, category, retryable, ...(phase === null ? null : { phase }) };
  const { cause, ...rest } = details;
  if (cause !== undefined) {
    // Not enumerable, as `new Error(text, { cause })` makes it.
    Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
  }
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  return Object.assign(error, facts, Object.fromEntries(given));
}
