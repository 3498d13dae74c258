import { realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/**
 * The names in a request's path, decoded; null for a path that no file can have: a dot file or `..`, an empty name,
 * a separator or NUL within a name, or escapes that are not UTF-8. A final slash leaves an empty last name out.
 */
export function namesOf(path: string): string[] | null {
  if (!path.startsWith('/')) return null;
  const names: string[] = [];
  const parts = path.slice(1).split('/');
  if (parts.at(-1) === '') parts.pop();
  for (const part of parts) {
    const name = decoded(part);
    if (name === null || !isServable(name)) return null;
    names.push(name);
  }
  return names;
}

/** The way back: a path with every name escaped, beginning with one slash. */
export function pathOf(names: readonly string[]): string {
  return `/${names.map(encodeURIComponent).join('/')}`;
}

/**
 * The real path of these names under a folder, links followed; null where there is nothing, where it leads out of the
 * folder, or to a dot file in it. `root` is a real path itself.
 */
export async function containedPath(root: string, names: readonly string[]): Promise<string | null> {
  let real: string;
  try {
    real = await realpath(join(root, ...names));
  } catch {
    return null;
  }
  if (real === root) return real;
  const inside = relative(root, real);
  // On another drive, `relative` answers with an absolute path: its first name has a colon or is empty.
  return inside.split(sep).every(isServable) ? real : null;
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** Whether a name may be asked for. Colons would name drives and streams on Windows. */
export function isServable(name: string): boolean {
  if (name === '' || name.startsWith('.')) return false;
  return !(process.platform === 'win32' ? /[/\\:\0]/ : /[/\0]/).test(name);
}
