import { closeSync, open, read } from 'node:fs';

/** What a file's bytes can be taken from: a FileHandle, or one of ours. */
export interface FileSource {
  readonly fd: number;
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
}

/**
 * A file that is open for reading, at less than half the cost of a FileHandle: opening is one turn of the thread pool
 * (directories may have to come from a disk), closing none. The last close of what was only read has nothing to wait for.
 */
export class OpenFile implements FileSource {
  readonly fd: number;
  private _reads = 0;
  private _isClosed = false;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Opens a path; `flags` as `open(2)` takes them. Whoever gets it closes it. */
  static open(path: string, flags: number): Promise<OpenFile> {
    return new Promise((resolve, reject) => {
      open(path, flags, (error, fd) => {
        if (error === null) resolve(new OpenFile(fd));
        else reject(error);
      });
    });
  }

  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    return new Promise((resolve, reject) => {
      // Its number may be another file's by now.
      if (this._isClosed) throw new Error('the file is closed');
      this._reads++;
      read(this.fd, buffer, offset, length, position, (error, bytesRead) => {
        if (--this._reads === 0 && this._isClosed) closeSync(this.fd);
        if (error === null) resolve({ bytesRead });
        else reject(error);
      });
    });
  }

  /** Closes it, once; a read that is under way is waited for. */
  close(): void {
    if (this._isClosed) return;
    this._isClosed = true;
    if (this._reads === 0) closeSync(this.fd);
  }
}
