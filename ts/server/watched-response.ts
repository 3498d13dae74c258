import { KIND } from '../native/events.js';
import type { Fields } from '../log/record.js';
import type { HandlerDeadlines } from './handler-deadlines.js';
import type { ServerRequest } from './request.js';
import { ServerResponse } from './response.js';
import { WATCHED } from './response-head.js';

/** Whoever wants to know how exchanges go. */
export interface Watcher {
  /** The answer begins: its head is on its way. */
  begun(res: WatchedResponse): void;
  /** The last byte is with the kernel; or, with `aborted`, the exchange was cut before. Called once. */
  over(res: WatchedResponse, aborted: boolean): void;
}

/**
 * A response that tells a watcher how it goes: made in place of a plain one where an option or a subscriber asks for
 * that, so that a plain one costs nothing for it.
 */
export class WatchedResponse extends ServerResponse {
  readonly request: ServerRequest;
  /** When the head of the request was there (`performance.now()`). */
  readonly began: number;
  /** Whether the access log gets a record of it. */
  readonly isLogged: boolean;
  /** What is logged beside records about this exchange. */
  readonly context: Fields;
  /** Bytes of the body so far, as they are sent: those of its content coding where it is compressed. */
  bodyBytes: number;
  /** The list that it is in, and its neighbours there. */
  deadlines: HandlerDeadlines | undefined;
  later: WatchedResponse | undefined;
  earlier: WatchedResponse | undefined;
  private _watcher: Watcher | undefined;

  constructor(req: ServerRequest, slot: number, context: Fields, isLogged: boolean, watcher: Watcher) {
    super(req, slot);
    this.request = req;
    this.began = performance.now();
    this.isLogged = isLogged;
    this.context = context;
    this.bodyBytes = 0;
    this.deadlines = undefined;
    this.later = undefined;
    this.earlier = undefined;
    this._watcher = watcher;
    this._state |= WATCHED;
  }

  protected override noteHead(body: string | Uint8Array | undefined): void {
    if (body !== undefined) this.noteBody(body);
    this._watcher?.begun(this);
  }

  protected override noteBody(chunk: string | Uint8Array | number): void {
    // RFC 9110 §6.4.1: these have no body, whatever was given.
    const { statusCode } = this;
    if (statusCode === 204 || statusCode === 304 || this.request.method === 'HEAD') return;
    if (typeof chunk === 'number') this.bodyBytes += chunk;
    else this.bodyBytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength;
  }

  /** @internal */
  override handleEvent(kind: number, flags: number, a: number, b: number, value: unknown): void {
    try {
      super.handleEvent(kind, flags, a, b, value);
    } finally {
      // A listener that throws must not lose the record.
      if (kind === KIND.finished || kind === KIND.aborted) {
        const watcher = this._watcher;
        this._watcher = undefined;
        watcher?.over(this, kind === KIND.aborted);
      }
    }
  }
}
