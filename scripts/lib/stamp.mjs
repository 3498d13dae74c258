// Stamps say what an output was made from, so that an unchanged input costs a few milliseconds.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { inRoot, root } from './root.mjs';

/** Every file under the given path (a file or a folder), sorted; a path that does not exist has none. */
export function filesUnder(path, skip = () => false) {
  let stat;
  try {
    stat = statSync(path);
  } catch {
    return [];
  }
  if (skip(relative(root, path).split(sep).join('/'))) return [];
  if (stat.isFile()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name), skip));
}

/** A hash over names and contents of files, and over any further words. */
export function hashOf(files, ...words) {
  const hash = createHash('sha256');
  for (const file of files) {
    const data = readFileSync(file);
    hash.update(`${relative(root, file).split(sep).join('/')}\0${data.length}\0`).update(data);
  }
  for (const word of words) hash.update(`\0${word}`);
  return hash.digest('hex');
}

const pathOf = (name) => inRoot('.cache', `${name}.stamp`);

/** What was stamped under this name, or null. */
export function readStamp(name) {
  try {
    return JSON.parse(readFileSync(pathOf(name), 'utf8'));
  } catch {
    return null;
  }
}

/** Records what an output was made from; call it only after the output is complete. */
export function writeStamp(name, value) {
  mkdirSync(inRoot('.cache'), { recursive: true });
  writeFileSync(pathOf(name), JSON.stringify(value));
}

/** Forgets a stamp: call it before an output is touched, so that a broken build is never taken for a whole one. */
export function clearStamp(name) {
  rmSync(pathOf(name), { force: true });
}
