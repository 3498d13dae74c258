/**
 * The names in a request's path, decoded once; null for a path that no file can have: a name that may not be asked for,
 * an empty one, or escapes that are not UTF-8. A final slash leaves an empty last name out.
 */
export function namesOf(path: string, dotfiles: readonly string[]): string[] | null {
  if (!path.startsWith('/')) return null;
  const parts = path.slice(1).split('/');
  if (parts.at(-1) === '') parts.pop();
  const names: string[] = [];
  for (const part of parts) {
    const name = decoded(part);
    if (name === null || !isServable(name, dotfiles)) return null;
    names.push(name);
  }
  return names;
}

/** The way back: every name escaped, beginning with one slash, so that it can name no other host. */
export function pathOf(names: readonly string[]): string {
  return `/${names.map(encodeURIComponent).join('/')}`;
}

/**
 * Whether a file or folder of this name may be asked for: not `..`, nor one that begins with a dot unless it is listed;
 * and no separator, which only an escape can have put there. A backslash is one somewhere, and is refused everywhere;
 * colons name drives and streams on Windows.
 */
export function isServable(name: string, dotfiles: readonly string[]): boolean {
  if (name === '' || name === '.' || name === '..') return false;
  if (name.startsWith('.') && !dotfiles.includes(name)) return false;
  return !(process.platform === 'win32' ? /[/\\\0:]/ : /[/\\\0]/).test(name);
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
