import { EventEmitter } from 'node:events';
import type { Writable } from 'node:stream';

import { errorFromNative } from '../errors/native-error.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import { KIND, unregister } from '../native/events.js';
import { FINISH, FINISH_WHOLE, READY_HEAD } from '../native/binding.js';
import { native } from '../native/loader.js';
import { gather } from '../native/outbox.js';
import { HeaderView } from '../message/header-view.js';
import { logRecord } from '../log/log.js';
import { nodeStream } from '../message/node-stream.js';
import type { BodyInput, Outgoing } from '../message/outgoing-body.js';
import { outgoing } from '../message/outgoing-body.js';
import type { HeadersInput } from '../message/head-text.js';
import { headText } from '../message/head-text.js';
import type { BodyCoding } from './body-coding.js';
import type { ServerRequest } from './request.js';
import { checkStatus, CLOSED, ENDED, FULL, HEAD, LOST, ResponseHead, WATCHED } from './response-head.js';
import type { Prepared } from './web-response.js';

const STALE = 6;
const STREAM_CLOSED = 22;

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-empty-object-type
export interface ServerResponse extends EventEmitter {}

/**
 * A response. Its events are `drain`, `finish` (the last byte is with the kernel) and `close`.
 *
 * It is an EventEmitter by its prototype; the emitter's state is made by the first listener, so that a response that
 * nobody listens to costs nothing for it.
 */
// Its prototype is linked to EventEmitter's below; the constructor of that one is what is left out.
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class ServerResponse extends ResponseHead {
  declare protected _req: ServerRequest;
  declare private _slot: number;
  declare private _trailers: string;
  declare private _drained: { promise: Promise<void>; resolve: () => void } | undefined;
  declare private _coding: BodyCoding | undefined;
  /** The emitter's listeners. A field of its own: to find that there are none must not take a walk to the prototype. */
  declare private _events: object | undefined;

  /** Made by the server. */
  constructor(req: ServerRequest, slot: number) {
    super();
    ServerResponse.setUp(this, req, slot);
  }

  /** @internal Sets every field. */
  static setUp(res: ServerResponse, req: ServerRequest, slot: number): void {
    ResponseHead.begin(res);
    res._req = req;
    res._slot = slot;
    res._trailers = '';
    res._drained = undefined;
    res._coding = undefined;
    res._events = undefined;
  }

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

  /** @internal Whether the core has nothing more to tell of it, but of its request's body. */
  get isSettled(): boolean {
    return (this._state & (CLOSED | LOST)) === CLOSED;
  }

  /** Sends the head now; otherwise it leaves with the first of the body. */
  flushHeaders(): void {
    if (!this.headersSent && !this.closed) this.begin();
  }

  writeContinue(): void {
    this.informational(100, '');
  }

  /** 102 Processing (RFC 2518 §10.1): the request is being worked on. */
  writeProcessing(): void {
    this.informational(102, '');
  }

  /** 103 Early Hints (RFC 8297). */
  writeEarlyHints(headers: HeadersInput): void {
    this.informational(103, headText(headers));
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
      this._state = state | HEAD | ENDED;
      const out =
        body === undefined || (typeof body === 'string' && encoding === undefined) ? body : encoded(body, encoding);
      if ((state & WATCHED) !== 0) this.noteHead(out);
      const status = this.statusCode + finish * FINISH_WHOLE;
      const ready = this.readyHead();
      if (finish === 0 && ready >= 0 && (out === undefined || typeof out === 'string')) {
        if (this.isOrdinary() && gather(req.id, status + ready * READY_HEAD, out)) {
          this.over(0);
          return this;
        }
      }
      answer =
        ready >= 0
          ? native.respond(req.id, status + ready * READY_HEAD, out)
          : native.respond(req.id, status, out, this.headText(), this.statusMessage);
    } else {
      if (body !== undefined && body.length > 0) this.write(body, encoding);
      else if ((state & HEAD) === 0) this.begin();
      this._state |= HEAD | ENDED;
      if (this.closed) return this;
      answer = native.end(req.id, this._trailers, finish);
    }
    if (answer !== undefined) this.refused(answer, taken);
    else this.over(finish);
    return this;
  }

  /**
   * Any kind of body, with back-pressure, then the end. Resolves when all of it is with the kernel; rejects with
   * MILLRACE_STREAM_CLOSED when the exchange is over before, or was ended already.
   */
  async send(body: BodyInput): Promise<void> {
    if (this.writableEnded) throw new MillraceError('MILLRACE_STREAM_CLOSED', 'the response has ended');
    const out = await outgoing(body);
    try {
      await this.sendOutgoing(out);
    } finally {
      out.file?.close();
    }
  }

  /** Fields after the body; the response is then chunked. */
  addTrailers(headers: HeadersInput): void {
    if (this.writableEnded) throw misuse('MILLRACE_INVALID_STATE', 'the response has ended: trailers come before end');
    this._trailers += headText(headers);
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

  /** The response as a Writable. */
  writable(): Writable {
    const stream = new (nodeStream().Writable)({
      decodeStrings: true,
      write: (chunk: Uint8Array, _encoding, done) => {
        if (this.closed) return done(new MillraceError('MILLRACE_STREAM_CLOSED', 'the exchange has ended'));
        if (this.write(chunk)) done();
        else void this.drained().then(() => done());
      },
      final: (done) => {
        void this.finished().then(() => done(), done);
        this.end();
      },
      destroy: (error, done) => {
        if (!this.writableEnded) this.destroy();
        done(error);
      },
    });
    return stream;
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

  /**
   * @internal A part of an open file as the whole body: from file to socket within the kernel. Resolves when all of it
   * is with the kernel. The descriptor is copied at once and stays the caller's.
   */
  async sendFile(fd: number, start: number, length: number): Promise<void> {
    this.mutable();
    checkStatus(this.statusCode);
    const finished = this.finished();
    // What is refused is thrown below: this rejection must not end the process.
    finished.catch(() => undefined);
    this._state |= HEAD | ENDED;
    if ((this._state & WATCHED) !== 0) {
      this.noteHead(undefined);
      this.noteBody(length);
    }
    const status = this.statusCode + FINISH * FINISH_WHOLE;
    const answer = native.respondFile(this.id, status, this.headText(), this.statusMessage, fd, start, length);
    if (answer !== undefined) this.refused(answer, HEAD | ENDED);
    if (this.closed) return;
    await finished;
  }

  /** @internal Head and body of a lazy Response. */
  sendPrepared(prepared: Prepared): void {
    if ((this._state & (HEAD | ENDED | CLOSED)) !== 0) return;
    if (this._coding !== undefined) {
      this.statusCode = prepared.status;
      this.statusMessage = prepared.reason;
      for (const [name, value] of new HeaderView(prepared.head)) this.appendHeader(name, value);
      this.end(prepared.body);
      return;
    }
    this._state |= HEAD | ENDED;
    const { id } = this;
    const finish = this.wantsFinish() ? FINISH : 0;
    // The access log and `finish` listeners ask for it.
    this.statusCode = prepared.status;
    if ((this._state & WATCHED) !== 0) this.noteHead(prepared.body);
    const status = prepared.status + finish * FINISH_WHOLE;
    const { body } = prepared;
    if (finish === 0 && prepared.ordinary && prepared.ready >= 0 && prepared.reason === '') {
      if (!(body instanceof Uint8Array) && gather(id, status + prepared.ready * READY_HEAD, body)) {
        this.over(0);
        return;
      }
    }
    const answer =
      prepared.ready >= 0 && prepared.reason === ''
        ? native.respond(id, status + prepared.ready * READY_HEAD, prepared.body)
        : native.respond(id, status, prepared.body, prepared.head, prepared.reason);
    if (answer !== undefined) this.refused(answer, HEAD | ENDED);
    else this.over(finish);
  }

  /** @internal Forgets what a failed handler had prepared. */
  reset(status: number): this {
    this.forget(status);
    this._trailers = '';
    return this;
  }

  /** @internal An event of the native core about this exchange. */
  handleEvent(kind: number, flags: number, a: number, b: number, value: unknown): void {
    if (this._req.handleEvent(kind, flags, a, b, value)) {
      if (kind === KIND.bodyEnd && this.closed) unregister(this._slot, this.id);
      return;
    }
    switch (kind) {
      case KIND.aborted:
        unregister(this._slot, this.id);
        this._req.leave(errorFromNative(flags, { value: a, seen: b }), true);
        if (this.closed) break;
        this._state |= CLOSED;
        this._coding?.destroy();
        this._drained?.resolve();
        this.emit('close');
        break;
      case KIND.left:
        this._req.leave(new MillraceError('MILLRACE_CONNECTION_CLOSED', 'the client closed its side'), false);
        break;
      case KIND.drain:
        if (this._coding === undefined) this.roomAgain();
        else this._coding.resume();
        break;
      case KIND.finished:
        this._state |= CLOSED;
        if (this._req.complete) unregister(this._slot, this.id);
        this.emit('finish');
        this.emit('close');
        break;
      default:
        break;
    }
  }

  private async sendOutgoing(out: Outgoing): Promise<void> {
    const { file } = out;
    if (out.type !== undefined && this.getHeader('content-type') === undefined && !this.headersSent) {
      this.setHeader('content-type', out.type);
    }
    if (out.length !== undefined && !this.headersSent && this.getHeader('content-length') === undefined) {
      this.setHeader('content-length', out.length);
    }
    if (file !== undefined && !this.headersSent && this._trailers === '') {
      this.decideCoding();
      if (this._coding === undefined) {
        const sent = this.sendFile(file.source.fd, file.start, file.end - file.start);
        // The core has a descriptor of its own by now: a client that reads slowly need not hold two.
        file.close();
        return sent;
      }
      this.beginDecided();
    }
    const finished = this.finished();
    // Where the source fails, its error is the one to tell: this rejection must not end the process.
    finished.catch(() => undefined);
    if (out.whole !== undefined) {
      this.end(out.whole);
    } else {
      // Nothing of a file is read that HEAD would throw away.
      if (file === undefined || this._req.method !== 'HEAD') await this.sendChunks(out.chunks);
      this.end();
    }
    await finished;
  }

  private async sendChunks(chunks: AsyncIterable<string | Uint8Array>): Promise<void> {
    try {
      for await (const chunk of chunks) {
        if (this.closed) break;
        if (!this.write(chunk)) await this.drained();
      }
    } catch (error) {
      this.destroy();
      throw error;
    }
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
    if (body !== undefined && body.length > 0) this.write(body, encoding);
    this._state |= ENDED;
    this._coding.end();
    return true;
  }

  /** Resolves with `finish`, rejects when the exchange is cut before. */
  private finished(): Promise<void> {
    const cut = (): MillraceError =>
      new MillraceError('MILLRACE_STREAM_CLOSED', 'the exchange ended before the response', { cause: this._req.gone });
    // No event comes any more.
    if (this.closed) return Promise.reject(cut());
    return new Promise((resolve, reject) => {
      let done = false;
      this.once('finish', () => {
        done = true;
        resolve();
      });
      this.once('close', () => {
        if (!done) reject(cut());
      });
    });
  }

  /** Everything is queued: where nobody waits for more, no event of this exchange is of interest. */
  private over(finish: number): void {
    if (finish !== 0) return;
    this._state |= CLOSED;
    if (!this._req.hasBody) unregister(this._slot, this.id);
  }

  /** Whether anybody wants to hear when the last byte is with the kernel. */
  private wantsFinish(): boolean {
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

  private begin(): boolean {
    this.decideCoding();
    return this.beginDecided();
  }

  /** Asks the coding about a body that is not known whole; where it does not want it, it is forgotten. */
  private decideCoding(): void {
    if (this._coding !== undefined && !this._coding.begin()) this._coding = undefined;
  }

  private beginDecided(): boolean {
    checkStatus(this.statusCode);
    this._state |= HEAD;
    if ((this._state & WATCHED) !== 0) this.noteHead(undefined);
    const answer = native.respondHead(this._req.id, this.statusCode, this.headText(), this.statusMessage);
    if (answer === undefined) return true;
    this.refused(answer, HEAD);
    return false;
  }

  private informational(status: number, head: string): void {
    this.mutable();
    const answer = native.informational(this._req.id, status, head);
    if (answer !== undefined) this.refused(answer, 0);
  }

  /**
   * The native core said no: silently where the exchange is over, else our caller's mistake is thrown, and the bits
   * of the state that were set too early are taken back.
   */
  private refused(code: number, bits: number): void {
    if (code === STALE || code === STREAM_CLOSED) {
      this._state |= CLOSED | LOST;
      return;
    }
    this._state &= ~bits;
    throw errorFromNative(code);
  }
}

Object.setPrototypeOf(ResponseHead.prototype, EventEmitter.prototype);

function Plain(this: ServerResponse, req: ServerRequest, slot: number): void {
  ServerResponse.setUp(this, req, slot);
}
Plain.prototype = ServerResponse.prototype;

/**
 * @internal What `new ServerResponse` makes, for every request: without the constructor of a derived class, whose
 * `super()` V8 neither inlines nor makes cheap.
 */
export const PlainResponse = Plain as unknown as new (req: ServerRequest, slot: number) => ServerResponse;

function encoded(chunk: string | Uint8Array, encoding: BufferEncoding | undefined): string | Uint8Array {
  if (typeof chunk === 'string') {
    return encoding === undefined || encoding === 'utf8' || encoding === 'utf-8' ? chunk : Buffer.from(chunk, encoding);
  }
  if (chunk instanceof Uint8Array) return chunk;
  throw misuse('MILLRACE_INVALID_ARGUMENT', `a body must be a string or a Uint8Array, got ${typeof chunk}`);
}
