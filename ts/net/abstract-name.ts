/** Options whose `path` begins with a zero byte, as Node writes abstract names, with `@` in its place. */
export function withAbstractName<T extends { path?: string | undefined }>(options: T): T {
  const path: unknown = (options as Partial<T> | null | undefined)?.path;
  if (typeof path !== 'string' || !path.startsWith('\0')) return options;
  return { ...options, path: `@${path.slice(1)}` };
}
