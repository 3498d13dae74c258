import type { HeadersInput } from '../message/head-text.js';
import { headText } from '../message/head-text.js';
import type { FieldLine } from '../message/field-cache.js';
import { knownField, lineOf, UNREADY } from '../message/field-cache.js';
import { native } from '../native/loader.js';
import { takesBody } from './response-head.js';
import { outOfRange } from '../errors/millrace-error.js';

type BodyInit = NonNullable<ConstructorParameters<typeof globalThis.Response>[0]>;

/** What the fast path reads of a response. */
export interface Prepared {
  status: number;
  reason: string;
  head: string;
  /** The number of a remembered head that is the same; below zero: there is none. */
  ready: number;
  /** Whether the core takes any body with it. */
  ordinary: boolean;
  body: string | Uint8Array | undefined;
}

/**
 * The web standard's Response, made when looked into. Status, fields and a body of text or bytes are kept as given and
 * cross to the native core in one call; everything else goes to a platform Response that is built then.
 * `instanceof` the platform's holds.
 */
export class LazyResponse {
  private readonly _body: BodyInit | null | undefined;
  private readonly _init: ResponseInit | undefined;
  private _platform: globalThis.Response | undefined;

  constructor(body?: BodyInit | null, init?: ResponseInit) {
    if (!linked) linkPrototype();
    const status = init?.status;
    if (status !== undefined && (!Number.isInteger(status) || status < 200 || status > 599)) {
      throw outOfRange(`a status must be an integer from 200 to 599, got ${String(status)}`);
    }
    this._body = body;
    this._init = init;
    this._platform = undefined;
  }

  static json(data: unknown, init?: ResponseInit): LazyResponse {
    const headers = new Headers(init?.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new LazyResponse(JSON.stringify(data), { ...init, headers });
  }

  static error(): globalThis.Response {
    return globalThis.Response.error();
  }

  static redirect(url: string | URL, status: 301 | 302 | 303 | 307 | 308 = 302): globalThis.Response {
    return globalThis.Response.redirect(url, status);
  }

  get status(): number {
    return this._platform?.status ?? this._init?.status ?? 200;
  }

  get ok(): boolean {
    return this.status < 300;
  }

  get statusText(): string {
    return this._platform?.statusText ?? this._init?.statusText ?? '';
  }

  get headers(): Headers {
    return this.platform().headers;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.platform().body;
  }

  get bodyUsed(): boolean {
    return this._platform?.bodyUsed ?? false;
  }

  get redirected(): boolean {
    return false;
  }

  get type(): globalThis.Response['type'] {
    return 'default';
  }

  get url(): string {
    return '';
  }

  text(): Promise<string> {
    return this.platform().text();
  }

  json(): Promise<unknown> {
    return this.platform().json();
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.platform().arrayBuffer();
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await this.platform().arrayBuffer());
  }

  blob(): Promise<Blob> {
    return this.platform().blob();
  }

  formData(): Promise<FormData> {
    return this.platform().formData();
  }

  clone(): globalThis.Response {
    return this.platform().clone();
  }

  /** The platform's object, from now on the owner of the body. */
  platform(): globalThis.Response {
    return (this._platform ??= new globalThis.Response(this._body, this._init));
  }

  /** Head and body in the form that crosses in one call; undefined where a platform object owns them. */
  prepared(): Prepared | undefined {
    if (this._platform !== undefined) return undefined;
    const body = this._body;
    const isText = typeof body === 'string';
    if (body !== undefined && body !== null && !isText && !(body instanceof Uint8Array)) return undefined;
    const init = this._init;
    const given = init?.headers;
    let head = '';
    let ready = 0;
    let frames = false;
    if (given === undefined) {
      if (isText) {
        head = TEXT;
        ready = textReady ??= native.rememberHead(TEXT);
      }
    } else {
      head = headOf(given as HeadersInput, isText);
      // One field is its text, which is the same string as long as the value is.
      if (latestLine !== undefined && latestLine.text === head) {
        ready = latestLine.ready;
        frames = latestLine.field.frames;
      } else {
        ready = UNREADY;
      }
    }
    const status = init?.status ?? 200;
    const ordinary = !frames && takesBody(status);
    return { status, reason: init?.statusText ?? '', head, ready, ordinary, body: body ?? undefined };
  }
}

/** The fields as they cross; text gets a Content-Type unless there is one. One literal object with one field is common. */
function headOf(given: HeadersInput, isText: boolean): string {
  let head = '';
  let typed = !isText;
  if (Symbol.iterator in given) {
    head = headText(given);
    typed ||= /(?:^|\0)content-type\0/i.test(head);
  } else {
    for (const name in given) {
      const value = given[name];
      const field = knownField(name);
      if (field.lower === 'content-type') typed = true;
      if (typeof value === 'string') {
        latestLine = lineOf(field, value);
        head = head === '' ? latestLine.text : head + latestLine.text;
      } else if (value !== undefined) {
        head += headText([[name, String(value)]]);
      }
    }
  }
  return typed ? head : head + TEXT;
}

/** The line that was made last: where a head is its text, it is the head. */
let latestLine: FieldLine | undefined;
let textReady: number | undefined;
const TEXT = 'content-type\0text/plain;charset=UTF-8\0';
let linked = false;

/** Put off until the first object: the platform's class takes milliseconds to load. */
function linkPrototype(): void {
  linked = true;
  Object.setPrototypeOf(LazyResponse.prototype, globalThis.Response.prototype);
}
