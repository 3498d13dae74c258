import { describeValue } from '../errors/escape.js';
import { MillraceError } from '../errors/millrace-error.js';
import { isFieldText } from '../message/grammar.js';
import type { HeadersInput } from '../message/head-text.js';
import { headText } from '../message/head-text.js';
import { HeaderView } from '../message/header-view.js';
import type { Dispatch, DispatchHandler, ExchangeControl, Steered } from './dispatch.js';
import { DispatchControl } from './dispatch.js';
import type { DispatchedHead, DispatchedRequest, DispatchFunction, DispatchReceiver } from './dispatch-function.js';
import { Timings } from './timings.js';

/**
 * Stands between a function in place of the network and a handler: whatever the function does, the handler is told in
 * order, once, at its own pace, and in its own asynchronous context. What the function throws is the request's failure.
 */
export class Receiver implements DispatchReceiver, Steered {
  private readonly _to: DispatchControl;
  private readonly _url: string;
  private readonly _timings: Timings;
  private _inner: Partial<ExchangeControl> | undefined;
  private _answered = false;
  /** The function has told the end, which the handler may not have heard of yet. */
  private _done = false;
  private _reason: unknown;

  private constructor(handler: DispatchHandler, url: string, timings: Timings) {
    this._to = new DispatchControl(handler);
    this._to.exchange = this;
    this._url = url;
    this._timings = timings;
  }

  /** Has the function serve the request. */
  static run(
    fn: DispatchFunction,
    request: DispatchedRequest,
    handler: DispatchHandler,
    next: Dispatch,
    timings: Timings,
  ): ExchangeControl {
    const receiver = new Receiver(handler, request.url, timings);
    const to = receiver._to;
    let control: Partial<ExchangeControl> | void;
    try {
      control = fn(request, receiver, next);
    } catch (error) {
      receiver.onError(error);
      return to;
    }
    if (typeof control !== 'object' || control === null) return to;
    // An async function fails by its promise.
    if (isPromise(control)) control.then(receiver.steerBy, (error: unknown) => receiver.onError(error));
    else receiver.steerBy(control);
    return to;
  }

  private readonly steerBy = (control: unknown): void => {
    if (typeof control !== 'object' || control === null) return;
    this._inner ??= control;
    // Aborted before there was anything to abort.
    if (this._to.aborted) (control as Partial<ExchangeControl>).abort?.(this._reason);
  };

  onInformational(status: number, headers: HeadersInput | HeaderView): void {
    if (this.isOver || this._answered) return;
    this._to.informed(status, viewOf(headers));
  }

  onResponse(head: DispatchedHead, control?: Partial<ExchangeControl>): void {
    if (this.isOver) return control?.abort?.(this._reason);
    if (this._answered) return this.misused('onResponse was called twice');
    const { status, statusText = '', headers = [], httpVersion = '1.1', timings = this._timings } = head;
    if (!Number.isInteger(status) || status < 200 || status > 999) {
      return this.misused(`the status of a response must be from 200 to 999, got ${describeValue(status)}`);
    }
    if (typeof statusText !== 'string' || !isFieldText(statusText)) {
      return this.misused('the reason phrase must be Latin-1 text without control characters');
    }
    let view: HeaderView;
    try {
      view = viewOf(headers);
    } catch (error) {
      return this.onError(error);
    }
    this._answered = true;
    if (control !== undefined) this._inner = control;
    timings.mark('headers');
    this._to.responded({ status, statusText, headers: view, url: this._url, httpVersion, timings });
  }

  onData(chunk: Uint8Array | string): boolean {
    if (this.isOver) return false;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (!this._answered) this.misused('onData was called before onResponse');
    else if (!(bytes instanceof Uint8Array)) this.misused(`onData needs bytes or text, got ${describeValue(chunk)}`);
    else if (bytes.byteLength > 0) this._to.data(bytes);
    return !this.isOver && !this._to.paused;
  }

  onEnd(trailers: HeadersInput | HeaderView | null = null): void {
    if (this.isOver) return;
    if (!this._answered) return this.misused('onEnd was called before onResponse');
    let view: HeaderView | null;
    try {
      view = trailers === null ? null : viewOf(trailers);
    } catch (error) {
      return this.onError(error);
    }
    this._done = true;
    this._timings.mark('end');
    this._to.ended(view);
  }

  onError(error: unknown): void {
    if (this.isOver) return;
    this._done = true;
    this._to.failed(error);
  }

  private get isOver(): boolean {
    return this._done || this._to.over;
  }

  cancel(reason: unknown): void {
    this._reason = reason;
    try {
      this._inner?.abort?.(reason);
    } finally {
      // It may have told so itself; one that does not is not waited for.
      this._to.failed(reason);
    }
  }

  goOn(): void {
    this._inner?.resume?.();
  }

  private misused(what: string): void {
    const error = new MillraceError('MILLRACE_DISPATCH_INVALID', `dispatch: ${what}`);
    this._to.aborted = true;
    this.cancel(error);
  }
}

function viewOf(headers: HeadersInput | HeaderView): HeaderView {
  return headers instanceof HeaderView ? headers : new HeaderView(headText(headers));
}

function isPromise(value: object): value is Promise<unknown> {
  return typeof (value as { then?: unknown }).then === 'function';
}
