import { fileChunks } from '../../message/file-body.js';
import type { FileSource } from '../../message/open-file.js';
import type { ByteRange } from './ranges.js';

/** Several parts of a file as one body, `multipart/byteranges` (RFC 9110 §14.6). */
export class MultipartRanges {
  readonly type: string;
  readonly length: number;
  private readonly _heads: string[];
  private readonly _tail: string;
  private readonly _ranges: readonly ByteRange[];

  constructor(ranges: readonly ByteRange[], size: number, type: string) {
    // Random, so that no file can hold it on purpose.
    const boundary = process.getBuiltinModule('node:crypto').randomBytes(18).toString('base64url');
    this.type = `multipart/byteranges; boundary=${boundary}`;
    this._ranges = ranges;
    this._heads = ranges.map(
      ({ start, end }, at) =>
        `${at === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${type}\r\n` +
        `Content-Range: bytes ${start}-${end - 1}/${size}\r\n\r\n`,
    );
    this._tail = `\r\n--${boundary}--\r\n`;
    const framing = this._heads.reduce((sum, head) => sum + Buffer.byteLength(head, 'latin1'), this._tail.length);
    this.length = ranges.reduce((sum, { start, end }) => sum + end - start, framing);
  }

  async *chunks(source: FileSource): AsyncGenerator<Uint8Array> {
    for (const [at, range] of this._ranges.entries()) {
      yield Buffer.from(this._heads[at], 'latin1');
      yield* fileChunks({ source, ...range });
    }
    yield Buffer.from(this._tail, 'latin1');
  }
}
