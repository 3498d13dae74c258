import { realpathSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

import type { ServerRequest, ServerResponse } from '../index.js';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.gif': 'image/gif',
  '.htm': 'text/html; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webp': 'image/webp',
  '.xml': 'application/xml',
};

/** The files of a folder: no dot files, nothing outside it by `..`, encodings or links; folders as a listing. */
export function fileHandler(folder: string): (req: ServerRequest, res: ServerResponse) => Promise<void> {
  const root = realpathSync(folder);
  return async (req, res) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('Allow', 'GET, HEAD');
      return refuse(res, 405);
    }
    const path = await inside(root, req.path);
    if (path === undefined) return refuse(res, 404);
    const facts = await stat(path).catch(() => undefined);
    if (facts?.isDirectory() === true) {
      if (!req.path.endsWith('/')) {
        res.setHeader('Location', `${req.path}/`);
        return refuse(res, 308);
      }
      res.setHeader('Content-Type', 'text/html; charset=utf-8').end(await listing(root, path, req.path));
      return;
    }
    if (facts?.isFile() !== true) return refuse(res, 404);
    res.setHeader('Content-Type', TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream');
    res.setHeader('X-Content-Type-Options', 'nosniff');
    res.setHeader('Last-Modified', facts.mtime.toUTCString());
    if (req.method === 'HEAD' || facts.size === 0) {
      res.setHeader('Content-Length', facts.size).end();
      return;
    }
    await res.send({ file: path });
  };
}

function refuse(res: ServerResponse, status: number): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'text/plain; charset=utf-8').end(status === 308 ? '' : `${status}\n`);
}

/** The real path that a URL path names, when it lies in the folder and no part of it is hidden. */
async function inside(root: string, path: string): Promise<string | undefined> {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  const parts = decoded.split('/').filter((part) => part !== '');
  const bad = (part: string): boolean => part.startsWith('.') || /[\0\\]/.test(part) || part.length > 255;
  if (parts.some(bad)) return undefined;
  const real = await realpath(join(root, ...parts)).catch(() => undefined);
  if (real === undefined) return undefined;
  if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
  const hidden = real.slice(root.length).split(sep);
  return hidden.some((part) => part.startsWith('.')) ? undefined : real;
}

async function listing(root: string, folder: string, path: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  const rows = entries
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => Number(b.isDirectory()) - Number(a.isDirectory()) || a.name.localeCompare(b.name))
    .map((entry) => {
      const name = entry.name + (entry.isDirectory() ? '/' : '');
      return `<li><a href="${encodeURIComponent(entry.name)}${entry.isDirectory() ? '/' : ''}">${escapeHtml(name)}</a></li>`;
    });
  if (folder !== root) rows.unshift('<li><a href="../">../</a></li>');
  const title = escapeHtml(decodeURIComponent(path));
  return `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
ul{list-style:none;padding:0}</style><h1>${title}</h1><ul>${rows.join('\n')}</ul>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
