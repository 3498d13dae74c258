/** What the native core is told of a file for key material. A new one is its owner's alone: its readers read the traffic. */
export async function keyLogOf(path: string | null): Promise<{ keyLogFile?: string }> {
  if (path === null) return {};
  const { open } = await import('node:fs/promises');
  await (await open(path, 'a', 0o600)).close();
  return { keyLogFile: path };
}
