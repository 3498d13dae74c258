import { statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { readFile } from 'node:fs/promises';

import { logRecord } from '../log/log.js';

/** How often a file is looked at, at most, in milliseconds. */
const LOOK_EVERY = 1_000;
/** A larger file is not read: nobody would wait for it to be parsed. */
const MAX_SIZE = 16 << 20;

/** What a file of the system says, read again when it has changed; where it is absent or unreadable, `absent`. */
export class WatchedFile<T> {
  private readonly _path: string;
  private readonly _parse: (text: string) => T;
  private readonly _absent: T;
  private _value: T;
  private _mark: string | null = null;
  private _lookAt = -Infinity;
  private _reading: Promise<T> | null = null;

  constructor(path: string, parse: (text: string) => T, absent: T) {
    this._path = path;
    this._parse = parse;
    this._absent = absent;
    this._value = absent;
  }

  /** The value; a promise only when the file has to be read. One look at its state a second costs microseconds. */
  read(): T | Promise<T> {
    if (this._reading !== null) return this._reading;
    const now = performance.now();
    if (now < this._lookAt) return this._value;
    this._lookAt = now + LOOK_EVERY;
    const stat = stateOf(this._path);
    const mark = stat === undefined ? '' : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    if (mark === this._mark) return this._value;
    this._mark = mark;
    if (stat === undefined) return (this._value = this._absent);
    this._reading = this.load(stat.size).finally(() => (this._reading = null));
    return this._reading;
  }

  private async load(size: number): Promise<T> {
    try {
      if (size > MAX_SIZE) throw new Error(`it has more than ${MAX_SIZE} bytes`);
      this._value = this._parse(await readFile(this._path, 'utf8'));
    } catch (error) {
      logRecord('warn', 'dns', 'a file that names are resolved by cannot be read', { path: this._path, err: error });
      this._value = this._absent;
    }
    return this._value;
  }
}

/** A path that leads nowhere, or where we may not look, is as good as none. */
function stateOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
