import type { Transform } from 'node:stream';

import type { ContentCoding } from './content-coding.js';
import { contentError, decoderOf, trailing } from './content-coding.js';

/**
 * Undoes one coding of a body that comes in chunks: `write` each of them, `end` when there are no more, take what both
 * yield. One chunk is under way at a time, and no more than two outputs wait to be taken: whoever does not take them
 * holds back the input.
 *
 * Of gzip, several members follow each other and zeros may pad the last (RFC 1952 §2.2). Other bytes behind the end are
 * an error, and so is input that ends too soon; no input at all is an empty body.
 */
export class Decoder {
  private readonly _coding: ContentCoding;
  private readonly _outputSize: number | undefined;
  private _stream: Transform | undefined;
  private _failure: Error | undefined;
  /** The compressed data are over; only padding may follow. */
  private _isOver = false;
  private _isDone = false;
  private _wake: () => void = () => undefined;

  /** `outputSize`: what is yielded at once, at most. */
  constructor(coding: ContentCoding, outputSize?: number) {
    this._coding = coding;
    this._outputSize = outputSize;
  }

  async *write(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    if (chunk.byteLength === 0) return;
    if (this._isOver) return this.pad(chunk);
    const stream = (this._stream ??= this.open(chunk[0]));
    const before = bytesTaken(stream);
    this._isDone = false;
    stream.write(chunk, () => this.wake(true));
    yield* this.outputs(stream);
    const rest = chunk.subarray(bytesTaken(stream) - before);
    // What zlib does not take lies behind the end; it has ended its stream then, or is about to.
    if (rest.byteLength > 0) this._isOver = true;
    this.pad(rest);
  }

  async *end(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this._stream === undefined || this._isOver) return;
    this._isDone = false;
    this._stream.end();
    yield* this.outputs(this._stream);
    this._isOver = true;
  }

  /** Lets zlib's memory go. */
  destroy(): void {
    this._stream?.destroy();
  }

  private open(first: number): Transform {
    const stream = decoderOf(this._coding, first, this._outputSize);
    stream.on('readable', () => this.wake(false));
    stream.on('end', () => {
      this._isOver = true;
      this.wake(true);
    });
    stream.on('error', (error) => {
      this._failure = contentError(this._coding, error);
      this.wake(true);
    });
    return stream;
  }

  private async *outputs(stream: Transform): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (this._failure !== undefined) throw this._failure;
      const output = stream.read() as Uint8Array | null;
      if (output !== null) yield output;
      else if (this._isDone || this._isOver) return;
      else await new Promise<void>((resolve) => (this._wake = resolve));
    }
  }

  private wake(isDone: boolean): void {
    if (isDone) this._isDone = true;
    this._wake();
  }

  private pad(rest: Uint8Array): void {
    if (!isPadding(this._coding, rest)) throw trailing(this._coding);
  }
}

/** Whether what follows the data may be there. */
export function isPadding(coding: ContentCoding, rest: Uint8Array): boolean {
  return rest.byteLength === 0 || (coding === 'gzip' && rest.every((byte) => byte === 0));
}

/** How many bytes zlib has taken out of its input. */
function bytesTaken(stream: Transform): number {
  return (stream as Transform & { bytesWritten: number }).bytesWritten;
}
