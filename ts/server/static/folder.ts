import { promises } from 'node:fs';

import type { Root } from './contained-file.js';
import { openContained } from './contained-file.js';
import { isServable } from './request-path.js';

/** What a listing shows of one file or folder. */
export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
  /** In bytes. */
  readonly size: number;
  readonly modified: Date;
}

/** A folder below the root that has no index. */
export class StaticFolder {
  /** Its real path. */
  readonly path: string;
  /** The names that lead to it from the root, decoded: text of the client's, to be escaped where it is shown. */
  readonly names: readonly string[];
  private readonly _root: Root;

  /** Made by `serveStatic`. */
  constructor(root: Root, path: string, names: readonly string[]) {
    this._root = root;
    this.path = path;
    this.names = names;
  }

  /** What can be asked for in it, in the order of the system: no dot files, no links that lead out, no devices. */
  async *entries(): AsyncGenerator<FolderEntry> {
    for await (const { name } of await promises.opendir(this.path)) {
      if (!isServable(name, this._root.dotfiles)) continue;
      const found = await openContained(this._root, [...this.names, name]);
      if (found === null) continue;
      found.source.close();
      const { stats } = found;
      yield { name, isFolder: stats.isDirectory(), size: Number(stats.size), modified: stats.mtime };
    }
  }
}
