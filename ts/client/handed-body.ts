import type { MillraceError } from '../errors/millrace-error.js';
import type { HeaderView } from '../message/header-view.js';
import type { ArrivingBody, BodyRules } from './response-body.js';
import { collectError, collectLimit } from './response-body.js';

/** How much of an unwanted body is taken rather than its exchange ended. */
const DUMP_LIMIT = 64 * 1024;

/** Where the chunks come from. */
export interface BodySource {
  /** More is wanted: called again whenever all that came was taken. */
  resume(): void;
  /** No more is wanted. */
  cancel(error: unknown): void;
}

/** A body whose chunks are handed over by a program rather than by a connection. */
export class HandedBody implements ArrivingBody {
  trailers: HeaderView | null = null;
  private readonly _rules: BodyRules;
  private readonly _source: BodySource;
  private _chunks: Uint8Array[] = [];
  /** How much more is dropped; undefined while it is kept. */
  private _dropping: number | undefined;
  private _ended = false;
  private _failure: { readonly error: unknown } | undefined;
  private _wake: (() => void) | undefined;
  private _watching: (() => void)[] = [];

  constructor(rules: BodyRules, source: BodySource) {
    this._rules = rules;
    this._source = source;
  }

  /** A piece of it; false: no more until `resume`. */
  push(chunk: Uint8Array): boolean {
    if (this._dropping === undefined) {
      this._chunks.push(chunk);
      this.wake();
      return false;
    }
    this._dropping -= chunk.byteLength;
    if (this._dropping < 0) this._source.cancel(undefined);
    return true;
  }

  end(trailers: HeaderView | null): void {
    this.trailers = trailers;
    this._ended = true;
    this.wake();
    for (const watch of this._watching.splice(0)) watch();
  }

  fail(error: unknown): void {
    if (this._ended || this._failure !== undefined) return;
    this._failure = { error };
    this.wake();
    for (const watch of this._watching.splice(0)) watch();
  }

  async bytes(): Promise<Uint8Array> {
    const limit = collectLimit(this._rules);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this) {
      size += chunk.byteLength;
      if (limit >= 0 && size > limit) {
        const error: MillraceError = collectError(this._rules, size);
        this._source.cancel(error);
        throw error;
      }
      chunks.push(chunk);
    }
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }

  dump(limit = DUMP_LIMIT): Promise<void> {
    this.drop(limit);
    return Promise.resolve();
  }

  whenOver(): Promise<void> {
    if (this._ended || this._failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => this._watching.push(resolve));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = this._chunks.shift();
        if (chunk !== undefined) {
          yield chunk;
          continue;
        }
        if (this._failure !== undefined) throw this._failure.error;
        if (this._ended) return;
        const more = new Promise<void>((resolve) => (this._wake = resolve));
        this._source.resume();
        await more;
      }
    } finally {
      this.drop(DUMP_LIMIT);
    }
  }

  private drop(limit: number): void {
    if (this._dropping !== undefined) return;
    this._dropping = limit;
    const kept = this._chunks;
    this._chunks = [];
    if (this._ended || this._failure !== undefined) return;
    for (const chunk of kept) this._dropping -= chunk.byteLength;
    if (this._dropping < 0) this._source.cancel(undefined);
    else this._source.resume();
  }

  private wake(): void {
    const wake = this._wake;
    this._wake = undefined;
    wake?.();
  }
}
