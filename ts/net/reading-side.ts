import type { MillraceError } from '../errors/millrace-error.js';
import { misuse } from '../errors/millrace-error.js';
import { PARTS, WINDOW } from '../message/incoming-body.js';
import { native } from '../native/loader.js';
import { ChunkQueue } from './chunk-queue.js';
import { FewListeners } from './few-listeners.js';

// How the bytes that come are read, in `#state`.
/** Somebody has asked for them, or has them dropped. */
const ASKED = 1;
/** They come, in chunks. */
const STREAMS = 2;
/** Each is told by a `data` event. */
const FLOWS = 4;
/** `data` events wait. */
const PAUSED = 8;
/** Chunks are dropped, those that were kept too. */
const DROPS = 16;
/** The peer has ended its side, or nobody reads any more. */
const ENDED = 32;
/** The peer's end was not told: it waits behind chunks that are kept. */
const END_BEHIND = 64;
/** The peer's end was not told: nobody listened yet. */
const END_UNHEARD = 128;
/** What comes is somebody else's, a relay's. */
const GIVEN = 256;

/** How much an iteration that is left early drains. */
const LEFT = 64 * 1024;

/**
 * What of a socket is read: by `data` events, or by iterating. Nothing is read from the connection before somebody asks;
 * then as much is under way as a window allows, and what was taken is granted again.
 *
 * A class under `Socket` and not an object beside it, for a socket is to be small.
 */
export abstract class ReadingSide extends FewListeners implements AsyncIterable<Uint8Array> {
  abstract readonly id: number;
  abstract readonly closed: boolean;
  /** Why it closed before its time. */
  abstract readonly failure: MillraceError | undefined;
  #state = 0;
  /** Bytes that were taken and not granted again yet. */
  #taken = 0;
  #bytesRead = 0;
  #queue: ChunkQueue | undefined;

  /** Cuts the connection. */
  abstract destroy(error?: Error): void;
  /** The connection is closed, if both sides have ended and nothing waits. */
  protected abstract closeIfOver(): void;

  /** Bytes given to the reader so far. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Has `data` events wait; what comes meanwhile is kept within the window of the reader. */
  pause(): this {
    if (this._has(PAUSED)) return this;
    if (!this.closed) this._stream();
    this.#state = (this.#state & ~FLOWS) | PAUSED;
    return this;
  }

  /** Has `data` events go on. */
  resume(): this {
    if (this._has(FLOWS)) return this;
    this.#state = (this.#state & ~(PAUSED | DROPS)) | FLOWS;
    this._stream();
    // A listener may pause meanwhile.
    for (let chunk; this._has(FLOWS) && (chunk = this.#queue?.shift()) !== undefined;) this._take(chunk, chunk.length);
    this._tellWaitingEnd();
    return this;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this._has(ASKED)) throw readTwice();
    this._stream();
    return {
      next: async () => {
        const value = await this._next();
        return value === undefined ? { done: true, value: undefined } : { done: false, value };
      },
      return: () => {
        // The socket of a relay is not the iteration's to end.
        if (this._has(GIVEN)) return Promise.resolve({ done: true, value: undefined });
        this.#queue?.clear();
        this.#queue?.give(undefined);
        if (!this._has(ENDED)) native.discard(this.id, LEFT);
        this.#state |= ENDED;
        this.destroy();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  private _next(): Promise<Uint8Array | undefined> | Uint8Array | undefined {
    const chunk = this.#queue?.shift();
    if (chunk !== undefined) {
      this._count(chunk.byteLength);
      return chunk;
    }
    // Nothing is said of an end that has not come.
    if (this._has(GIVEN) && !this.closed) return Promise.reject(readTwice());
    if (this._has(ENDED) && (!this._has(GIVEN) || this.failure === undefined)) return undefined;
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return (this.#queue ??= new ChunkQueue()).wait();
  }

  /** Chunks come as `data` events from the first listener on, and an end that nobody heard is told to the first. */
  protected override heard(name: string | symbol): void {
    if (name === 'data' && !this._has(FLOWS | PAUSED)) this.resume();
    else if (name === 'end' && this._has(END_UNHEARD)) {
      this.#state &= ~END_UNHEARD;
      process.nextTick(() => this.emit('end'));
    }
  }

  /** Whether the peer has ended its side. */
  protected get peerEnded(): boolean {
    return this._has(ENDED);
  }

  /** Whether the peer's end waits to be told behind chunks that are kept. */
  protected get endWaits(): boolean {
    return this._has(END_BEHIND);
  }

  /** Bytes of the peer. */
  protected arrived(chunk: Uint8Array, length: number): void {
    if (!this._has(STREAMS)) return;
    if (this._has(DROPS)) this._grant(length);
    else if (this._has(FLOWS)) this._take(chunk, length);
    else if (this.#queue?.waits === true) {
      this._count(length);
      this.#queue.give(chunk);
    } else (this.#queue ??= new ChunkQueue()).push(chunk);
  }

  /** The peer has ended its side. */
  protected arrivedEnd(): void {
    this.#state |= ENDED;
    this.#queue?.give(undefined);
    if (this._has(PAUSED) && this.#queue?.keeps === true) this.#state |= END_BEHIND;
    else this._tellEnd();
  }

  /** The connection is broken: whoever waits for a chunk is told. */
  protected arrivedFailure(error: MillraceError): void {
    if (!this._has(ENDED)) this.#queue?.fail(error);
  }

  /** Drops what the peer still sends, and what is kept; an iteration goes on. */
  protected drop(): void {
    if (!this._has(ASKED)) {
      this.#state |= ASKED;
      if (!this._has(ENDED)) native.discard(this.id, Number.MAX_SAFE_INTEGER);
    } else if (this._has(PAUSED) && this._has(STREAMS)) {
      this._stream();
      this.#state |= DROPS;
      for (const chunk of this.#queue?.clear() ?? []) this._grant(chunk.length);
      this._tellWaitingEnd();
    }
  }

  /** What is kept will not be taken any more: says whether an end waited behind it. */
  protected forgetEnd(): boolean {
    const waited = this._has(END_BEHIND);
    this.#state &= ~END_BEHIND;
    return waited;
  }

  /** Whether a `next()` waits for what comes. */
  protected get isAwaited(): boolean {
    return this.#queue?.waits === true;
  }

  /** Nobody reads here any more: answers with what came and was not taken. */
  protected release(): Uint8Array[] {
    this.#state = (this.#state & (PAUSED | FLOWS)) | ASKED | ENDED | GIVEN;
    const kept = this.#queue?.clear() ?? [];
    this.#queue = undefined;
    return kept;
  }

  /** Bytes of the peer that went elsewhere. */
  protected countRead(bytes: number): void {
    this.#bytesRead += bytes;
  }

  private _has(flags: number): boolean {
    return (this.#state & flags) !== 0;
  }

  /** Chunks come from now on. */
  private _stream(): void {
    if (this._has(STREAMS)) return;
    if (this._has(ASKED)) throw readTwice();
    this.#state |= ASKED | STREAMS;
    if (!this._has(ENDED) && this.failure === undefined) native.grant(this.id, WINDOW);
  }

  private _take(chunk: Uint8Array, length: number): void {
    this._count(length);
    this.emit('data', chunk);
  }

  private _count(bytes: number): void {
    this.#bytesRead += bytes;
    this._grant(bytes);
  }

  /** So many bytes were taken. */
  private _grant(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < WINDOW / PARTS || this._has(ENDED)) return;
    native.grant(this.id, this.#taken);
    this.#taken = 0;
  }

  private _tellWaitingEnd(): void {
    if (this._has(END_BEHIND) && this.#queue?.keeps !== true) this._tellEnd();
  }

  /** The peer has ended, and its last byte was taken. */
  private _tellEnd(): void {
    // Whoever begins to listen later, having asked for no byte yet, is told then.
    const heard = this._has(ASKED) || this.listenerCount('end') > 0;
    this.#state = (this.#state & ~(END_BEHIND | END_UNHEARD)) | (heard ? 0 : END_UNHEARD);
    try {
      this.emit('end');
    } finally {
      this.closeIfOver();
    }
  }
}

/** What a second reader is told. */
function readTwice(): MillraceError {
  const message = "the socket is read already: by an iteration, 'data' events, a Duplex of it, or a relay";
  return misuse('MILLRACE_SOCKET_USED', message);
}
