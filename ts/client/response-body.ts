import { Blob } from 'node:buffer';
import type { Readable } from 'node:stream';

import { MillraceError } from '../errors/millrace-error.js';
import type { HeaderView } from '../message/header-view.js';
import { decodeText } from '../message/incoming-body.js';
import { nodeStream } from '../message/node-stream.js';
import { webStream } from '../message/web-stream.js';
import type { ContentCoding } from './content-coding.js';
import { decompress, decompressWhole } from './decompress.js';
import { tooLarge } from './refusals.js';
import type { RequestMemory } from './request-memory.js';

/** How much of a response is wanted, and in which form. */
export interface BodyRules {
  /** Of decoded bytes, for the collecting helpers; null: no limit. */
  readonly maxSize: number | null;
  /** The same for streams, where it was asked for. */
  readonly maxStreamed: number | null;
  readonly maxExpansion: number | null;
  /** What may be buffered; null: no limit of its own. */
  readonly memory: RequestMemory | null;
}

/** A body that did not come whole with its head. */
export interface ArrivingBody extends AsyncIterable<Uint8Array> {
  readonly trailers: HeaderView | null;
  bytes(): Promise<Uint8Array>;
  dump(limit?: number): Promise<void>;
  whenOver(): Promise<void>;
}

const EMPTY = new Uint8Array(0);
/** How many bytes a Node stream over a body keeps ready. */
const READ_AHEAD = 64 * 1024;
/** What one decoder hands out at once, and how many such pieces wait at most: see `Decoder`. */
const DECODED = 64 * 1024;
const DECODED_WAITING = 3;

/**
 * The body of a response: read once, in one of many shapes. It came whole with its head (`whole`: text where all of it is
 * ASCII), or it arrives.
 */
export class ResponseBody implements AsyncIterable<Uint8Array> {
  private _whole: string | Uint8Array | undefined;
  private readonly _incoming: ArrivingBody | undefined;
  private readonly _codings: readonly ContentCoding[];
  private readonly _rules: BodyRules;
  private _used = false;

  constructor(
    whole: string | Uint8Array | undefined,
    incoming: ArrivingBody | undefined,
    codings: readonly ContentCoding[],
    rules: BodyRules,
  ) {
    this._whole = whole;
    this._incoming = incoming;
    this._codings = codings;
    this._rules = rules;
  }

  get used(): boolean {
    return this._used;
  }

  /** The trailer section, once the body has been read to its end. */
  get trailers(): HeaderView | null {
    return this._incoming?.trailers ?? null;
  }

  text(): Promise<string> {
    const whole = this.takeText();
    return whole !== undefined ? Promise.resolve(whole) : this.bytes().then(decodeText);
  }

  json<T = unknown>(): Promise<T> {
    return this.text().then((text) => JSON.parse(text) as T);
  }

  bytes(): Promise<Uint8Array> {
    if (this._used) return Promise.reject(usedTwice());
    if (this._whole === undefined && this._incoming !== undefined) {
      const found = this._incoming.bytes();
      this._used = true;
      return this._codings.length === 0 ? found : found.then((bytes) => this.undo(bytes));
    }
    this._used = true;
    const bytes = this.wholeBytes();
    if (this._codings.length > 0) return this.undo(bytes);
    const limit = collectLimit(this._rules);
    if (limit >= 0 && bytes.byteLength > limit) return Promise.reject(collectError(this._rules, bytes.byteLength));
    return Promise.resolve(bytes);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = await this.bytes();
    if (byteLength === buffer.byteLength) return buffer as ArrayBuffer;
    return (buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength);
  }

  async blob(type = ''): Promise<Blob> {
    return new Blob([await this.bytes()], { type });
  }

  /** Reads to the end and drops everything; past `limit` bytes (64 KiB) the connection is closed instead. */
  dump(limit?: number): Promise<void> {
    if (this._used) return Promise.reject(usedTwice());
    this._used = true;
    this._whole = undefined;
    return this._incoming === undefined ? Promise.resolve() : this._incoming.dump(limit);
  }

  readable(): Readable {
    const { memory } = this._rules;
    const highWaterMark = memory === null ? READ_AHEAD : memory.window(READ_AHEAD);
    return nodeStream().Readable.from(this, { objectMode: false, highWaterMark });
  }

  stream(): ReadableStream<Uint8Array> {
    return webStream(this);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this._used) throw usedTwice();
    this._used = true;
    const { maxStreamed, maxExpansion, memory } = this._rules;
    let source: AsyncIterable<Uint8Array> = this._incoming ?? once(this.wholeBytes());
    if (this._codings.length > 0) {
      const pieces = DECODED_WAITING * this._codings.length;
      const outputSize = memory === null ? DECODED : Math.floor(memory.window(DECODED * pieces) / pieces);
      source = decompress(source, this._codings, { maxExpansion, outputSize });
    } else if (maxStreamed === null) return source[Symbol.asyncIterator]();
    return bounded(source, maxStreamed)[Symbol.asyncIterator]();
  }

  /** The text of a body that is there whole and plain; undefined where it has to be had otherwise. */
  private takeText(): string | undefined {
    const whole = this._whole;
    if (typeof whole !== 'string' || this._used || this._codings.length > 0) return undefined;
    const limit = collectLimit(this._rules);
    if (limit >= 0 && whole.length > limit) return undefined;
    this._used = true;
    return whole;
  }

  private wholeBytes(): Uint8Array {
    const whole = this._whole;
    this._whole = undefined;
    if (whole === undefined || whole === '') return EMPTY;
    return typeof whole === 'string' ? Buffer.from(whole, 'latin1') : whole;
  }

  private async undo(bytes: Uint8Array): Promise<Uint8Array> {
    const { maxSize, maxExpansion, memory } = this._rules;
    // What came and what it becomes are there at once.
    const room = memory === null ? Infinity : memory.left - bytes.byteLength;
    if (memory !== null && room < 0) throw memory.exceeded(bytes.byteLength);
    const limit = Math.min(maxSize ?? Infinity, room);
    try {
      return await decompressWhole(bytes, this._codings, { maxExpansion, maxSize: limit === Infinity ? null : limit });
    } catch (error) {
      const isLarge = error instanceof MillraceError && error.code === 'MILLRACE_COLLECTED_TOO_LARGE';
      if (!isLarge) throw error;
      const seen = error.limit?.seen ?? limit + 1;
      throw memory !== null && room < (maxSize ?? Infinity)
        ? memory.exceeded(bytes.byteLength + seen)
        : tooLarge(limit, seen);
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  if (bytes.byteLength > 0) yield bytes;
}

async function* bounded(source: AsyncIterable<Uint8Array>, most: number | null): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of source) {
    seen += chunk.byteLength;
    if (most !== null && seen > most) throw tooLarge(most, seen);
    yield chunk;
  }
}

/** What the collecting helpers collect at most; below zero: no limit. */
export function collectLimit({ maxSize, memory }: BodyRules): number {
  const limit = Math.min(maxSize ?? Infinity, memory === null ? Infinity : memory.left);
  return limit === Infinity ? -1 : limit;
}

/** The error for a body of more than `collectLimit`. */
export function collectError({ maxSize, memory }: BodyRules, seen: number): MillraceError {
  return memory !== null && memory.left < (maxSize ?? Infinity) ? memory.exceeded(seen) : tooLarge(maxSize ?? 0, seen);
}

function usedTwice(): MillraceError {
  return new MillraceError('MILLRACE_HTTP_BODY_USED', 'the body has been read, or is being read: it can be read once');
}
