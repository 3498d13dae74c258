import { AsyncResource } from 'node:async_hooks';

import { errorFromNative } from '../errors/native-error.js';
import { MillraceError } from '../errors/millrace-error.js';
import { HeaderView } from '../message/header-view.js';
import { KIND, RESPONSE_ENDED, RESPONSE_HTTP_1_1 } from '../native/events.js';
import { native } from '../native/loader.js';
import type { OriginPool } from '../pool/origin-pool.js';
import { Exchange } from './exchange.js';
import type { Prepared } from './prepared.js';
import type { RequestOptions } from './request-options.js';
import type { ResponseHead } from './response.js';
import type { Timings } from './timings.js';

/** A request for `dispatch`; redirects, retries and codings are its caller's affair. */
export interface DispatchOptions extends RequestOptions {
  readonly url: string | URL;
}

/**
 * What `dispatch` calls; `onEnd` or `onError` is the last. What the others throw is the request's failure, and comes back
 * by `onError`; what that throws is an uncaught exception.
 */
export interface DispatchHandler {
  onInformational?(status: number, headers: HeaderView): void;
  onResponse(head: ResponseHead, control: ExchangeControl): void;
  /** A piece of the body; false: no more until `resume`. */
  onData(chunk: Uint8Array): boolean | void;
  onEnd(trailers: HeaderView | null): void;
  onError(error: unknown): void;
}

/** `client.dispatch`, and what stands beneath a function in its place. */
export type Dispatch = (options: DispatchOptions, handler: DispatchHandler) => ExchangeControl;

/** What its caller can do to an exchange. */
export interface ExchangeControl {
  readonly aborted: boolean;
  readonly paused: boolean;
  pause(): void;
  resume(): void;
  /** Ends it: the handler's `onError` is called with the reason. */
  abort(reason?: unknown): void;
}

/** What a control steers. */
export interface Steered {
  cancel(reason: unknown): void;
  /** The handler takes more. */
  goOn(): void;
}

/** How many bytes of a body are under way to the handler at most. */
const WINDOW = 256 * 1024;

/** The caller's end of an exchange; calls of the handler run in the caller's asynchronous context. */
export class DispatchControl implements ExchangeControl {
  aborted = false;
  paused = false;
  exchange: Steered | undefined;
  private readonly _handler: DispatchHandler;
  private readonly _context = new AsyncResource('MILLRACE_DISPATCH');
  private _over = false;
  private _waiting: (() => void)[] = [];

  constructor(handler: DispatchHandler) {
    this._handler = handler;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    while (!this.paused) {
      const next = this._waiting.shift();
      if (next === undefined) break;
      next();
    }
    if (!this.paused && !this._over) this.exchange?.goOn();
  }

  /** Whether the handler hears of 1xx responses. */
  get isInformed(): boolean {
    return this._handler.onInformational !== undefined;
  }

  /** Nothing more is told. */
  get over(): boolean {
    return this._over;
  }

  abort(reason: unknown = new MillraceError('MILLRACE_DESTROYED')): void {
    if (this._over || this.aborted) return;
    this.aborted = true;
    this.exchange?.cancel(reason);
    // One that had arrived whole has nothing to cancel.
    this.failed(reason);
  }

  informed(status: number, headers: HeaderView): void {
    this.run(() => this._handler.onInformational?.(status, headers));
  }

  responded(head: ResponseHead): void {
    this.run(() => this._handler.onResponse(head, this));
  }

  /** Not before it is resumed; in their order. */
  data(chunk: Uint8Array): void {
    this.inTurn(() => this.run(() => this._handler.onData(chunk) === false && this.pause()));
  }

  ended(trailers: HeaderView | null): void {
    this.inTurn(() => {
      if (this._over) return;
      this._over = true;
      try {
        this._context.runInAsyncScope(() => this._handler.onEnd(trailers));
      } catch (error) {
        this.tell(error);
      }
    });
  }

  failed(error: unknown): void {
    if (this._over) return;
    this._over = true;
    this._waiting = [];
    this.tell(error);
  }

  private inTurn(call: () => void): void {
    if (this.paused || this._waiting.length > 0) this._waiting.push(call);
    else call();
  }

  /** What a handler throws is the failure of its request. */
  private run(call: () => void): void {
    if (this._over) return;
    try {
      this._context.runInAsyncScope(call);
    } catch (error) {
      this.abort(error);
    }
  }

  private tell(error: unknown): void {
    this._context.runInAsyncScope(() => this._handler.onError(error));
  }
}

/** An exchange whose outcome goes to a handler. */
export class DispatchExchange extends Exchange {
  private readonly _control: DispatchControl;
  private readonly _url: string;
  private _owed = 0;

  constructor(origin: OriginPool, prepared: Prepared, timings: Timings, control: DispatchControl, url: string) {
    super(origin, prepared, timings);
    this._control = control;
    this._url = url;
    control.exchange = this;
  }

  /** The handler takes more. */
  goOn(): void {
    if (this._owed > 0 && !this.over && this.id >= 0) native.grant(this.id, this._owed);
    this._owed = 0;
  }

  protected responded(
    flags: number,
    a: number,
    _b: number,
    head: string,
    whole: string | Uint8Array | undefined,
  ): void {
    const length = a & 0xfffff;
    try {
      this.prepared.memory?.take(head.length);
    } catch (error) {
      if (this.over) this._control.failed(error);
      else this.cancel(error);
      return;
    }
    this._control.responded({
      status: a >>> 20,
      statusText: head.slice(0, length),
      headers: new HeaderView(head, length),
      url: this._url,
      httpVersion: (flags & RESPONSE_HTTP_1_1) !== 0 ? '1.1' : '1.0',
      timings: this.timings,
    });
    if ((flags & RESPONSE_ENDED) === 0) {
      if (!this.over) native.grant(this.id, this.prepared.memory?.window(WINDOW) ?? WINDOW);
      return;
    }
    if (whole !== undefined && whole.length > 0) {
      this._control.data(typeof whole === 'string' ? Buffer.from(whole, 'latin1') : whole);
    }
    this._control.ended(null);
  }

  protected informed(a: number, head: string): void {
    this._control.informed(a >>> 20, new HeaderView(head, a & 0xfffff));
  }

  protected bodyEvent(kind: number, flags: number, a: number, b: number, value: unknown): void {
    if (kind === KIND.body) {
      const chunk = value as Uint8Array;
      this._control.data(chunk);
      if (this._control.paused) this._owed += chunk.byteLength;
      else if (!this.over) native.grant(this.id, chunk.byteLength);
    } else if (kind === KIND.bodyEnd) {
      this._control.ended(value === undefined ? null : new HeaderView(value as string));
    } else if (kind === KIND.bodyFailed) {
      this.cancel(errorFromNative(flags, { value: a, seen: b }));
    }
  }

  protected tunnelled(id: number): void {
    native.destroy(id);
    this._control.failed(new MillraceError('MILLRACE_HTTP_UNEXPECTED_UPGRADE'));
  }

  protected failed(error: unknown): void {
    this._control.failed(error);
  }
}
