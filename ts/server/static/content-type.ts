let known: typeof import('mime-types') | undefined;

/**
 * The Content-Type of a file by its name, as mime-types says; what it does not know is sent as bytes, and `nosniff`
 * keeps browsers from guessing. The table is loaded with the first file.
 */
export async function contentTypeOf(name: string): Promise<string> {
  known ??= (await import('mime-types')).default;
  const type = known.lookup(name);
  return (type !== false && known.contentType(type)) || 'application/octet-stream';
}
