/** What the command line serves: a folder, a module, or the demo page. */
import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { ServeOptions } from '../index.js';
import { Complaint } from './complaint.js';
import type { Demo } from './demo/demo.js';
import { folderHandler } from './folder/folder.js';

/** What is served, in words that a worker thread can be sent. */
export type Target =
  | { readonly kind: 'folder' | 'module'; readonly name: string; readonly path: string }
  | { readonly kind: 'demo'; readonly name: string };

/** The target that an argument names; without one, the demo if asked for, else this folder. */
export function findTarget(given: string | undefined, demo: boolean): Target {
  if (given === undefined && demo) return { kind: 'demo', name: 'the demo page' };
  const name = given ?? '.';
  const path = resolve(name);
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Complaint(`${name}: ${code === 'ENOENT' ? 'there is no such folder or module' : String(code)}`);
  }
  return { kind: isFolder ? 'folder' : 'module', name, path: realpathSync(path) };
}

/** The options of `serve` that answer for a target. */
export async function handlersOf(target: Target, demo: Demo | undefined): Promise<ServeOptions> {
  if (target.kind === 'folder') return { handler: folderHandler(target.path) };
  if (target.kind === 'module') return moduleOptions(await load(target.path), target.name);
  if (demo === undefined) throw new Complaint('the demo page has nothing to show');
  return { handler: (req, res) => demo.handle(req, res) };
}

// The wrapper that the compiler makes of `import()` in a CommonJS module must stay a real import: `node16` sees to it.
async function load(path: string): Promise<object> {
  return (await import(pathToFileURL(path).href)) as object;
}

type Exports = { handler?: unknown; fetch?: unknown; options?: unknown; default?: unknown };

/**
 * Finds the handler among the exports of a module: its own names, its default export, or, where a compiler made
 * CommonJS out of an ES module, the default export of that.
 */
export function moduleOptions(exported: object, name: string): ServeOptions {
  let holder: unknown = exported;
  for (let depth = 0; depth < 3; depth++) {
    if (typeof holder === 'function') return { fetch: holder as NonNullable<ServeOptions['fetch']> };
    if (typeof holder !== 'object' || holder === null) break;
    const { handler, fetch, options = {} } = holder as Exports;
    if (typeof options !== 'object' || options === null) {
      throw new Complaint(`${name}: \`options\` must be an object, got ${typeof options}`);
    }
    if (typeof handler === 'function' && typeof fetch === 'function') {
      throw new Complaint(`${name} exports both \`handler\` and \`fetch\`: one of them must go`);
    }
    if (typeof handler === 'function') return { ...options, handler: handler.bind(holder) as never };
    if (typeof fetch === 'function') return { ...options, fetch: fetch.bind(holder) as never };
    holder = (holder as Exports).default;
  }
  throw new Complaint(
    `${name} exports no handler: export \`handler(req, res)\`, \`fetch(request)\` or a default function`,
  );
}
