import { constants, fstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { OpenFile } from '../../ts/message/open-file.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-open-file-'));
const path = join(folder, 'file');
writeFileSync(path, 'content');
afterAll(() => rmSync(folder, { recursive: true }));

const openFile = (): Promise<OpenFile> => OpenFile.open(path, constants.O_RDONLY);
const isOpen = ({ fd }: OpenFile): boolean => {
  try {
    fstatSync(fd);
    return true;
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('EBADF');
    return false;
  }
};

test('an open file is read from where one says, and is closed at once', async () => {
  const file = await openFile();
  const buffer = Buffer.alloc(4);
  expect(await file.read(buffer, 1, 3, 3)).toEqual({ bytesRead: 3 });
  expect(buffer.toString()).toBe('\0ten');
  expect(isOpen(file)).toBe(true);
  file.close();
  expect(isOpen(file)).toBe(false);
});

test('closing waits for a read that is under way, and for nothing else', async () => {
  const file = await openFile();
  const buffer = Buffer.alloc(7);
  const reads = [file.read(buffer, 0, 3, 0), file.read(buffer, 3, 4, 3)];
  file.close();
  expect(isOpen(file)).toBe(true);
  await Promise.all(reads);
  expect([buffer.toString(), isOpen(file)]).toEqual(['content', false]);
});

test('what is closed is not read, whoever has its number by now, and is not closed twice', async () => {
  const file = await openFile();
  file.close();
  const others = [await openFile()];
  // The lowest number that is free is taken: some other may have become free meanwhile.
  while (others.at(-1)?.fd !== file.fd && others.length < 50) others.push(await openFile());
  expect(others.at(-1)?.fd).toBe(file.fd);
  await expect(file.read(Buffer.alloc(1), 0, 1, 0)).rejects.toThrow('the file is closed');
  file.close();
  expect(others.map(isOpen)).not.toContain(false);
  for (const other of others) other.close();
});

test('what cannot be opened rejects with the error of the system', async () => {
  await expect(OpenFile.open(join(folder, 'nothing'), constants.O_RDONLY)).rejects.toMatchObject({ code: 'ENOENT' });
});
