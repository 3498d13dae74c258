import { CODES } from './codes.generated.js';
import type { CodeRow, ErrorCategory, ErrorCode, ErrorKind, Phase } from './codes.generated.js';

/** What the table of codes says about one code. */
export interface CodeFacts {
  readonly id: number;
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly category: ErrorCategory;
  readonly retryable: boolean;
  /** The HTTP status that a peer is answered with, where an answer is possible. */
  readonly status: number | null;
  readonly phase: Phase | null;
  /** The option that moves the limit or the deadline. */
  readonly option: string | null;
  readonly text: string;
}

let byId: Map<number, CodeFacts> | undefined;
let byCode: Map<string, CodeFacts> | undefined;

function toFacts([id, code, kind, category, retryable, status, phase, option, text]: CodeRow): CodeFacts {
  return { id, code, kind, category, retryable, status, phase, option, text };
}

/** The facts of the code with this number, if there is one. */
export function factsOfId(id: number): CodeFacts | undefined {
  byId ??= new Map(CODES.map((row) => [row[0], toFacts(row)]));
  return byId.get(id);
}

/** The facts of a code. */
export function factsOf(code: ErrorCode): CodeFacts {
  byCode ??= new Map(CODES.map((row) => [row[1], factsOfId(row[0]) as CodeFacts]));
  const facts = byCode.get(code);
  if (facts === undefined) throw new RangeError(`no such error code: ${code}`);
  return facts;
}
