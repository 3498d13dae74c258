import { Blob } from 'node:buffer';
import type { Readable } from 'node:stream';

import { MillraceError } from '../errors/millrace-error.js';
import type { HeaderView } from '../message/header-view.js';
import type { IncomingBody } from '../message/incoming-body.js';
import { decodeText } from '../message/incoming-body.js';
import { nodeStream } from '../message/node-stream.js';
import { webStream } from '../message/web-stream.js';
import type { ContentCoding } from './content-coding.js';
import { decompress, decompressWhole } from './decompress.js';

/** How much of a response is wanted, and in which form. */
export interface BodyRules {
  /** Of decoded bytes, for the collecting helpers; null: no limit. */
  readonly maxSize: number | null;
  /** The same for streams, where it was asked for. */
  readonly maxStreamed: number | null;
  readonly maxExpansion: number | null;
  /** What may be buffered; null: no limit of its own. */
  readonly maxMemory: number | null;
}

const EMPTY = new Uint8Array(0);

/**
 * The body of a response: read once, in one of many shapes. It came whole with its head (`whole`: text where all of it is
 * ASCII), or it arrives.
 */
export class ResponseBody implements AsyncIterable<Uint8Array> {
  private _whole: string | Uint8Array | undefined;
  private readonly _incoming: IncomingBody | undefined;
  private readonly _codings: readonly ContentCoding[];
  private readonly _rules: BodyRules;
  private _used = false;

  constructor(
    whole: string | Uint8Array | undefined,
    incoming: IncomingBody | undefined,
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
    const { maxSize } = this._rules;
    if (this._whole === undefined && this._incoming !== undefined) {
      const found = this._incoming.bytes();
      this._used = true;
      return this._codings.length === 0 ? found : found.then((bytes) => this.undo(bytes));
    }
    this._used = true;
    const bytes = this.wholeBytes();
    if (this._codings.length > 0) return this.undo(bytes);
    if (maxSize !== null && bytes.byteLength > maxSize) return Promise.reject(tooLarge(maxSize, bytes.byteLength));
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
    return nodeStream().Readable.from(this, { objectMode: false, highWaterMark: 64 * 1024 });
  }

  stream(): ReadableStream<Uint8Array> {
    return webStream(this);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this._used) throw usedTwice();
    this._used = true;
    const { maxStreamed, maxExpansion } = this._rules;
    let source: AsyncIterable<Uint8Array> = this._incoming ?? once(this.wholeBytes());
    if (this._codings.length > 0) source = decompress(source, this._codings, { maxExpansion });
    else if (maxStreamed === null) return source[Symbol.asyncIterator]();
    return bounded(source, maxStreamed)[Symbol.asyncIterator]();
  }

  /** The text of a body that is there whole and plain; undefined where it has to be had otherwise. */
  private takeText(): string | undefined {
    const whole = this._whole;
    if (typeof whole !== 'string' || this._used || this._codings.length > 0) return undefined;
    const { maxSize } = this._rules;
    if (maxSize !== null && whole.length > maxSize) return undefined;
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
    const { maxSize, maxExpansion, maxMemory } = this._rules;
    const limit = Math.min(maxSize ?? Infinity, maxMemory === null ? Infinity : maxMemory - bytes.byteLength);
    try {
      return await decompressWhole(bytes, this._codings, {
        maxExpansion,
        maxSize: limit === Infinity ? null : Math.max(0, limit),
      });
    } catch (error) {
      const isLarge = error instanceof MillraceError && error.code === 'MILLRACE_COLLECTED_TOO_LARGE';
      if (!isLarge) throw error;
      throw limit < (maxSize ?? Infinity)
        ? overMemory(maxMemory as number, error)
        : tooLarge(limit, error.limit?.seen ?? limit + 1);
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

export function tooLarge(value: number, seen: number): MillraceError {
  const message = `the response's body is larger than maxResponseSize (limit ${value}, got ${seen}; the option "maxResponseSize" changes it)`;
  return new MillraceError('MILLRACE_RESPONSE_TOO_LARGE', message, {
    limit: { option: 'maxResponseSize', value, seen },
  });
}

export function overMemory(value: number, { limit }: MillraceError): MillraceError {
  const seen = limit?.seen ?? value + 1;
  const message = `more would have to be buffered for one request than maxMemoryPerRequest (limit ${value}, got ${seen}; the option "maxMemoryPerRequest" changes it)`;
  return new MillraceError('MILLRACE_REQUEST_MEMORY', message, {
    limit: { option: 'maxMemoryPerRequest', value, seen },
  });
}

function usedTwice(): MillraceError {
  return new MillraceError('MILLRACE_HTTP_BODY_USED', 'the body has been read, or is being read: it can be read once');
}
