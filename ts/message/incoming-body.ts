import type { Readable } from 'node:stream';
import { Blob } from 'node:buffer';

import { errorFromNative } from '../errors/native-error.js';
import { MillraceError } from '../errors/millrace-error.js';
import { KIND } from '../native/events.js';
import { native } from '../native/loader.js';
import { HeaderView } from './header-view.js';
import { nodeStream } from './node-stream.js';
import { webStream } from './web-stream.js';

/** How many bytes of a streamed body are under way to JavaScript at most. */
export const WINDOW = 256 * 1024;
/** What was taken is granted again in pieces of this part of it: each is a call. */
export const PARTS = 4;
/** How much of an unwanted body is drained rather than the connection closed. */
const DUMP_LIMIT = 64 * 1024;
const EMPTY = new Uint8Array(0);
/** No chunk is kept; never written to. */
const NONE: Uint8Array[] = [];

/** Who gets each chunk as it comes. */
export interface ChunkSink {
  take(chunk: Uint8Array, length: number): void;
}

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

let decoder: InstanceType<typeof TextDecoder> | undefined;

/** UTF-8 text of bytes, a leading byte order mark removed, as the platform's bodies do. */
export function decodeText(bytes: Uint8Array): string {
  return (decoder ??= new TextDecoder()).decode(bytes);
}

/**
 * A body that arrives. Nothing is read from the socket before somebody asks; then either the native core collects it
 * whole, or chunks come as fast as they are taken.
 */
export class IncomingBody implements AsyncIterable<Uint8Array> {
  readonly id: number;
  readonly #limit: number;
  readonly #window: number;
  #used = false;
  #ended: boolean;
  #failure: MillraceError | undefined;
  #trailers: HeaderView | null = null;
  #collecting: Waiting<Uint8Array> | undefined;
  /** What was collected, until its end is told too. */
  #whole: Uint8Array | undefined;
  /** What came and was not taken, once chunks are wanted. */
  #chunks: Uint8Array[] | undefined;
  #wanting: Waiting<Uint8Array | undefined> | undefined;
  #watching: (() => void)[] | undefined;
  #sink: ChunkSink | undefined;
  /** Bytes that were taken and not granted again yet. */
  #taken = 0;

  /** `limit`: for the collecting calls, in bytes; a negative one is none. `window`: what may wait of a stream, if less than usual. */
  constructor(id: number, limit: number, ended: boolean, window = WINDOW) {
    this.id = id;
    this.#limit = limit;
    this.#window = Math.min(WINDOW, window);
    this.#ended = ended;
  }

  get used(): boolean {
    return this.#used;
  }

  /** Why it will not arrive whole. */
  get failure(): MillraceError | undefined {
    return this.#failure;
  }

  /** Whether it has arrived whole. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether chunks came that nobody has taken. */
  get keeps(): boolean {
    return this.#chunks !== undefined && this.#chunks.length > 0;
  }

  get trailers(): HeaderView | null {
    return this.#trailers;
  }

  bytes(): Promise<Uint8Array> {
    if (this.#used) return Promise.reject(usedTwice());
    this.#used = true;
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(EMPTY);
    return new Promise((resolve, reject) => {
      this.#collecting = { resolve, reject };
      const code = native.collect(this.id, this.#limit);
      // The event that says why the exchange is over may be under way in this very wake: it knows better.
      if (code !== undefined) setImmediate(() => this.fail(errorFromNative(code)));
    });
  }

  async text(): Promise<string> {
    return decodeText(await this.bytes());
  }

  async json<T = unknown>(): Promise<T> {
    return JSON.parse(decodeText(await this.bytes())) as T;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.bytes();
    const buffer = bytes.buffer as ArrayBuffer;
    if (bytes.byteLength === buffer.byteLength) return buffer;
    return buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  }

  async blob(type = ''): Promise<Blob> {
    return new Blob([await this.bytes()], { type });
  }

  /** Reads to the end and drops everything; past `limit` bytes (64 KiB) the connection is closed instead. */
  dump(limit = DUMP_LIMIT): Promise<void> {
    if (this.#used) return Promise.reject(usedTwice());
    this.#used = true;
    if (!this.#ended) native.discard(this.id, limit);
    return Promise.resolve();
  }

  readable(): Readable {
    return nodeStream().Readable.from(this, { objectMode: false, highWaterMark: 64 * 1024 });
  }

  stream(): ReadableStream<Uint8Array> {
    return webStream(this);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#used) throw usedTwice();
    this.#used = true;
    this.#chunks = NONE;
    if (!this.#ended && this.#failure === undefined) native.grant(this.id, this.#window);
    return {
      next: async () => {
        const value = await this.#next();
        return value === undefined ? { done: true, value: undefined } : { done: false, value };
      },
      return: () => {
        this.#chunks = NONE;
        if (!this.#ended) native.discard(this.id, DUMP_LIMIT);
        this.#ended = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #next(): Promise<Uint8Array | undefined> | Uint8Array | undefined {
    const chunk = this.#chunks?.shift();
    if (chunk !== undefined) {
      this.#take(chunk.byteLength);
      return chunk;
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#ended) return undefined;
    return new Promise((resolve, reject) => {
      this.#wanting = { resolve, reject };
    });
  }

  /** Resolves when it is over, whole or not. */
  whenOver(): Promise<void> {
    if (this.#ended || this.#failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => (this.#watching ??= []).push(resolve));
  }

  #tellOver(): void {
    const watching = this.#watching;
    this.#watching = undefined;
    if (watching !== undefined) for (const resolve of watching) resolve();
  }

  /** Gives each chunk to the sink as it comes, from now on; `undefined`: keeps them until there is one again. */
  flow(sink: ChunkSink | undefined): void {
    if (this.#chunks === undefined) {
      if (this.#used) throw usedTwice();
      this.#used = true;
      this.#chunks = NONE;
      if (!this.#ended && this.#failure === undefined) native.grant(this.id, this.#window);
    }
    this.#sink = sink;
    // It may have us stop meanwhile.
    for (let chunk; this.#sink !== undefined && (chunk = this.#chunks.shift()) !== undefined;) {
      this.#take(chunk.length);
      this.#sink.take(chunk, chunk.length);
    }
  }

  #keep(chunk: Uint8Array): void {
    if (this.#chunks === NONE) this.#chunks = [chunk];
    else this.#chunks?.push(chunk);
  }

  /** Nobody reads it any more: answers with what came and was not taken. */
  release(): Uint8Array[] {
    const kept = this.#chunks ?? [];
    this.#used = true;
    this.#chunks = undefined;
    this.#sink = undefined;
    this.#wanting?.resolve(undefined);
    this.#wanting = undefined;
    this.#collecting?.reject(usedTwice());
    this.#collecting = undefined;
    this.#ended = true;
    return kept;
  }

  #take(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < this.#window / PARTS || this.#ended) return;
    native.grant(this.id, this.#taken);
    this.#taken = 0;
  }

  /** An event of the native core that concerns the body; says whether it was one. */
  handleBodyEvent(kind: number, flags: number, a: number, b: number, value: unknown): boolean {
    switch (kind) {
      case KIND.body: {
        const chunk = value as Uint8Array;
        const wanting = this.#wanting;
        if (this.#sink !== undefined) {
          // Its length, as the event has it: to ask the chunk is a call. A small integer, which the ring's double is not.
          const length = a | 0;
          this.#take(length);
          this.#sink.take(chunk, length);
        } else if (wanting === undefined) {
          this.#keep(chunk);
        } else {
          this.#wanting = undefined;
          this.#take(chunk.byteLength);
          wanting.resolve(chunk);
        }
        return true;
      }
      case KIND.collected:
        this.#whole = value as Uint8Array;
        return true;
      case KIND.bodyEnd:
        this.#ended = true;
        if (value !== undefined) this.#trailers = new HeaderView(value as string);
        // Not before: the two can come in different scopes, and who has the body asks for `complete` and the trailers.
        if (this.#whole !== undefined) {
          this.#collecting?.resolve(this.#whole);
          this.#collecting = undefined;
          this.#whole = undefined;
        }
        this.#wanting?.resolve(undefined);
        this.#wanting = undefined;
        this.#tellOver();
        return true;
      case KIND.bodyFailed:
        this.fail(errorFromNative(flags, { value: a, seen: b }));
        return true;
      default:
        return false;
    }
  }

  /** The body will not arrive whole. */
  fail(error: MillraceError): void {
    if (this.#ended && this.#collecting === undefined) return;
    this.#failure = error;
    this.#tellOver();
    this.#collecting?.reject(error);
    this.#wanting?.reject(error);
    this.#collecting = undefined;
    this.#wanting = undefined;
  }
}

/** What a second reader is told. */
export function usedTwice(): MillraceError {
  return new MillraceError('MILLRACE_HTTP_BODY_USED', 'the body has been read, or is being read: it can be read once');
}
