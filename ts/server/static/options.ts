import type { BigIntStats } from 'node:fs';

import type { AnyFunction, OptionTable } from '../../options/table.js';
import { validateOptions } from '../../options/validate.js';
import type { ServerRequest } from '../request.js';
import type { ServerResponse } from '../response.js';
import type { StaticFolder } from './folder.js';

/** A coding that a file may have been compressed by beforehand. */
export type Precompressed = 'br' | 'zstd' | 'gzip';

/** What `serveStatic` is told. */
export interface StaticOptions {
  /** Only paths below this one are answered; it is left out of the file's path. Default: all paths. */
  prefix?: string;
  /** The files that answer for a folder, the first that is there; default `['index.html']`. */
  index?: readonly string[];
  /** Extensions to try, without their dot, where a path has no file: `['html']` answers `/about` by `about.html`. */
  extensions?: readonly string[];
  /** Names with a dot in front that are served all the same, `.well-known` for example; default none. */
  dotfiles?: readonly string[];
  /** Cache-Control's `max-age`, in seconds (0…31 536 000, default 0: kept, and asked for again); null: no such field. */
  maxAge?: number | null;
  /** Adds `immutable` to Cache-Control: for names that change with their content. */
  immutable?: boolean;
  etag?: boolean;
  lastModified?: boolean;
  /** Serve `file.br`, `file.zst` and `file.gz` beside `file` to clients that take them, best first; default none. */
  precompressed?: readonly Precompressed[];
  /** Hand what is not found, and what is neither GET nor HEAD, to `next` where it is given; default true. */
  fallthrough?: boolean;
  /** Sets further fields; called for every file just before it is sent, and before a 304 or 412 is. */
  setHeaders?(res: ServerResponse, path: string, stats: BigIntStats): void;
  /** Answers for a folder that has no index; default: it is not found. */
  onFolder?(req: ServerRequest, res: ServerResponse, folder: StaticFolder): unknown;
}

/** The options with their defaults. */
export interface StaticValues {
  readonly prefix: string | null;
  readonly index: readonly string[];
  readonly extensions: readonly string[];
  readonly dotfiles: readonly string[];
  readonly maxAge: number | null;
  readonly immutable: boolean;
  readonly etag: boolean;
  readonly lastModified: boolean;
  readonly precompressed: readonly Precompressed[];
  readonly fallthrough: boolean;
  readonly setHeaders: AnyFunction | null;
  readonly onFolder: AnyFunction | null;
}

export const STATIC_OPTIONS: OptionTable<StaticValues> = {
  owner: 'serveStatic',
  required: [],
  exclusive: [],
  rows: [
    { name: 'prefix', type: 'string', default: null },
    { name: 'index', type: 'list', default: ['index.html'] },
    { name: 'extensions', type: 'list', default: [] },
    { name: 'dotfiles', type: 'list', default: [] },
    { name: 'maxAge', type: 'integer', min: 0, max: 31_536_000, nullable: true, default: 0 },
    { name: 'immutable', type: 'boolean', default: false },
    { name: 'etag', type: 'boolean', default: true },
    { name: 'lastModified', type: 'boolean', default: true },
    { name: 'precompressed', type: 'list', values: ['br', 'zstd', 'gzip'], default: [] },
    { name: 'fallthrough', type: 'boolean', default: true },
    { name: 'setHeaders', type: 'function', default: null },
    { name: 'onFolder', type: 'function', default: null },
  ],
};

/** Checks the options and fills in the defaults. */
export function staticValues(options: StaticOptions): StaticValues {
  const values = validateOptions(STATIC_OPTIONS, options);
  if (values.prefix === null) return values;
  const prefix = `/${values.prefix.replace(/^\/+|\/+$/g, '')}`;
  return { ...values, prefix: prefix === '/' ? null : prefix };
}
