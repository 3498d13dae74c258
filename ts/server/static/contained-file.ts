import type { BigIntStats } from 'node:fs';
import { constants, fstatSync, promises, readlinkSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

import { OpenFile } from '../../message/open-file.js';
import { isServable } from './request-path.js';

/** A folder whose files are served, and which of its names that begin with a dot may be. */
export interface Root {
  /** Its real path. */
  readonly path: string;
  readonly dotfiles: readonly string[];
}

/** An open file or folder that is below the root, and what it was when it was opened. */
export interface Contained {
  readonly source: OpenFile;
  readonly stats: BigIntStats;
  /** Its real path. */
  readonly path: string;
}

/** No link at the end is followed, no pipe or terminal waited for or taken. */
const FLAGS =
  constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);
/** Replacing files while they are asked for makes a try fail; failing so often in a row takes intent. */
const TRIES = 3;
/** What says that there is nothing for us; anything else (EIO, EMFILE, …) is an error to tell. */
const NOTHING = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES', 'EPERM', 'ENXIO', 'ENODEV', 'EINVAL']);

/**
 * Opens what these names are below the root; null where there is nothing, or nothing that may be served: what is
 * reached by a link that leads out of the root or to a name that may not be asked for, and what is neither a file nor a
 * folder. The descriptor is checked after it was opened, so that no exchange of links in between matters.
 */
export async function openContained(root: Root, names: readonly string[]): Promise<Contained | null> {
  const direct = join(root.path, ...names);
  try {
    let path = direct;
    for (let tries = 0; tries < TRIES; tries++) {
      const opened = await openChecked(root, path);
      if (opened !== 'moved') return opened;
      // Links are on the way, or were just exchanged: once more by the path without them.
      path = await promises.realpath(direct);
      if (!isContained(root, path)) return null;
    }
    return null;
  } catch (error) {
    if (NOTHING.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Whether a real path is the root or below it, by names that may be asked for. */
export function isContained(root: Root, path: string): boolean {
  if (path === root.path) return true;
  // On another drive, `relative` answers with an absolute path: its first name has a colon or is empty.
  return relative(root.path, path)
    .split(sep)
    .every((name) => isServable(name, root.dotfiles));
}

async function openChecked(root: Root, path: string): Promise<Contained | null | 'moved'> {
  let source: OpenFile;
  try {
    source = await OpenFile.open(path, FLAGS);
  } catch (error) {
    // ELOOP is what O_NOFOLLOW says of a link (FreeBSD: EMLINK).
    if (['ELOOP', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')) return 'moved';
    throw error;
  }
  let keep = false;
  try {
    // Of an open descriptor, the attributes are in memory: a turn of the thread pool would cost ten times as much.
    const stats = fstatSync(source.fd, { bigint: true });
    if (!(await isStillAt(source, stats, path))) return 'moved';
    if (!isContained(root, path) || !(stats.isFile() || stats.isDirectory())) return null;
    keep = true;
    return { source, stats, path };
  } finally {
    if (!keep) source.close();
  }
}

let hasProc = process.platform === 'linux';

/**
 * Whether a path without a link in it leads to what the descriptor has open. Linux says by which path a descriptor was
 * opened; elsewhere the path is followed again.
 */
async function isStillAt(source: OpenFile, stats: BigIntStats, path: string): Promise<boolean> {
  if (hasProc) {
    try {
      return readlinkSync(`/proc/self/fd/${source.fd}`) === path;
    } catch {
      // Not mounted here.
      hasProc = false;
    }
  }
  if ((await promises.realpath(path)) !== path) return false;
  const there = await promises.stat(path, { bigint: true });
  return there.ino === stats.ino && there.dev === stats.dev;
}
