import { native } from '../native/loader.js';
import { checkName, checkValue } from './head-text.js';

/** A field name that has been used, checked once; with the value it had last and what both look like on the border. */
export interface KnownField {
  readonly name: string;
  readonly lower: string;
  /** The last value, as given. */
  given: string;
  /** The last value, as it goes out. */
  value: string;
  /** `name\0value\0` of it. */
  text: string;
  /** The number under which the native core knows `text`; `UNREADY`: it does not. */
  ready: number;
  /** Whether the core was asked: at the second use of a value, for one that differs each time need not be known. */
  asked: boolean;
}

/** In place of the number of a head that the native core does not know. */
export const UNREADY = -1;

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
    field = { name, lower: name.toLowerCase(), given: '', value: '', text: `${name}\0\0`, ready: UNREADY, asked: false };
    if (known.size < MOST) known.set(name, field);
  }
  latest = field;
  return field;
}

/** Checks a value and remembers it: the same value again, as a constant's is, costs a comparison. */
export function setValue(field: KnownField, given: string): void {
  if (field.given === given) {
    if (!field.asked) {
      field.asked = true;
      field.ready = native.rememberHead(field.text);
    }
    return;
  }
  const value = checkValue(field.name, given);
  field.given = given;
  field.value = value;
  field.text = `${field.name}\0${value}\0`;
  field.ready = UNREADY;
  field.asked = false;
}
