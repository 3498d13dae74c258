import { constants, fstatSync } from 'node:fs';

import { MillraceError } from '../errors/millrace-error.js';
import type { FileSource } from './open-file.js';
import { OpenFile } from './open-file.js';

/**
 * A file, or a part of it: from `start` up to and without `end`. A FileHandle stays its owner's, who closes it; an
 * OpenFile is of our own making, and goes over to the body.
 */
export interface FileInput {
  file: string | FileSource;
  start?: number;
  end?: number;
}

/** A part of an open file that is there: 0 ≤ start ≤ end ≤ its size when that was asked. */
export interface FilePart {
  readonly source: FileSource;
  readonly start: number;
  readonly end: number;
  /** Closes what was opened for this body, once however often it is called. */
  close(): void;
}

const CHUNK = 256 * 1024;
/** A named pipe must not hold the open for ever. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Opens the file where it is a path, and cuts the part to what it has. */
export async function filePart({ file, start = 0, end }: FileInput): Promise<FilePart> {
  const source = typeof file === 'string' ? await OpenFile.open(file, OPEN_FLAGS) : file;
  const close = (): void => {
    if (source instanceof OpenFile) source.close();
  };
  try {
    // Of an open descriptor, the attributes are in memory: a turn of the thread pool would cost ten times as much.
    const { size } = fstatSync(source.fd);
    const stop = Math.min(end ?? size, size);
    return { source, start: Math.min(start, stop), end: stop, close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * The one place where a file becomes chunks; where it need not, the kernel sends it (`ServerResponse.sendFile`). Every
 * chunk has memory of its own: the one before may still wait to be sent. A file that has become shorter is an error: the
 * peer must not take what there is for the whole.
 */
export async function* fileChunks({ source, start, end }: Omit<FilePart, 'close'>): AsyncGenerator<Uint8Array> {
  let at = start;
  while (at < end) {
    const length = Math.min(CHUNK, end - at);
    const buffer = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await source.read(buffer, 0, length, at);
    if (bytesRead === 0) {
      throw new MillraceError(
        'MILLRACE_FILE_TRUNCATED',
        `the file has become shorter while it was sent: it ends at ${at}, what is sent of it at ${end}`,
      );
    }
    at += bytesRead;
    yield bytesRead === length ? buffer : buffer.subarray(0, bytesRead);
  }
}
