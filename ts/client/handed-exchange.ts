import { abortError } from '../errors/abort-error.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { HeadersInput } from '../message/head-text.js';
import type { HeaderView } from '../message/header-view.js';
import { RESPONSE_CODED, RESPONSE_HTTP_1_1 } from '../native/events.js';
import type { RequestTarget } from './destination.js';
import type { Dispatch, DispatchHandler, ExchangeControl } from './dispatch.js';
import type { DispatchedRequest, DispatchFunction } from './dispatch-function.js';
import { fieldsOver } from './fields.js';
import { HandedBody } from './handed-body.js';
import { withQuery } from './prepare.js';
import { Receiver } from './receiver.js';
import type { RequestBody } from './request-body.js';
import type { Recipient, ResponseRules } from './request-exchange.js';
import { RequestMemory } from './request-memory.js';
import type { RequestOptions } from './request-options.js';
import type { ResponseHead } from './response.js';
import { ClientResponse } from './response.js';
import { rulesOf } from './transport.js';

/** The request as a function in place of the network sees it. */
export function dispatchedOf(
  options: RequestOptions,
  { destination, target, userinfo }: RequestTarget,
  body: RequestBody | undefined,
  more: string,
): DispatchedRequest {
  const { query, ...rest } = options;
  const path = query === undefined ? target : withQuery(target, query);
  const { origin, scheme, authority, settings } = destination;
  const usual = settings.values.headers as HeadersInput | null;
  const headers = fieldsOver(usual, options.headers ?? []);
  const has = (wanted: string): boolean => headers.some(([name]) => name.toLowerCase() === wanted);
  if (body?.type !== undefined && !has('content-type')) headers.push(['Content-Type', body.type]);
  const parts = more.split('\0');
  for (let place = 0; place + 1 < parts.length; place += 2) headers.push([parts[place], parts[place + 1]]);
  return {
    ...rest,
    url: userinfo === '' ? `${origin}${path}` : `${scheme}://${userinfo}@${authority}${path}`,
    method: options.method ?? 'GET',
    headers,
    ...(body === undefined || body.isNone ? null : { body: body.whole ?? body }),
  };
}

/** A request that a function serves in place of the network; what becomes of it is a response. */
export class HandedExchange implements DispatchHandler {
  over = false;
  /** Called once it is over, however it ended. */
  onOver: (() => void) | undefined;
  private readonly _rules: ResponseRules;
  private readonly _recipient: Recipient;
  private readonly _signal: AbortSignal | undefined;
  private _control: ExchangeControl | undefined;
  private _body: HandedBody | undefined;
  private _timer: NodeJS.Timeout | undefined;
  private _onAbort: (() => void) | undefined;

  constructor(
    { url, destination }: RequestTarget,
    options: RequestOptions,
    body: RequestBody | undefined,
    recipient: Recipient,
  ) {
    const { settings } = destination;
    const { maxMemoryPerRequest: own } = options;
    const maxMemory = own !== undefined ? own : settings.values.maxMemoryPerRequest;
    const memory = maxMemory === null ? null : new RequestMemory(maxMemory);
    if (body?.whole !== undefined) memory?.take(Buffer.byteLength(body.whole));
    this._rules = rulesOf(url, options, settings, memory);
    this._recipient = recipient;
    this._signal = options.signal;
  }

  /** Begins; `total`: ms from `timings.start`, 0 for none. */
  start(fn: DispatchFunction, request: DispatchedRequest, next: Dispatch, total: number): void {
    const signal = this._signal;
    if (signal?.aborted === true) return this.onError(abortError(signal));
    if (signal !== undefined) {
      this._onAbort = () => this.cancel(abortError(signal));
      signal.addEventListener('abort', this._onAbort, { once: true });
    }
    if (total > 0) {
      const left = Math.max(1, total - (performance.now() - this._recipient.timings.start));
      this._timer = setTimeout(() => this.cancel(late(total, performance.now() - this._recipient.timings.start)), left);
    }
    this._control = Receiver.run(fn, request, this, next, this._recipient.timings);
  }

  cancel(error: unknown): void {
    if (!this.over) this._control?.abort(error);
  }

  onInformational(status: number, headers: HeaderView): void {
    this._rules.onInformational?.(status, headers);
  }

  onResponse(head: ResponseHead, control: ExchangeControl): void {
    this._control = control;
    const rules = this._rules;
    const { status, statusText, headers, httpVersion, timings } = head;
    const text = statusText + headers.raw.map((part) => `${part}\0`).join('');
    try {
      rules.memory?.take(text.length);
    } catch (error) {
      return control.abort(error);
    }
    this._body = new HandedBody(rules, {
      resume: () => control.resume(),
      cancel: (error) => this.cancel(error),
    });
    this._recipient.answered(
      new ClientResponse({
        flags: (httpVersion === '1.1' ? RESPONSE_HTTP_1_1 : 0) | (headers.has('content-encoding') ? RESPONSE_CODED : 0),
        a: status * 2 ** 20 + statusText.length,
        head: text,
        whole: undefined,
        incoming: this._body,
        rules,
        decompress: rules.decompress,
        url: rules.url,
        timings,
        exchange: this,
      }),
    );
  }

  onData(chunk: Uint8Array): boolean {
    return this._body?.push(chunk) ?? false;
  }

  onEnd(trailers: HeaderView | null): void {
    this.finish();
    this._body?.end(trailers);
  }

  onError(error: unknown): void {
    this.finish();
    if (this._body === undefined) this._recipient.failed(error);
    else this._body.fail(error);
  }

  private finish(): void {
    this.over = true;
    clearTimeout(this._timer);
    if (this._onAbort !== undefined) this._signal?.removeEventListener('abort', this._onAbort);
    this.onOver?.();
  }
}

function late(value: number, took: number): MillraceError {
  const seen = Math.max(value, Math.round(took));
  return new MillraceError('MILLRACE_TOTAL_TIMEOUT', undefined, { limit: { option: 'timeouts.total', value, seen } });
}
