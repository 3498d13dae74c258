import { knownField } from '../message/field-cache.js';
import type { HeadersInput } from '../message/head-text.js';
import { checkName, checkValue, entriesOf } from '../message/head-text.js';

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
  readonly trace: boolean;
}

export const NO_FIELDS: FieldsText = {
  text: '',
  host: false,
  type: false,
  agent: false,
  codings: false,
  length: false,
  trace: false,
};

/** Fields of a caller's, checked. */
export function fieldsText(headers: HeadersInput): FieldsText {
  const found = { text: '', host: false, type: false, agent: false, codings: false, length: false, trace: false };
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
    case 'traceparent':
      found.trace = true;
      break;
    default:
      break;
  }
  found.text += `${name}\0${checkValue(name, value)}\0`;
}

function checkedName(name: unknown): string {
  return typeof name === 'string' ? name : checkName(name);
}

/** The names of fields, in lower case. */
export function namesOf(headers: HeadersInput): Set<string> {
  const names = new Set<string>();
  for (const [name] of entriesOf(headers)) names.add(name.toLowerCase());
  return names;
}

/** Fields of one with those of another in place of its own of the same name. */
export function fieldsOver(under: HeadersInput | null, over: HeadersInput): [string, string][] {
  const own = [...entriesOf(over)];
  if (under === null) return own;
  const names = new Set(own.map(([name]) => name.toLowerCase()));
  return [...[...entriesOf(under)].filter(([name]) => !names.has(name.toLowerCase())), ...own];
}
