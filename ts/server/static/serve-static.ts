import { realpathSync, statSync } from 'node:fs';

import { quote } from '../../errors/escape.js';
import { misuse } from '../../errors/millrace-error.js';
import type { Next } from '../middleware.js';
import type { ServerRequest } from '../request.js';
import type { ServerResponse } from '../response.js';
import type { Contained, Root } from './contained-file.js';
import { bestVariant, find, findIndex } from './find-file.js';
import { StaticFolder } from './folder.js';
import type { StaticOptions, StaticValues } from './options.js';
import { staticValues } from './options.js';
import { namesOf, pathOf } from './request-path.js';
import { refuse } from './refuse.js';
import { sendFile } from './send-file.js';

/** Answers with files: a `handler` of `serve` as it is, and a step of a chain when it is given `next`. */
export type StaticHandler = (req: ServerRequest, res: ServerResponse, next?: Next) => Promise<unknown>;

const METHODS = 'GET, HEAD, OPTIONS';

/**
 * Serves what is in a folder and nothing else. The folder is resolved now; its files are looked up with every request,
 * so that a change is seen at once. Every path that is refused looks like one where there is nothing: 404.
 */
export function serveStatic(folder: string, options: StaticOptions = {}): StaticHandler {
  if (typeof folder !== 'string' || folder === '') {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `serveStatic: the folder must be a path, got ${quote(String(folder))}`);
  }
  const values = staticValues(options);
  const root: Root = { path: realpathSync(folder), dotfiles: values.dotfiles };
  if (!statSync(root.path).isDirectory()) {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `serveStatic: ${quote(folder)} is not a folder`);
  }
  const site = new Site(root, values);
  return (req, res, next) => site.handle(req, res, values.fallthrough ? next : undefined);
}

class Site {
  private readonly _root: Root;
  private readonly _options: StaticValues;

  constructor(root: Root, options: StaticValues) {
    this._root = root;
    this._options = options;
  }

  async handle(req: ServerRequest, res: ServerResponse, next: Next | undefined): Promise<unknown> {
    const path = this.below(req.path);
    const names = path === null ? null : path === '' ? [] : namesOf(path, this._root.dotfiles);
    const isRead = req.method === 'GET' || req.method === 'HEAD';
    if (names === null || (!isRead && next !== undefined)) return notFound(res, next);
    if (!isRead) return refuseMethod(req, res);
    const asFolder = (path as string).endsWith('/');
    const found = await find(this._root, names, asFolder ? [] : this._options.extensions);
    if (found === null) return notFound(res, next);
    if (found.stats.isDirectory()) {
      found.source.close();
      if (asFolder) return this.answerFolder(req, res, found, names, next);
      return this.redirect(req, res, names);
    }
    if (asFolder) {
      found.source.close();
      return notFound(res, next);
    }
    await this.answerFile(req, res, found);
  }

  /** The path below the prefix, null where it is not below; empty for the root without its slash. */
  private below(path: string): string | null {
    const { prefix } = this._options;
    if (prefix === null) return path;
    if (path === prefix) return '';
    return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : null;
  }

  private async answerFolder(
    req: ServerRequest,
    res: ServerResponse,
    folder: Contained,
    names: readonly string[],
    next: Next | undefined,
  ): Promise<unknown> {
    const { index, onFolder } = this._options;
    const found = await findIndex(this._root, names, index);
    if (found !== null) return this.answerFile(req, res, found);
    if (onFolder === null) return notFound(res, next);
    const answer = onFolder as (req: ServerRequest, res: ServerResponse, folder: StaticFolder) => unknown;
    return answer(req, res, new StaticFolder(this._root, folder.path, names));
  }

  private async answerFile(
    req: ServerRequest,
    res: ServerResponse,
    found: Contained & { name: string },
  ): Promise<void> {
    const file = await bestVariant(this._root, found, req.headers.get('accept-encoding'), this._options);
    try {
      await sendFile(req, res, file, this._options);
    } catch (error) {
      // A client that goes away in the middle is no failure of ours.
      if (req.gone === undefined || !res.closed) throw error;
    } finally {
      file.source.close();
    }
  }

  /** To the address with the slash. Made of the decoded names: a path of two slashes would be another host. */
  private redirect(req: ServerRequest, res: ServerResponse, names: readonly string[]): void {
    const path = `${this._options.prefix ?? ''}${pathOf(names)}`;
    const query = req.query === '' ? '' : `?${req.query}`;
    res.setHeader('Location', `${path.endsWith('/') ? path : `${path}/`}${query}`);
    refuse(res, 308, 'This is a folder: its address ends with a slash.');
  }
}

function notFound(res: ServerResponse, next: Next | undefined): unknown {
  if (next !== undefined) return next();
  return refuse(res, 404, 'There is nothing here.');
}

function refuseMethod(req: ServerRequest, res: ServerResponse): void {
  res.setHeader('Allow', METHODS);
  if (req.method !== 'OPTIONS') return refuse(res, 405, 'Only GET and HEAD are answered here.');
  res.statusCode = 204;
  res.end();
}
