import { misuse, outOfRange } from '../errors/millrace-error.js';
import type { FieldLine } from '../message/field-cache.js';
import { knownField, lineOf, UNREADY } from '../message/field-cache.js';
import type { HeadersInput } from '../message/head-text.js';
import { checkValue, entriesOf } from '../message/head-text.js';
import { lowerName } from '../message/header-view.js';

/** Bits of `_state`. */
export const HEAD = 1;
export const ENDED = 2;
export const CLOSED = 4;
export const FULL = 8;
/** Set by WatchedResponse: the two `note…` methods are called, and `finished` is asked for. */
export const WATCHED = 16;
/** The exchange was over when we wanted to answer: that it was aborted is still to be told. */
export const LOST = 32;

interface Field {
  name: string;
  value: string | string[];
}

/** The head of a response as it is put together: status, reason and fields, until it is sent. */
export class ResponseHead {
  declare statusCode: number;
  declare statusMessage: string;
  /** How far the response is: the bits above. */
  declare protected _state: number;
  /** The fields, once there is more than one; the only one is the one below. */
  declare protected _fields: Map<string, Field> | undefined;
  declare private _only: FieldLine | undefined;

  /** @internal Sets every field, for whoever makes one. */
  protected static begin(head: ResponseHead): void {
    head.statusCode = 200;
    head.statusMessage = '';
    head._state = 0;
    head._fields = undefined;
    head._only = undefined;
  }

  /** Whether the head has gone out, or is queued to. */
  get headersSent(): boolean {
    return (this._state & HEAD) !== 0;
  }

  setHeader(name: string, value: string | number | readonly string[]): this {
    if (this.headersSent) this.mutable();
    const field = knownField(name);
    const only = this._only;
    if (typeof value === 'string' && this._fields === undefined && (only === undefined || only.field === field)) {
      this._only = lineOf(field, value);
      return this;
    }
    const checked = Array.isArray(value) ? value.map((one) => checkValue(name, one)) : checkValue(name, value);
    this.fields().set(field.lower, { name, value: checked });
    return this;
  }

  appendHeader(name: string, value: string | readonly string[]): this {
    const before = this.getHeader(name);
    if (before === undefined) return this.setHeader(name, value);
    const list = (one: string | readonly string[]): readonly string[] => (typeof one === 'string' ? [one] : one);
    return this.setHeader(name, [...list(before), ...list(value)]);
  }

  getHeader(name: string): string | string[] | undefined {
    const lower = lowerName(name);
    if (this._fields !== undefined) return this._fields.get(lower)?.value;
    return this._only?.field.lower === lower ? this._only.value : undefined;
  }

  removeHeader(name: string): void {
    this.mutable();
    this.fields().delete(lowerName(name));
  }

  /** @internal Whether a field was set. */
  get hasFields(): boolean {
    return this._only !== undefined || this._fields !== undefined;
  }

  /** Sets status, reason and fields, and queues the head; the body follows by `write` and `end`. */
  writeHead(status: number, reason?: string | HeadersInput, headers?: HeadersInput): this {
    this.mutable();
    const given = typeof reason === 'string' ? headers : (headers ?? reason);
    checkStatus(status);
    this.statusCode = status;
    if (typeof reason === 'string') this.statusMessage = reason;
    if (given !== undefined) {
      const names = new Set<string>();
      for (const [name, value] of entriesOf(given)) {
        const key = lowerName(name);
        if (names.has(key)) this.appendHeader(name, value);
        else this.setHeader(name, value);
        names.add(key);
      }
    }
    return this;
  }

  protected mutable(): void {
    if (this.headersSent) {
      throw misuse('MILLRACE_HTTP_HEADERS_SENT', 'the response head has gone out: fields and status come before that');
    }
  }

  /** The fields as a map, which the only one moves into. */
  private fields(): Map<string, Field> {
    if (this._fields === undefined) {
      this._fields = new Map();
      const only = this._only;
      if (only !== undefined) this._fields.set(only.field.lower, { name: only.field.name, value: only.value });
      this._only = undefined;
    }
    return this._fields;
  }

  /** The number of a remembered head that is these fields; 0: there are none; `UNREADY`: they must be given in full. */
  protected readyHead(): number {
    if (this._fields !== undefined || this.statusMessage !== '') return UNREADY;
    return this._only === undefined ? 0 : this._only.ready;
  }

  /** Whether the core takes any body with this status and these fields, where it remembers them. */
  protected isOrdinary(): boolean {
    return takesBody(this.statusCode) && (this._only === undefined || !this._only.field.frames);
  }

  protected headText(): string {
    let text = '';
    if (this._fields === undefined) return this._only?.text ?? '';
    for (const { name, value } of this._fields.values()) {
      if (typeof value === 'string') text += `${name}\0${value}\0`;
      else for (const one of value) text += `${name}\0${one}\0`;
    }
    return text;
  }

  /** Forgets the fields, and takes another status. */
  protected forget(status: number): void {
    this._fields = undefined;
    this._only = undefined;
    this.statusMessage = '';
    this.statusCode = status;
  }
}

/** 1xx have calls of their own, and 101 is for `onUpgrade`. */
export function checkStatus(status: number): void {
  if ((status | 0) !== status || status < 200 || status > 999) {
    throw outOfRange(`a status must be an integer from 200 to 999, got ${String(status)}`);
  }
}

/** Whether an answer of this status, which is one, may have a body. */
export function takesBody(status: number): boolean {
  return status === 200 || (status !== 204 && status !== 205 && status !== 304);
}
