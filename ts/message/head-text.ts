import { misuse } from '../errors/millrace-error.js';
import { describeValue, quote } from '../errors/escape.js';
import { isFieldText, isToken } from './grammar.js';

/** Header fields as callers give them. */
export type HeadersInput = Record<string, string | string[] | undefined> | Iterable<[string, string]>;

/** Throws unless the name is a token (RFC 9110 §5.6.2). */
export function checkName(name: unknown): string {
  if (typeof name === 'string' && isToken(name)) return name;
  throw misuse(
    'MILLRACE_INVALID_ARGUMENT',
    `a field name must be a token (RFC 9110 §5.6.2), got ${quote(String(name))}`,
  );
}

/** The value as it goes out, without white space around it; throws where it holds CR, LF, NUL or non-Latin-1. */
export function checkValue(name: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') {
    const text = String(value);
    if (isFieldText(text)) return text.trim();
  }
  throw misuse(
    'MILLRACE_INVALID_ARGUMENT',
    `the value of the field ${quote(name)} must be Latin-1 text without control characters, got ${quote(String(value))}`,
  );
}

/** `[name, value]` of every field given. */
export function* entriesOf(headers: HeadersInput): Generator<[string, string]> {
  if (typeof headers !== 'object' || (headers as unknown) === null) {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `fields must be an object or pairs, got ${describeValue(headers)}`);
  }
  if (Symbol.iterator in headers) {
    for (const [name, value] of headers as Iterable<[string, string]>) yield [checkName(name), checkValue(name, value)];
    return;
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    checkName(name);
    if (Array.isArray(value)) {
      for (const one of value) yield [name, checkValue(name, one)];
    } else {
      yield [name, checkValue(name, value)];
    }
  }
}

/** `name\0value\0…`, checked. */
export function headText(headers: HeadersInput): string {
  let text = '';
  for (const [name, value] of entriesOf(headers)) text += `${name}\0${value}\0`;
  return text;
}
