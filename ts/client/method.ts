import { OTHER_METHOD } from '../native/binding.js';

/** Numbers of `crates/head`'s methods. */
const NUMBERS: Readonly<Record<string, number>> = {
  DELETE: 0,
  GET: 1,
  HEAD: 2,
  POST: 3,
  PUT: 4,
  CONNECT: 5,
  OPTIONS: 6,
  TRACE: 7,
  PATCH: 28,
};

/** RFC 9110 §9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']);

/** The number by which the native core knows a method, or `OTHER_METHOD`. */
export function methodNumber(method: string): number {
  return NUMBERS[method] ?? OTHER_METHOD;
}

/** Whether a request may be made twice with the effect of once. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}
