import { misuse } from '../errors/millrace-error.js';
import { knownField } from '../message/field-cache.js';
import type { HeadersInput } from '../message/head-text.js';
import { checkName, checkValue } from '../message/head-text.js';
import type { BodyInput } from '../message/outgoing-body.js';

/** The fields of a request that decide something, and all of them as they cross. */
export interface FieldsText {
  /** `name\0value\0…` */
  readonly text: string;
  /** Whether a field of this kind is among them. */
  readonly host: boolean;
  readonly type: boolean;
  readonly agent: boolean;
  readonly codings: boolean;
  readonly length: boolean;
}

export const NO_FIELDS: FieldsText = {
  text: '',
  host: false,
  type: false,
  agent: false,
  codings: false,
  length: false,
};

/** Fields of a caller's, checked. */
export function fieldsText(headers: HeadersInput): FieldsText {
  const found = { text: '', host: false, type: false, agent: false, codings: false, length: false };
  if (Symbol.iterator in headers) {
    for (const [name, value] of headers as Iterable<[string, string]>) add(found, name, value);
    return found;
  }
  for (const name in headers) {
    const value = headers[name] as unknown;
    if (value === undefined) continue;
    if (Array.isArray(value)) for (const one of value) add(found, name, one);
    else add(found, name, value);
  }
  return found;
}

type Found = { -readonly [name in keyof FieldsText]: FieldsText[name] };

function add(found: Found, name: string, value: unknown): void {
  const { lower } = knownField(checkedName(name));
  switch (lower) {
    case 'host':
      found.host = true;
      break;
    case 'content-type':
      found.type = true;
      break;
    case 'user-agent':
      found.agent = true;
      break;
    case 'accept-encoding':
      found.codings = true;
      break;
    case 'content-length':
      found.length = true;
      break;
    case 'transfer-encoding':
    case 'expect':
    case 'upgrade':
    case 'keep-alive':
    default:
      break;
  }
  found.text += `${name}\0${checkValue(name, value)}\0`;
}

function checkedName(name: unknown): string {
  return typeof name === 'string' ? name : checkName(name);
}

/** A body that needs no sorting: text or bytes. */
export function plainBody(body: BodyInput | undefined): body is string | Uint8Array | null | undefined {
  return body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array;
}

/** Path and query with parameters added. */
export function withQuery(target: string, query: Record<string, string | number | boolean>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw misuse(
        'MILLRACE_INVALID_ARGUMENT',
        `request: a value of option 'query' must be text or a number, got ${typeof value}`,
      );
    }
    params.append(name, String(value));
  }
  const text = params.toString();
  if (text === '') return target;
  return target + (target.includes('?') ? '&' : '?') + text;
}
