import { EventEmitter } from 'node:events';

import { errorFromNative } from '../errors/native-error.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import { HeaderView } from '../message/header-view.js';
import type { HeadersInput } from '../message/head-text.js';
import { headText } from '../message/head-text.js';
import { FINISH, FINISH_WHOLE, READY_HEAD } from '../native/binding.js';
import { KIND, unregister } from '../native/events.js';
import { native } from '../native/loader.js';
import type { ServerRequest } from './request.js';
import { ResponseDelivery } from './response-delivery.js';
import { CLOSED, ENDED, HEAD, LOST, ResponseHead, WATCHED } from './response-head.js';
import type { Prepared } from './web-response.js';

/**
 * A response. Its events are `drain`, `finish` (the last byte is with the kernel) and `close`.
 *
 * It is an EventEmitter by its prototype, which is linked to EventEmitter's below; the emitter's state is made by the first
 * listener, so that a response that nobody listens to costs nothing for it.
 */
export class ServerResponse extends ResponseDelivery {
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

  /** Fields after the body; the response is then chunked. */
  addTrailers(headers: HeadersInput): void {
    if (this.writableEnded) throw misuse('MILLRACE_INVALID_STATE', 'the response has ended: trailers come before end');
    this._trailers += headText(headers);
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
    const isReady = prepared.ready >= 0 && prepared.reason === '';
    if (finish === 0 && isReady && prepared.ordinary && this.gathered(status, prepared.ready, prepared.body)) return;
    const answer = isReady
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

  private informational(status: number, head: string): void {
    this.mutable();
    const answer = native.informational(this._req.id, status, head);
    if (answer !== undefined) this.refused(answer, 0);
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
