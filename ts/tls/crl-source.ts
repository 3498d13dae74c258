import { join } from 'node:path';

import { quote } from '../errors/escape.js';
import { misuse, outOfRange } from '../errors/millrace-error.js';
import type { Material } from '../options/table.js';
import { checkNames } from '../options/validate.js';
import { fileFailed } from './file-failed.js';
import { filesOf, loadPiece } from './material.js';

/** What an automatic refresh of CRLs is to be. */
export interface AutoRefresh {
  /** In ms, from 60 000 to 31 536 000 000 (a year). */
  interval: number;
  /** Hears of each file or folder that was read again: an error, or null. The last good CRLs stay when one fails. */
  onRefresh?(path: string, error: Error | null): void;
}

const REFRESH_OPTIONS = new Set(['interval', 'onRefresh']);
const SHORTEST = 60_000;
const LONGEST = 31_536_000_000;
/** What timers take; a longer interval is several of them. */
const LONGEST_TIMER = 2_147_483_647;

/** CRLs that were read, and where each came from: a file's path, null where bytes were given. */
export interface LoadedCrls {
  readonly bytes: Uint8Array[];
  readonly paths: readonly (string | null)[];
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly path: string | null;
}

/** All CRLs: bytes as they are, files, and the files of folders. */
export async function loadCrls(given: Material | readonly Material[] | null, where: string): Promise<LoadedCrls> {
  if (given === null) return { bytes: [], paths: [] };
  const pieces = (Array.isArray(given) ? given : [given]) as readonly Material[];
  const files = new Set<Material>(filesOf(pieces));
  const all = await Promise.all(
    pieces.map(async (piece): Promise<Piece[]> =>
      files.has(piece)
        ? loadFrom(piece as string | URL, where)
        : [{ bytes: await loadPiece(piece, where), path: null }],
    ),
  );
  const read = all.flat();
  return { bytes: read.map(({ bytes }) => bytes), paths: read.map(({ path }) => path) };
}

async function loadFrom(given: string | URL, where: string): Promise<Piece[]> {
  const { readdir, stat } = await import('node:fs/promises');
  const folder = given instanceof URL ? (await import('node:url')).fileURLToPath(given) : given;
  const piece = async (path: string): Promise<Piece> => ({ bytes: await loadPiece(path, where), path });
  const failed = (error: unknown): Promise<never> => Promise.reject(fileFailed(where, folder, error));
  if (!(await stat(folder).catch(failed)).isDirectory()) return [await piece(folder)];
  const names = (await readdir(folder).catch(failed)).filter((name) => /\.(crl|pem|der|r\d+)$/i.test(name)).sort();
  if (names.length === 0) {
    const message = `${where} names a folder that has no CRL, ${quote(folder)}: *.crl, *.pem, *.der, *.r0`;
    throw misuse('MILLRACE_TLS_INVALID_CONFIGURATION', message);
  }
  return Promise.all(names.map((name) => piece(join(folder, name))));
}

/** Checks the option. */
export function checkRefresh(
  owner: string,
  given: object | null,
  crl: Material | readonly Material[] | null,
): AutoRefresh | null {
  if (given === null) return null;
  checkNames(`${owner}: option 'autoRefresh'`, given, REFRESH_OPTIONS);
  const { interval, onRefresh } = given as Partial<AutoRefresh>;
  if (typeof interval !== 'number' || !(interval >= SHORTEST && interval <= LONGEST)) {
    throw outOfRange(
      `${owner}: option 'autoRefresh.interval' must be a number from ${SHORTEST} to ${LONGEST}, got ${String(interval)}`,
    );
  }
  if (onRefresh !== undefined && typeof onRefresh !== 'function') {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `${owner}: option 'autoRefresh.onRefresh' must be a function`);
  }
  if (crl === null) throw misuse('MILLRACE_INVALID_ARGUMENT', `${owner}: option 'autoRefresh' needs 'crl'`);
  if (filesOf(crl).length === 0) {
    const message = `${owner}: option 'autoRefresh' needs files or folders in 'crl': bytes never change`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  return onRefresh === undefined ? { interval } : { interval, onRefresh };
}

/** Calls again and again, also over times that no timer takes, and holds no process; `stop` ends it. */
export function every(interval: number, call: () => void): { stop(): void } {
  let left = interval;
  let timer: NodeJS.Timeout;
  const next = (): void => {
    const wait = Math.min(left, LONGEST_TIMER);
    left -= wait;
    timer = setTimeout(() => {
      if (left > 0) return next();
      left = interval;
      call();
      next();
    }, wait);
    timer.unref();
  };
  next();
  return { stop: () => clearTimeout(timer) };
}
