import { inspectedAs } from '../errors/inspected-as.js';
import { misuse } from '../errors/millrace-error.js';
import { isFieldText, isToken } from '../message/grammar.js';
import type { ObservedSocket } from '../pool/connect-channels.js';
import type { ObservedRequest } from './channels.js';
import { CHANNELS, isObserved, UNDICI_CHANNELS } from './channels.js';
import type { Timings } from './timings.js';

/**
 * A request in the shape of undici's own, which its subscribers read and add fields to. `headers` is the one list that
 * the head is made of afterwards.
 */
export class UndiciRequest implements ObservedRequest {
  readonly origin: string;
  readonly method: string;
  readonly path: string;
  readonly protocol: string;
  readonly idempotent: boolean;
  readonly upgrade: string | null;
  readonly servername: string | null = null;
  readonly headers: string[];
  completed = false;
  aborted = false;

  constructor({ origin, method, path, headers }: ObservedRequest, idempotent: boolean, upgrade: string | null) {
    this.origin = origin;
    this.method = method;
    this.path = path;
    this.protocol = origin.slice(0, origin.indexOf(':') + 1);
    this.idempotent = idempotent;
    this.upgrade = upgrade;
    this.headers = [...headers];
  }

  get host(): string | null {
    return this.field('host');
  }

  get contentType(): string | null {
    return this.field('content-type');
  }

  get contentLength(): number | null {
    const value = this.field('content-length');
    return value === null ? null : Number(value);
  }

  /** Adds a field to the head that is about to be made. */
  addHeader(name: string, value: string): this {
    if (!isToken(name) || !isFieldText(value)) {
      throw misuse('MILLRACE_INVALID_ARGUMENT', 'addHeader: the field has bytes that no field may have');
    }
    this.headers.push(name, value);
    return this;
  }

  private field(name: string): string | null {
    const { headers } = this;
    for (let place = 0; place < headers.length; place += 2) {
      if (headers[place].toLowerCase() === name) return headers[place + 1];
    }
    return null;
  }
}

/** What an exchange begins with. */
export interface ExchangeFacts extends ObservedRequest {
  readonly idempotent?: boolean;
  readonly upgrade?: string | null;
}

/**
 * Tells the subscribers of the channels what happens to one try of a request. There is one only where somebody listens:
 *
 *     const events = ExchangeEvents.begin(facts);      // null: nobody listens
 *     const headers = events?.request.headers ?? facts.headers;   // with what subscribers have added
 *
 * The order is `sent` (head), `bodyChunkSent`…, `bodySent`, `answered`, `bodyChunkReceived`…, then `finished` or `failed`,
 * of which only the first counts.
 */
export class ExchangeEvents {
  readonly request: UndiciRequest;
  private _status = 0;
  private _isOver = false;

  private constructor(request: UndiciRequest) {
    this.request = request;
  }

  /** Tells of the request before its head is made; null where nobody listens. */
  static begin(facts: ExchangeFacts): ExchangeEvents | null {
    if (!isObserved()) return null;
    const { method, idempotent = method === 'GET' || method === 'HEAD', upgrade = null } = facts;
    const request = new UndiciRequest(facts, idempotent, upgrade);
    if (UNDICI_CHANNELS.create.hasSubscribers) UNDICI_CHANNELS.create.publish({ request });
    if (CHANNELS.requestStart.hasSubscribers) CHANNELS.requestStart.publish({ request });
    return new ExchangeEvents(request);
  }

  /** The head is about to leave, over this connection. `head`: makes its text, with the empty line. */
  sent(head: () => string, socket: ObservedSocket): void {
    if (!UNDICI_CHANNELS.sendHeaders.hasSubscribers) return;
    UNDICI_CHANNELS.sendHeaders.publish({ request: this.request, headers: head(), socket });
  }

  bodyChunkSent(chunk: Uint8Array | string): void {
    if (!UNDICI_CHANNELS.bodyChunkSent.hasSubscribers) return;
    UNDICI_CHANNELS.bodyChunkSent.publish({ request: this.request, chunk });
  }

  /** The request is with the kernel, whole. */
  bodySent(): void {
    if (UNDICI_CHANNELS.bodySent.hasSubscribers) UNDICI_CHANNELS.bodySent.publish({ request: this.request });
  }

  /** The head of the final answer is there; `raw` is `[name, value, …]`. */
  answered(status: number, statusText: string, raw: readonly string[]): void {
    this._status = status;
    const { request } = this;
    if (UNDICI_CHANNELS.headers.hasSubscribers) {
      const response = { statusCode: status, statusText, headers: raw.map(bytesOf) };
      UNDICI_CHANNELS.headers.publish({ request, response });
    }
    if (CHANNELS.requestHeaders.hasSubscribers) {
      CHANNELS.requestHeaders.publish({ request, status, headers: raw });
    }
  }

  bodyChunkReceived(chunk: Uint8Array): void {
    if (!UNDICI_CHANNELS.bodyChunkReceived.hasSubscribers) return;
    UNDICI_CHANNELS.bodyChunkReceived.publish({ request: this.request, chunk });
  }

  /** The answer is there whole. */
  finished(trailers: readonly string[], timings: Timings): void {
    if (this._isOver) return;
    this._isOver = true;
    const { request } = this;
    request.completed = true;
    if (UNDICI_CHANNELS.trailers.hasSubscribers) {
      UNDICI_CHANNELS.trailers.publish({ request, trailers: trailers.map(bytesOf) });
    }
    if (CHANNELS.requestFinish.hasSubscribers) {
      CHANNELS.requestFinish.publish({ request, status: this._status, timings });
    }
  }

  /** It failed, or was given up. */
  failed(error: unknown): void {
    if (this._isOver) return;
    this._isOver = true;
    const { request } = this;
    if (UNDICI_CHANNELS.error.hasSubscribers) UNDICI_CHANNELS.error.publish({ request, error });
    request.aborted = true;
    if (CHANNELS.requestError.hasSubscribers) CHANNELS.requestError.publish({ request, error });
  }
}

/** As undici has them. */
function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Fields whose values are for the peer alone: who prints a message does not print them. */
const SECRET: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

inspectedAs(UndiciRequest, ({ origin, method, path, headers }) => ({
  ...{ origin, method, path },
  headers: headers.map((each, place) =>
    SECRET.has(headers[place - 1]?.toLowerCase()) && place % 2 === 1 ? '…' : each,
  ),
}));
