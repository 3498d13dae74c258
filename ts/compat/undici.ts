import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';

import type { ClientOptions, DispatchHandler, ExchangeControl, HeaderView, ResponseHead } from '../index.js';
import { Client } from '../index.js';

/** A request as undici's `dispatch` takes it. */
export interface UndiciOptions {
  readonly origin?: string | URL;
  readonly path: string;
  readonly method: string;
  readonly headers?:
    readonly string[] | Record<string, string | string[] | undefined> | Iterable<[string, string]> | null;
  readonly body?: unknown;
  readonly query?: Record<string, unknown>;
  readonly idempotent?: boolean;
  readonly upgrade?: boolean | string | null;
  readonly headersTimeout?: number | null;
  readonly bodyTimeout?: number | null;
  readonly expectContinue?: boolean;
}

/** A handler of undici v6, and of v7 where it is told so. */
interface LegacyHandler {
  onConnect?(abort: (reason?: unknown) => void, context?: unknown): void;
  onUpgrade?(status: number, headers: Buffer[], socket: unknown): void;
  onHeaders?(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean | void;
  onData?(chunk: Buffer): boolean | void;
  onComplete?(trailers: Buffer[]): void;
  onError?(error: unknown): void;
}

/** A handler of undici v7 and v8. */
interface ControllerHandler {
  onRequestStart(controller: Controller, context: unknown): void;
  onRequestUpgrade?(controller: Controller, status: number, headers: Fields, socket: unknown): void;
  onResponseStart?(controller: Controller, status: number, headers: Fields, statusText: string): void;
  onResponseData?(controller: Controller, chunk: Buffer): void;
  onResponseEnd?(controller: Controller, trailers: Fields): void;
  onResponseError?(controller: Controller, error: unknown): void;
}

type Fields = Record<string, string | string[]>;
export type UndiciHandler = LegacyHandler | ControllerHandler;

const GLOBAL = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')];

/**
 * undici's Dispatcher over a client of ours: for `setGlobalDispatcher` and the `dispatcher` option of undici v6 to v8, and
 * for Node's own fetch. Redirects, retries and codings stay undici's affair.
 */
export class Dispatcher extends EventEmitter {
  readonly client: Client;

  constructor(options: ClientOptions | Client = {}) {
    super();
    this.client = options instanceof Client ? options : new Client({ ...options, decompress: false });
  }

  /** Sends a request; what becomes of it are calls of the handler, of either kind. Never asks to be spared for now. */
  dispatch(options: UndiciOptions, handler: UndiciHandler): boolean {
    const told = 'onRequestStart' in handler ? new Controlled(handler) : new Legacy(handler);
    try {
      told.start();
      if (told.aborted) return true;
      if (options.upgrade || options.method === 'CONNECT') this.upgrade(options, told);
      else told.control = this.client.dispatch(requestOf(options), told);
    } catch (error) {
      told.onError(error);
    }
    return true;
  }

  close(callback?: () => void): Promise<void> {
    const closed = this.client.close();
    if (callback !== undefined) closed.then(callback, callback);
    return closed;
  }

  destroy(error?: Error | null | (() => void), callback?: () => void): Promise<void> {
    this.client.destroy(error instanceof Error ? error : undefined);
    const done = typeof error === 'function' ? error : callback;
    if (done !== undefined) queueMicrotask(done);
    return Promise.resolve();
  }

  private upgrade(options: UndiciOptions, told: Told): void {
    const { url, body: _body, method, ...rest } = requestOf(options);
    const protocol = typeof options.upgrade === 'string' ? options.upgrade : 'websocket';
    this.client.upgrade(url, { ...rest, method, protocol }).then(
      ({ socket, head, response }) => {
        const duplex = socket.asDuplex();
        if (head.byteLength > 0) duplex.unshift(Buffer.from(head));
        told.upgraded(response.status, response.headers, duplex);
      },
      (error: unknown) => told.onError(error),
    );
  }
}

/** Has every `fetch` of this thread, and undici's functions, go over a dispatcher; answers with what puts it back.
 * `global` is another realm's, as tests of Jest have one. */
export function setGlobalDispatcher(dispatcher: Dispatcher, global: object = globalThis): () => void {
  const scope = global as Record<symbol, unknown>;
  // Node loads its own undici when the first of its names is asked for, and only then is there one to put back.
  Reflect.get(scope, 'Response');
  const before = GLOBAL.map((key) => Object.getOwnPropertyDescriptor(scope, key));
  for (const [place, key] of GLOBAL.entries()) {
    // Node's own cannot be defined anew, but written.
    if (before[place] !== undefined) scope[key] = dispatcher;
    else
      Object.defineProperty(scope, key, { value: dispatcher, writable: true, configurable: true, enumerable: false });
  }
  return () => {
    for (const [place, key] of GLOBAL.entries()) {
      const one = before[place];
      if (one === undefined) Reflect.deleteProperty(scope, key);
      else scope[key] = one.value;
    }
  };
}

function requestOf(options: UndiciOptions): Parameters<Client['dispatch']>[0] & { method: string } {
  const { origin, path, method, headers, body, query, idempotent, headersTimeout, bodyTimeout, expectContinue } =
    options;
  const url = new URL(path, origin);
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.append(name, String(value));
  const timeouts = {
    ...(headersTimeout === undefined ? null : { headers: headersTimeout || null }),
    ...(bodyTimeout === undefined ? null : { body: bodyTimeout || null }),
  };
  return {
    url,
    method,
    headers: pairsOf(headers),
    timeouts,
    decompress: false,
    ...(body === undefined || body === null ? null : { body: body as Readable }),
    ...(idempotent === undefined ? null : { idempotent }),
    ...(expectContinue === true ? { expectContinue: 1_000 } : null),
  };
}

/** undici's list of names and values in turn, its object, or pairs. Framing is the client's own affair. */
function pairsOf(headers: UndiciOptions['headers']): [string, string][] {
  const pairs: [string, string][] = [];
  const add = (name: string, value: unknown): void => {
    if (value === undefined || value === null) return;
    const lower = name.toLowerCase();
    if (lower === 'transfer-encoding' || lower === 'expect' || (lower === 'connection' && value === 'keep-alive'))
      return;
    for (const one of Array.isArray(value) ? value : [value]) pairs.push([name, String(one)]);
  };
  if (headers === undefined || headers === null) return pairs;
  if (Array.isArray(headers) && (headers.length === 0 || typeof headers[0] === 'string')) {
    for (let place = 0; place + 1 < headers.length; place += 2) add(String(headers[place]), headers[place + 1]);
  } else if (Symbol.iterator in headers) {
    for (const [name, value] of headers as Iterable<[string, string]>) add(name, value);
  } else {
    for (const [name, value] of Object.entries(headers)) add(name, value);
  }
  return pairs;
}

/** Tells a handler of either kind. */
interface Told extends DispatchHandler {
  control: ExchangeControl | undefined;
  aborted: boolean;
  start(): void;
  upgraded(status: number, headers: HeaderView, socket: unknown): void;
}

const asBuffer = (chunk: Uint8Array): Buffer =>
  Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
const rawOf = (headers: HeaderView | null): Buffer[] =>
  headers === null ? [] : headers.raw.map((text) => Buffer.from(text, 'latin1'));
const abortErrorOf = (reason: unknown): unknown =>
  reason ?? Object.assign(new Error('Request aborted'), { name: 'AbortError', code: 'UND_ERR_ABORTED' });

class Legacy implements Told {
  control: ExchangeControl | undefined;
  aborted = false;
  private readonly _handler: LegacyHandler;

  constructor(handler: LegacyHandler) {
    this._handler = handler;
  }

  start(): void {
    this._handler.onConnect?.((reason) => this.abort(reason), null);
  }

  onInformational(status: number, headers: HeaderView): void {
    this._handler.onHeaders?.(status, rawOf(headers), () => undefined, '');
  }

  onResponse({ status, statusText, headers }: ResponseHead, control: ExchangeControl): void {
    this.control = control;
    if (this._handler.onHeaders?.(status, rawOf(headers), () => control.resume(), statusText) === false)
      control.pause();
  }

  onData(chunk: Uint8Array): boolean {
    return this._handler.onData?.(asBuffer(chunk)) !== false;
  }

  onEnd(trailers: HeaderView | null): void {
    this._handler.onComplete?.(rawOf(trailers));
  }

  onError(error: unknown): void {
    this._handler.onError?.(error);
  }

  upgraded(status: number, headers: HeaderView, socket: unknown): void {
    this._handler.onUpgrade?.(status, rawOf(headers), socket);
  }

  private abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    if (this.control === undefined) this.onError(abortErrorOf(reason));
    else this.control.abort(abortErrorOf(reason));
  }
}

/** What a handler of v7 and v8 steers its request by. */
class Controller {
  aborted = false;
  reason: unknown = null;
  rawHeaders: Buffer[] | null = null;
  rawTrailers: Buffer[] | null = null;
  private readonly _told: Controlled;

  constructor(told: Controlled) {
    this._told = told;
  }

  get paused(): boolean {
    return this._told.control?.paused ?? false;
  }

  pause(): void {
    this._told.control?.pause();
  }

  resume(): void {
    this._told.control?.resume();
  }

  abort(reason?: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = abortErrorOf(reason);
    this._told.stop(this.reason);
  }
}

class Controlled implements Told {
  control: ExchangeControl | undefined;
  aborted = false;
  private readonly _handler: ControllerHandler;
  private readonly _controller = new Controller(this);

  constructor(handler: ControllerHandler) {
    this._handler = handler;
  }

  start(): void {
    this._handler.onRequestStart(this._controller, {});
  }

  onInformational(status: number, headers: HeaderView): void {
    this._handler.onResponseStart?.(this._controller, status, headers.toObject(), '');
  }

  onResponse({ status, statusText, headers }: ResponseHead, control: ExchangeControl): void {
    this.control = control;
    this._controller.rawHeaders = rawOf(headers);
    this._handler.onResponseStart?.(this._controller, status, headers.toObject(), statusText);
  }

  onData(chunk: Uint8Array): void {
    this._handler.onResponseData?.(this._controller, asBuffer(chunk));
  }

  onEnd(trailers: HeaderView | null): void {
    this._controller.rawTrailers = rawOf(trailers);
    this._handler.onResponseEnd?.(this._controller, trailers === null ? {} : trailers.toObject());
  }

  onError(error: unknown): void {
    this._handler.onResponseError?.(this._controller, error);
  }

  upgraded(status: number, headers: HeaderView, socket: unknown): void {
    this._handler.onRequestUpgrade?.(this._controller, status, headers.toObject(), socket);
  }

  stop(reason: unknown): void {
    this.aborted = true;
    if (this.control === undefined) this.onError(reason);
    else this.control.abort(reason);
  }
}
