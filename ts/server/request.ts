import type { Blob } from 'node:buffer';
import type { Readable } from 'node:stream';

import type { MillraceError } from '../errors/millrace-error.js';
import { REQUEST_HAS_BODY, REQUEST_HTTP_1_1, REQUEST_TLS } from '../native/events.js';
import { native } from '../native/loader.js';
import type { TlsFacts } from '../tls/tls-facts.js';
import { tlsFactsOf } from '../tls/tls-facts.js';
import { HeaderView } from '../message/header-view.js';
import { IncomingBody } from '../message/incoming-body.js';
import { METHODS } from './methods.js';
import type { RequestLimits } from './request-limits.js';
import { requestLimits } from './request-limits.js';
import { webRequest } from './web-request.js';

const SLASH = 47;
const MARK = 63;

/** A request: head, body, and a signal that says whether its client is still there. */
export class ServerRequest implements AsyncIterable<Uint8Array> {
  /** The exchange's id in the native core. */
  readonly id: number;
  private readonly _head: string;
  private readonly _targetLength: number;
  private readonly _method: number;
  private readonly _flags: number;
  private readonly _limit: number;
  private _headers: HeaderView | undefined;
  private _body: IncomingBody | undefined;
  private _abort: AbortController | undefined;
  private _gone: MillraceError | undefined;
  private _address: string[] | undefined;
  private _tls: TlsFacts | null | undefined;

  /** Made by the server. */
  constructor(id: number, head: string, targetLength: number, method: number, flags: number, limit: number) {
    this.id = id;
    this._head = head;
    this._targetLength = targetLength;
    this._method = method;
    this._flags = flags;
    this._limit = limit;
    this._headers = undefined;
    this._body = undefined;
    this._abort = undefined;
    this._gone = undefined;
    this._address = undefined;
    this._tls = undefined;
  }

  get method(): string {
    return METHODS[this._method];
  }

  /** The request target as it came: origin-form, mostly. */
  get url(): string {
    return this._head.slice(0, this._targetLength);
  }

  /** The target up to the question mark; of an absolute-form target, its path. */
  get path(): string {
    const head = this._head;
    const length = this._targetLength;
    if (head.charCodeAt(0) === SLASH) {
      // A loop, because targets are short: neither a copy of the target nor a call to search it.
      let end = 1;
      while (end < length && head.charCodeAt(end) !== MARK) end++;
      return head.slice(0, end);
    }
    const url = originForm(this.url);
    const mark = url.indexOf('?');
    return mark < 0 ? url : url.slice(0, mark);
  }

  /** What follows the question mark, without it. */
  get query(): string {
    const url = this.url;
    const mark = url.indexOf('?');
    return mark < 0 ? '' : url.slice(mark + 1);
  }

  get httpVersion(): '1.0' | '1.1' {
    return (this._flags & REQUEST_HTTP_1_1) !== 0 ? '1.1' : '1.0';
  }

  get headers(): HeaderView {
    return (this._headers ??= new HeaderView(this._head, this._targetLength));
  }

  /** The client, as the PROXY protocol names it where that is on; empty for Unix sockets and injected requests. */
  get remoteAddress(): string {
    return this.addressParts()[0];
  }

  get remotePort(): number {
    return Number(this.addressParts()[1]);
  }

  /** Facts of TLS; null on a plain connection. Read it while the connection lives: it is kept from then on. */
  get tls(): TlsFacts | null {
    if ((this._flags & REQUEST_TLS) === 0) return null;
    return (this._tls ??= tlsFactsOf(this.id));
  }

  /** Whether it came through TLS. */
  get isSecure(): boolean {
    return (this._flags & REQUEST_TLS) !== 0;
  }

  /** The trailer section, once the body has ended and if it had one. */
  get trailers(): HeaderView | null {
    return this._body?.trailers ?? null;
  }

  /** Whether the request has arrived whole. */
  get complete(): boolean {
    return this._body === undefined ? (this._flags & REQUEST_HAS_BODY) === 0 : this._body.ended;
  }

  /** Aborted when the client goes away. Made when first read. */
  get signal(): AbortSignal {
    if (this._abort === undefined) {
      this._abort = new AbortController();
      if (this._gone !== undefined) this._abort.abort(this._gone);
    }
    return this._abort.signal;
  }

  get used(): boolean {
    return this._body?.used ?? false;
  }

  text(): Promise<string> {
    return this.body().text();
  }

  json<T = unknown>(): Promise<T> {
    return this.body().json<T>();
  }

  bytes(): Promise<Uint8Array> {
    return this.body().bytes();
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.body().arrayBuffer();
  }

  blob(): Promise<Blob> {
    return this.body().blob(this.headers.get('content-type'));
  }

  dump(limit?: number): Promise<void> {
    return this.body().dump(limit);
  }

  readable(): Readable {
    return this.body().readable();
  }

  stream(): ReadableStream<Uint8Array> {
    return this.body().stream();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.body()[Symbol.asyncIterator]();
  }

  /**
   * Sets limits of this request in place of its server's. One that is passed already acts at once. A body whose
   * declared length is above the server's `maxBodySize` was refused before: raise that one, and lower it here.
   */
  setLimits(limits: RequestLimits): void {
    const [bodySize, bodyTimeout, requestTimeout, minReceiveRate] = requestLimits(limits);
    // The body is there to be told, should it be too large already. An exchange that is over has no limits.
    if (this.hasBody) this.body();
    native.setLimits(this.id, bodySize, bodyTimeout, requestTimeout, minReceiveRate);
  }

  /** The same request in the web standard's shape. */
  toWeb(): Request {
    return webRequest(this);
  }

  /** Whether a body follows the head. */
  get hasBody(): boolean {
    return (this._flags & REQUEST_HAS_BODY) !== 0;
  }

  /** @internal Why the body did not arrive whole, though the client is there. */
  get bodyFailure(): MillraceError | undefined {
    return this._body?.failure;
  }

  /** @internal */
  body(): IncomingBody {
    if (this._body === undefined) {
      this._body = new IncomingBody(this.id, this._limit, !this.hasBody);
      if (this._gone !== undefined) this._body.fail(this._gone);
    }
    return this._body;
  }

  /** @internal An event of the native core; says whether it was the request's. */
  handleEvent(kind: number, flags: number, a: number, b: number, value: unknown): boolean {
    return this._body?.handleBodyEvent(kind, flags, a, b, value) ?? false;
  }

  /** @internal The client has gone; `whole` when the exchange went with it. */
  leave(reason: MillraceError, whole: boolean): void {
    this._gone ??= reason;
    if (whole) this._body?.fail(reason);
    this._abort?.abort(reason);
  }

  /** @internal */
  get gone(): MillraceError | undefined {
    return this._gone;
  }

  private addressParts(): string[] {
    return (this._address ??= (native.address(this.id) || '\0\0\0').split('\0'));
  }
}

/** The path and query of an absolute-form target (RFC 9112 §3.2.2); an empty path is `/` (RFC 9110 §4.2.3). */
function originForm(url: string): string {
  if (url.charCodeAt(0) === SLASH || !/^https?:\/\//i.test(url)) return url;
  const authority = url.indexOf('//') + 2;
  const end = url.slice(authority).search(/[/?]/);
  if (end < 0) return '/';
  const rest = url.slice(authority + end);
  return rest.charCodeAt(0) === SLASH ? rest : `/${rest}`;
}
