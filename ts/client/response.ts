import type { HeadersInput } from '../message/head-text.js';
import { checkValue, headText } from '../message/head-text.js';
import { HeaderView } from '../message/header-view.js';
import type { BodyInput } from '../message/outgoing-body.js';
import { describeValue } from '../errors/escape.js';
import { outOfRange } from '../errors/millrace-error.js';
import { RESPONSE_CODED, RESPONSE_HTTP_1_1 } from '../native/events.js';
import { contentCodings } from './content-coding.js';
import { madeBody } from './made-body.js';
import { Timings } from './timings.js';
import type { ArrivingBody, BodyRules } from './response-body.js';
import { ResponseBody } from './response-body.js';

/** What comes before the body. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HeaderView;
  /** Where it came from, after redirects. */
  readonly url: string;
  readonly httpVersion: string;
  readonly timings: Timings;
}

/** What a response is made of; the numbers are those of the core's event. */
export interface ResponseParts {
  readonly flags: number;
  readonly a: number;
  readonly head: string;
  readonly whole: string | Uint8Array | undefined;
  readonly incoming: ArrivingBody | undefined;
  readonly rules: BodyRules;
  readonly decompress: boolean;
  readonly url: string;
  readonly timings: Timings;
  readonly exchange: { readonly over: boolean; onOver: (() => void) | undefined; cancel(error: unknown): void };
}

/** A response that a program makes. */
export interface ResponseInit {
  /** 200 unless given. */
  readonly status?: number | undefined;
  readonly statusText?: string | undefined;
  readonly headers?: HeadersInput | HeaderView | undefined;
  /** Any that can be sent; it is taken as it is asked for. */
  readonly body?: BodyInput | undefined;
  readonly trailers?: HeadersInput | undefined;
  readonly url?: string | URL | undefined;
}

/** A response; its fields are looked up and its body read when asked. */
export class ClientResponse implements ResponseHead {
  readonly status: number;
  readonly url: string;
  readonly timings: Timings;
  /** How many redirects led here. */
  redirects = 0;
  private readonly _parts: ResponseParts;
  private _headers: HeaderView | undefined;
  private _body: ResponseBody | undefined;

  constructor(parts: ResponseParts) {
    this.status = parts.a >>> 20;
    this.url = parts.url;
    this.timings = parts.timings;
    this._parts = parts;
  }

  /** One that no server gave: what an interceptor answers with by itself. */
  static of({
    status = 200,
    statusText = '',
    headers = [],
    body = null,
    trailers,
    url = '',
  }: ResponseInit = {}): ClientResponse {
    if (!Number.isInteger(status) || status < 200 || status > 999) {
      throw outOfRange(
        `ClientResponse.of: option 'status' must be an integer from 200 to 999, got ${describeValue(status)}`,
      );
    }
    checkValue('statusText', statusText);
    const made = madeBody(body, trailers === undefined ? null : new HeaderView(headText(trailers)));
    const fields = headText(headers);
    return new ClientResponse({
      flags: RESPONSE_HTTP_1_1,
      a: status * 2 ** 20 + statusText.length,
      head: `${statusText}${fields}`,
      whole: made.whole,
      incoming: made.incoming,
      rules: made.rules,
      decompress: false,
      url: String(url),
      timings: new Timings(),
      exchange: made.exchange,
    });
  }

  get statusText(): string {
    return this._parts.head.slice(0, this._parts.a & 0xfffff);
  }

  get headers(): HeaderView {
    return (this._headers ??= new HeaderView(this._parts.head, this._parts.a & 0xfffff));
  }

  get httpVersion(): string {
    return (this._parts.flags & RESPONSE_HTTP_1_1) !== 0 ? '1.1' : '1.0';
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get body(): ResponseBody {
    return (this._body ??= this.makeBody());
  }

  /** The trailer section, once the body has been read to its end; null where there is none. */
  get trailers(): Promise<HeaderView | null> {
    const { incoming } = this._parts;
    return incoming === undefined ? Promise.resolve(null) : incoming.whenOver().then(() => incoming.trailers);
  }

  /** @internal */
  get exchange(): ResponseParts['exchange'] {
    return this._parts.exchange;
  }

  /** @internal Resolves when its exchange is over and the connection another's. */
  settled(): Promise<void> {
    const { exchange } = this._parts;
    if (exchange.over) return Promise.resolve();
    return new Promise((resolve) => (exchange.onOver = resolve));
  }

  text(): Promise<string> {
    return this.body.text();
  }

  json<T = unknown>(): Promise<T> {
    return this.body.json<T>();
  }

  bytes(): Promise<Uint8Array> {
    return this.body.bytes();
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.body.arrayBuffer();
  }

  dump(limit?: number): Promise<void> {
    return this.body.dump(limit);
  }

  private makeBody(): ResponseBody {
    const { flags, decompress, whole, incoming, rules } = this._parts;
    const coded = decompress && (flags & RESPONSE_CODED) !== 0;
    // One that is not known is the caller's to undo.
    const codings = coded ? contentCodings(this.headers.get('content-encoding')) : null;
    return new ResponseBody(whole, incoming, codings ?? [], rules);
  }
}
