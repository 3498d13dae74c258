/** A folder as a web site: its files, `index.html` for a folder that has one, a listing for one that has none. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';

import type { ServerRequest, ServerResponse } from '../../index.js';
import { containedPath, namesOf, pathOf } from './contained-path.js';
import { listing } from './listing.js';
import { mediaType } from './media-types.js';

const READ_SIZE = 256 * 1024;
/** A named pipe in the folder must not hold the open for ever; a link put there since must not be followed. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** The handler that serves what is in a folder and nothing else; `root` is its real path. */
export function folderHandler(root: string): (req: ServerRequest, res: ServerResponse) => Promise<void> {
  return async (req, res) => {
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('Allow', 'GET, HEAD');
      return refuse(res, 405, 'Only GET and HEAD are answered here.');
    }
    const names = namesOf(req.path);
    const path = names === null ? null : await containedPath(root, names);
    if (names === null || path === null) return refuse(res, 404, 'There is nothing here.');
    await answer(req, res, root, names, path);
  };
}

async function answer(
  req: ServerRequest,
  res: ServerResponse,
  root: string,
  names: readonly string[],
  path: string,
): Promise<void> {
  const file = await openFile(path);
  if (file === null) return refuse(res, 404, 'There is nothing here.');
  try {
    const facts = await file.stat();
    const asFolder = req.path.endsWith('/');
    if (facts.isFile()) {
      if (asFolder) return refuse(res, 404, 'There is nothing here.');
      return await sendFile(req, res, file, names.at(-1) ?? '', facts.size);
    }
    if (!facts.isDirectory()) return refuse(res, 404, 'There is nothing here.');
    if (!asFolder) {
      // Made of the decoded names: a path of two slashes would be another host.
      res.setHeader('Location', `${pathOf(names)}/${req.query === '' ? '' : `?${req.query}`}`);
      return refuse(res, 308, 'This is a folder: its address ends with a slash.');
    }
    await sendFolder(req, res, root, names, path);
  } finally {
    await file.close();
  }
}

async function sendFolder(
  req: ServerRequest,
  res: ServerResponse,
  root: string,
  names: readonly string[],
  path: string,
): Promise<void> {
  const index = await containedPath(root, [...names, 'index.html']);
  const file = index === null ? null : await openFile(index);
  if (file !== null) {
    try {
      const facts = await file.stat();
      if (facts.isFile()) return await sendFile(req, res, file, 'index.html', facts.size);
    } finally {
      await file.close();
    }
  }
  const page = await listing(root, path, names);
  res.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'");
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.end(page);
}

/** Streams as many bytes as the file has now: what it grows by meanwhile is not part of the answer. */
async function sendFile(
  req: ServerRequest,
  res: ServerResponse,
  file: FileHandle,
  name: string,
  size: number,
): Promise<void> {
  res.setHeader('Content-Type', mediaType(name));
  res.setHeader('Content-Length', size);
  if (req.method === 'HEAD' || size === 0) {
    res.end();
    return;
  }
  let sent = 0;
  while (sent < size && !res.closed) {
    // A buffer of its own for every chunk: the one before may still wait to be sent.
    const length = Math.min(READ_SIZE, size - sent);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(length), 0, length, sent);
    if (bytesRead === 0) {
      // It shrank: the client must not take what it has for the whole.
      res.destroy();
      return;
    }
    sent += bytesRead;
    if (!res.write(buffer.subarray(0, bytesRead))) await res.drained();
  }
  res.end();
}

async function openFile(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, OPEN_FLAGS);
  } catch {
    return null;
  }
}

function refuse(res: ServerResponse, status: number, text: string): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.end(`${text}\n`);
}
