import type { EventEmitter } from 'node:events';

import { misuse } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { logRecord } from '../log/log.js';
import { encoded } from '../message/encoded.js';
import { FINISH, FINISH_WHOLE, READY_HEAD } from '../native/binding.js';
import { unregister } from '../native/events.js';
import { native } from '../native/loader.js';
import { gather } from '../native/outbox.js';
import type { BodyCoding } from './body-coding.js';
import { whatIsWrong } from './refused-head.js';
import type { ServerRequest } from './request.js';
import { checkStatus, CLOSED, ENDED, FULL, HEAD, LOST, ResponseHead, WATCHED } from './response-head.js';

const STALE = 6;
const STREAM_CLOSED = 22;

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-empty-object-type
export interface ResponseBody extends EventEmitter {}

/** What a response sends after its head: parts, trailers and the end, to the native core or through a coding. */
// The prototype of ResponseHead is linked to EventEmitter's (response.ts).
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export abstract class ResponseBody extends ResponseHead {
  declare protected _req: ServerRequest;
  declare protected _slot: number;
  declare protected _trailers: string;
  declare protected _drained: { promise: Promise<void>; resolve: () => void } | undefined;
  declare protected _coding: BodyCoding | undefined;
  /** The emitter's listeners. A field of its own: to find that there are none must not take a walk to the prototype. */
  declare protected _events: object | undefined;

  /** The exchange's id in the native core. */
  get id(): number {
    return this._req.id;
  }

  get writableEnded(): boolean {
    return (this._state & ENDED) !== 0;
  }

  /** Whether the exchange is over: sent, cut, or its client gone. */
  get closed(): boolean {
    return (this._state & CLOSED) !== 0;
  }

  /** Queues a part of the body; false: wait for `drain` or `drained()`. A late write is no error and answers false. */
  write(chunk: string | Uint8Array, encoding?: BufferEncoding): boolean {
    if ((this._state & (ENDED | CLOSED)) !== 0) return false;
    if (!this.headersSent && !this.begin()) return false;
    const out = encoded(chunk, encoding);
    if (this._coding !== undefined) {
      if (this._coding.write(out)) return true;
      this._state |= FULL;
      return false;
    }
    const answer = native.write(this._req.id, out);
    if (answer !== undefined && answer !== 0) this.refused(answer, 0);
    else if ((this._state & WATCHED) !== 0) this.noteBody(out);
    if (answer === undefined) return true;
    this._state |= FULL;
    return false;
  }

  /** Ends the response; without a `write` before, head and body cross in one call. */
  end(body?: string | Uint8Array, encoding?: BufferEncoding): this {
    if (this._coding !== undefined && this.endCoded(body, encoding)) return this;
    const state = this._state;
    if ((state & (ENDED | CLOSED)) !== 0) return this;
    const req = this._req;
    const finish = this.wantsFinish() ? FINISH : 0;
    let answer: number | undefined;
    let taken = ENDED;
    if ((state & HEAD) === 0 && this._trailers === '') {
      // What is refused before its head is queued can still be answered otherwise, with a 500 say.
      taken |= HEAD;
      checkStatus(this.statusCode);
      // A body that is none leaves the response as it was.
      const out =
        body === undefined || (typeof body === 'string' && encoding === undefined) ? body : encoded(body, encoding);
      this._state = state | HEAD | ENDED;
      if ((state & WATCHED) !== 0) this.noteHead(out);
      const status = this.statusCode + finish * FINISH_WHOLE;
      const ready = this.readyHead();
      if (finish === 0 && ready >= 0 && this.isOrdinary() && this.gathered(status, ready, out)) return this;
      answer =
        ready >= 0
          ? native.respond(req.id, status + ready * READY_HEAD, out)
          : native.respond(req.id, status, out, this.headText(), this.statusMessage);
    } else {
      if (body !== undefined && body.length !== 0) this.write(body, encoding);
      else if ((state & HEAD) === 0) this.begin();
      this._state |= HEAD | ENDED;
      if (this.closed) return this;
      answer = native.end(req.id, this._trailers, finish);
    }
    if (answer !== undefined) this.refused(answer, taken);
    else this.over(finish);
    return this;
  }

  /** Resolves when there is room again, or the exchange is over: `closed` says which. */
  drained(): Promise<void> {
    if (this.closed) return Promise.resolve();
    if ((this._state & FULL) === 0) return Promise.resolve();
    if (this._drained === undefined) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>((done) => (resolve = done));
      this._drained = { promise, resolve };
    }
    return this._drained.promise;
  }

  /** Cuts the exchange, and an HTTP/1 connection with it. */
  destroy(error?: Error): void {
    void error;
    if (this.closed) return;
    native.destroy(this._req.id);
  }

  /** @internal Has the body coded, whoever sends it and however, unless the head has left. */
  codeBody(coding: BodyCoding): void {
    if ((this._state & (HEAD | ENDED | CLOSED)) === 0) this._coding = coding;
  }

  /** @internal The coding's answer to `whole`; `code` makes the head that of the coded body. */
  deliver(body: Uint8Array, code?: () => void): void {
    this._coding = undefined;
    if (this.closed) return;
    this._state &= ~(HEAD | ENDED);
    try {
      code?.();
      this.end(body);
    } catch (error) {
      // `end` has returned to its caller long ago: there is nobody else to tell.
      this.destroy();
      logRecord('error', 'server', 'a compressed response could not be sent', { err: error });
    }
  }

  /** @internal Bytes that the coding has made; false: wait for `resume`. */
  pass(chunk: Uint8Array): boolean {
    if (this.closed) return true;
    const answer = native.write(this._req.id, chunk);
    if (answer !== undefined && answer !== 0) this.destroy();
    else if ((this._state & WATCHED) !== 0) this.noteBody(chunk);
    return answer === undefined;
  }

  /** @internal The coding has made its last byte. */
  passEnd(): void {
    this._coding = undefined;
    if (this.closed) return;
    const finish = this.wantsFinish() ? FINISH : 0;
    const answer = native.end(this._req.id, this._trailers, finish);
    this.over(finish);
    if (answer !== undefined) this.destroy();
  }

  /** @internal More can be written: the connection, or the coding before it, has room. */
  roomAgain(): void {
    if ((this._state & FULL) === 0) return;
    this._state &= ~FULL;
    this._drained?.resolve();
    this._drained = undefined;
    this.emit('drain');
  }

  /** Whether the coding has taken the end over; where it wants none of this response, it is forgotten. */
  private endCoded(body: string | Uint8Array | undefined, encoding: BufferEncoding | undefined): boolean {
    if ((this._state & (ENDED | CLOSED)) !== 0) return true;
    if (!this.headersSent && this._trailers === '') {
      const answer = (this._coding as BodyCoding).whole(body === undefined ? body : encoded(body, encoding));
      if (answer === 'taken') {
        this._state |= HEAD | ENDED;
        return true;
      }
      this._coding = undefined;
      if (answer === 'head') this.begin();
      return false;
    }
    if (!this.headersSent && !this.begin()) return true;
    if (this._coding === undefined) return false;
    if (body !== undefined && body.length !== 0) this.write(body, encoding);
    this._state |= ENDED;
    this._coding.end();
    return true;
  }

  /** Whether an answer whose end nobody waits for, and which the core takes for certain, has gone with others of its wake. */
  protected gathered(status: number, ready: number, body: string | Uint8Array | undefined): boolean {
    if (body !== undefined && typeof body !== 'string') return false;
    if (!gather(this._req.id, status + ready * READY_HEAD, body)) return false;
    this.over(0);
    return true;
  }

  /** Everything is queued: where nobody waits for more, no event of this exchange is of interest. */
  protected over(finish: number): void {
    if (finish !== 0) return;
    this._state |= CLOSED;
    if (!this._req.hasBody) unregister(this._slot, this.id);
  }

  /** Whether anybody wants to hear when the last byte is with the kernel. */
  protected wantsFinish(): boolean {
    return this._events !== undefined || (this._state & WATCHED) !== 0;
  }

  /** Called where `WATCHED` is set, when the head goes out, with what of the body goes with it. */
  protected noteHead(body: string | Uint8Array | undefined): void {
    void body;
  }

  /** Called where `WATCHED` is set, for each further part of the body, or its length. */
  protected noteBody(chunk: string | Uint8Array | number): void {
    void chunk;
  }

  protected begin(): boolean {
    this.decideCoding();
    return this.beginDecided();
  }

  /** Asks the coding about a body that is not known whole; where it does not want it, it is forgotten. */
  protected decideCoding(): void {
    if (this._coding !== undefined && !this._coding.begin()) this._coding = undefined;
  }

  protected beginDecided(): boolean {
    checkStatus(this.statusCode);
    this._state |= HEAD;
    if ((this._state & WATCHED) !== 0) this.noteHead(undefined);
    const answer = native.respondHead(this._req.id, this.statusCode, this.headText(), this.statusMessage);
    if (answer === undefined) return true;
    this.refused(answer, HEAD);
    return false;
  }

  /**
   * The native core said no: silently where the exchange is over, else our caller's mistake is thrown, and the bits
   * of the state that were set too early are taken back.
   */
  protected refused(code: number, bits: number): void {
    if (code === STALE || code === STREAM_CLOSED) {
      this._state |= CLOSED | LOST;
      return;
    }
    this._state &= ~bits;
    const error = errorFromNative(code);
    if (error.code !== 'MILLRACE_INVALID_ARGUMENT' || bits === 0) throw error;
    const head = (this._state & HEAD) === 0 ? this.headText() : '';
    throw misuse(error.code, whatIsWrong(head, this.statusMessage, this._trailers));
  }
}
