import { MillraceError } from '../errors/millrace-error.js';
import type { ContentCoding } from './content-coding.js';
import { contentError, decodeNow, trailing } from './content-coding.js';
import { Decoder, isPadding } from './decoder.js';
import { countRefusal } from './refusals.js';

/** How much may come out. */
export interface DecompressionLimits {
  /** How many bytes come out of one that goes in, once 10 MiB have come out; `null`: as many as there are. */
  readonly maxExpansion?: number | null;
  /** Bytes that come out at most (`maxResponseSize`); `null`: as many as there are. */
  readonly maxSize?: number | null;
  /** Bytes that a decoder hands out at once; unless given, 64 KiB. */
  readonly outputSize?: number;
}

/** Deflate cannot do more than 1 032 : 1, text seldom more than 20 : 1. */
export const MAX_EXPANSION = 1_000;
/** Up to here any expansion is harmless. */
const EXPANSION_FREE = 10 * 1024 * 1024;
/** A body as small as that, which becomes one no larger than that, is undone at once: the thread pool costs more. */
const NOW_INPUT = 16 * 1024;
const NOW_OUTPUT = 256 * 1024;

/**
 * Undoes the codings of a body that comes in chunks; the interface is that of a `Decoder`. `codings` are in the order in
 * which they were applied.
 *
 * What goes in and what comes out of each coding is counted: none may have expanded the body by more than
 * `maxExpansion` (`MILLRACE_HTTP_EXPANSION_TOO_LARGE`), and the whole not have more than `maxSize` bytes
 * (`MILLRACE_COLLECTED_TOO_LARGE`). After an error there is nothing more.
 */
export class Decompressor {
  private readonly _decoders: readonly Decoder[];
  private readonly _outputs: number[];
  private readonly _maxExpansion: number;
  private readonly _maxSize: number;
  private _input = 0;

  constructor(codings: readonly ContentCoding[], limits: DecompressionLimits = {}) {
    // The last that was applied is the first to be undone.
    this._decoders = codings.map((coding) => new Decoder(coding, limits.outputSize)).reverse();
    this._outputs = codings.map(() => 0);
    this._maxExpansion = limits.maxExpansion === undefined ? MAX_EXPANSION : (limits.maxExpansion ?? Infinity);
    this._maxSize = limits.maxSize ?? Infinity;
  }

  /** Bytes that have gone in and come out so far. */
  get counts(): { readonly input: number; readonly output: number } {
    return { input: this._input, output: this._outputs.at(-1) ?? this._input };
  }

  async *write(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    this._input += chunk.byteLength;
    yield* this.undo(0, chunk);
  }

  async *end(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let place = 0; place < this._decoders.length; place++) {
      for await (const output of this._decoders[place].end()) {
        this.count(place, output.byteLength);
        yield* this.undo(place + 1, output);
      }
    }
  }

  destroy(): void {
    for (const decoder of this._decoders) decoder.destroy();
  }

  /** What comes out of the decoders from this one on. */
  private async *undo(place: number, chunk: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    if (place === this._decoders.length) {
      yield chunk;
      return;
    }
    for await (const output of this._decoders[place].write(chunk)) {
      this.count(place, output.byteLength);
      yield* this.undo(place + 1, output);
    }
  }

  private count(place: number, bytes: number): void {
    const output = (this._outputs[place] += bytes);
    if (output > EXPANSION_FREE && output > this._maxExpansion * this._input) {
      throw expanded(this._maxExpansion, output / this._input);
    }
    if (place === this._decoders.length - 1 && output > this._maxSize) throw tooLarge(this._maxSize, output);
  }
}

/** The chunks of a body with its codings undone; leaving early leaves the source too. */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  codings: readonly ContentCoding[],
  limits?: DecompressionLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decompressor = new Decompressor(codings, limits);
  try {
    for await (const chunk of source) yield* decompressor.write(chunk);
    yield* decompressor.end();
  } finally {
    decompressor.destroy();
  }
}

/** A body that is there whole, with its codings undone. */
export async function decompressWhole(
  bytes: Uint8Array,
  codings: readonly ContentCoding[],
  limits: DecompressionLimits = {},
): Promise<Uint8Array> {
  if (codings.length === 0 || bytes.byteLength === 0) return bytes;
  const now = decompressNow(bytes, codings, limits);
  if (now !== undefined) return now;
  const chunks: Uint8Array[] = [];
  const decompressor = new Decompressor(codings, limits);
  try {
    for await (const output of decompressor.write(bytes)) chunks.push(output);
    for await (const output of decompressor.end()) chunks.push(output);
  } finally {
    decompressor.destroy();
  }
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

/** A small body that stays small, without a turn of the thread pool; undefined for one that is or becomes larger. */
export function decompressNow(
  bytes: Uint8Array,
  codings: readonly ContentCoding[],
  { maxSize }: DecompressionLimits = {},
): Uint8Array | undefined {
  let body = bytes;
  for (const coding of [...codings].reverse()) {
    if (body.byteLength === 0) return body;
    if (body.byteLength > NOW_INPUT) return undefined;
    let took: number;
    const before = body;
    try {
      [body, took] = decodeNow(coding, before, NOW_OUTPUT);
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
      throw contentError(coding, error);
    }
    if (!isPadding(coding, before.subarray(took))) throw trailing(coding);
  }
  if (body.byteLength > (maxSize ?? Infinity)) throw tooLarge(maxSize as number, body.byteLength);
  return body;
}

function expanded(value: number, ratio: number): MillraceError {
  countRefusal('maxExpansion');
  const seen = Math.ceil(ratio);
  const message = `the body expands by more than maxExpansion (limit ${value}, got ${seen}; the option "maxExpansion" changes it)`;
  return new MillraceError('MILLRACE_HTTP_EXPANSION_TOO_LARGE', message, {
    limit: { option: 'maxExpansion', value, seen },
  });
}

function tooLarge(value: number, seen: number): MillraceError {
  const message = `the body is larger than maxResponseSize (limit ${value}, got ${seen} or more; the option "maxResponseSize" changes it)`;
  return new MillraceError('MILLRACE_COLLECTED_TOO_LARGE', message, {
    limit: { option: 'maxResponseSize', value, seen },
  });
}
