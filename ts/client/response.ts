import { HeaderView } from '../message/header-view.js';
import type { IncomingBody } from '../message/incoming-body.js';
import { RESPONSE_CODED, RESPONSE_HTTP_1_1 } from '../native/events.js';
import { contentCodings } from './content-coding.js';
import type { Timings } from './timings.js';
import type { BodyRules } from './response-body.js';
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
  readonly incoming: IncomingBody | undefined;
  readonly rules: BodyRules;
  readonly decompress: boolean;
  readonly url: string;
  readonly timings: Timings;
  readonly exchange: { readonly over: boolean; onOver: (() => void) | undefined; cancel(error: unknown): void };
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
