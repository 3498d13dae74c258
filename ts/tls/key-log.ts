import { fileFailed } from './file-failed.js';

/** What the native core is told of a file for key material. A new one is its owner's alone: its readers read the traffic. */
export async function keyLogOf(owner: string, path: string | null): Promise<{ keyLogFile?: string }> {
  if (path === null) return {};
  const { open } = await import('node:fs/promises');
  const file = await open(path, 'a', 0o600).catch((error: unknown) =>
    Promise.reject(fileFailed(`${owner}: option 'keyLogFile'`, path, error, 'written')),
  );
  await file.close();
  return { keyLogFile: path };
}
