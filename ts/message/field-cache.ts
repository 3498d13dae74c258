import { native } from '../native/loader.js';
import { checkName, checkValue } from './head-text.js';

/** A field name that has been used, checked once, with the line that it made last. */
export interface KnownField {
  readonly name: string;
  readonly lower: string;
  /** Whether it says how the body is framed, or that the connection ends. */
  readonly frames: boolean;
  line: FieldLine | undefined;
}

/** A field with its value. It stays as it is, so whoever has it need not copy it. */
export interface FieldLine {
  readonly field: KnownField;
  /** The value, as given. */
  readonly given: string;
  /** The value, as it goes out. */
  readonly value: string;
  /** `name\0value\0`: what it looks like on the border. */
  readonly text: string;
  /** The number under which the native core knows `text`; `UNREADY`: it does not. */
  ready: number;
  /** Whether the core was asked: at the second use of a value, for one that differs each time need not be known. */
  asked: boolean;
}

/** In place of the number of a head that the native core does not know. */
export const UNREADY = -1;

const FRAMING: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Names are few where values may be many; a program that makes names up does not make this grow for ever. */
const MOST = 1024;
const known = new Map<string, KnownField>();
/** The one that was asked for last: most programs set the same field each time. */
let latest: KnownField | undefined;

/** The field of a name; throws unless it is a token. */
export function knownField(name: string): KnownField {
  if (latest !== undefined && latest.name === name) return latest;
  let field = known.get(name);
  if (field === undefined) {
    checkName(name);
    const lower = name.toLowerCase();
    field = { name, lower, frames: FRAMING.has(lower), line: undefined };
    if (known.size < MOST) known.set(name, field);
  }
  latest = field;
  return field;
}

/** Checks a value and remembers it: the same value again, as a constant's is, costs a comparison. */
export function lineOf(field: KnownField, given: string): FieldLine {
  const line = field.line;
  if (line === undefined || line.given !== given) return makeLine(field, given);
  if (!line.asked) {
    line.asked = true;
    line.ready = native.rememberHead(line.text);
  }
  return line;
}

function makeLine(field: KnownField, given: string): FieldLine {
  const value = checkValue(field.name, given);
  return (field.line = { field, given, value, text: `${field.name}\0${value}\0`, ready: UNREADY, asked: false });
}
