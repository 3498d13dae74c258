import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';

/** A field's name as it is looked up. */
export function lowerName(name: string): string {
  if (typeof name === 'string') return name.toLowerCase();
  throw misuse('MILLRACE_INVALID_ARGUMENT', `the name of a field must be a string, got ${describeValue(name)}`);
}

/** The fields of a head: Latin-1 text `name\0value\0…`, looked up when asked. */
export class HeaderView implements Iterable<[string, string]> {
  #text: string;
  readonly #start: number;
  #raw: string[] | undefined;

  /** `text` from `start` on holds the fields. */
  constructor(text: string, start = 0) {
    this.#text = text;
    this.#start = start;
  }

  /** `[name, value, …]` in original case and order. */
  get raw(): string[] {
    if (this.#raw === undefined) {
      const parts = this.#text.slice(this.#start).split('\0');
      parts.pop();
      this.#raw = parts;
      this.#text = '';
    }
    return this.#raw;
  }

  /** The value of a field; a list's members joined by `, ` (cookies by `; `), the first Set-Cookie. */
  get(name: string): string | undefined {
    const raw = this.raw;
    const wanted = lowerName(name);
    let found: string | undefined;
    for (let place = 0; place < raw.length; place += 2) {
      if (raw[place].length !== wanted.length || raw[place].toLowerCase() !== wanted) continue;
      if (found === undefined) found = raw[place + 1];
      else if (wanted === 'set-cookie') return found;
      else found += (wanted === 'cookie' ? '; ' : ', ') + raw[place + 1];
    }
    return found;
  }

  /** Every value of a field, in order. */
  getAll(name: string): string[] {
    const raw = this.raw;
    const wanted = lowerName(name);
    const found: string[] = [];
    for (let place = 0; place < raw.length; place += 2) {
      if (raw[place].toLowerCase() === wanted) found.push(raw[place + 1]);
    }
    return found;
  }

  has(name: string): boolean {
    const wanted = lowerName(name);
    return this.raw.some((text, place) => place % 2 === 0 && text.toLowerCase() === wanted);
  }

  /** A value that does not keep the whole head alive: for what is stored for long. */
  copy(name: string): string | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : Buffer.from(value, 'latin1').toString('latin1');
  }

  /** Names in lower case; repeated fields joined, Set-Cookie as an array. */
  toObject(): Record<string, string | string[]> {
    const object = Object.create(null) as Record<string, string | string[]>;
    for (const [name] of this) {
      const key = lowerName(name);
      if (key in object) continue;
      object[key] = key === 'set-cookie' ? this.getAll(key) : (this.get(key) ?? '');
    }
    return object;
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    const raw = this.raw;
    for (let place = 0; place < raw.length; place += 2) yield [raw[place], raw[place + 1]];
  }
}
