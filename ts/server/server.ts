import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';

import { factsOf } from '../errors/code-table.js';
import { MillraceError } from '../errors/millrace-error.js';
import { isEnabled, logRecord } from '../log/log.js';
import { COUNTERS } from '../metrics/catalogue.generated.js';
import type { RequestSink } from '../native/events.js';
import { KIND, register, registerServer, unregisterServer } from '../native/events.js';
import { native } from '../native/loader.js';
import type { ServerOptionValues } from '../options/server.generated.js';
import { Socket } from '../net/socket.js';
import type { InjectOptions, InjectedResponse } from './inject.js';
import { inject } from './inject.js';
import { CompressedBody } from './compression/compressed-body.js';
import type { CompressionSettings } from './compression/options.js';
import { contextRunner } from './context.js';
import { ServerRequest } from './request.js';
import { ServerResponse } from './response.js';
import type { ServerStats } from './stats.js';
import { readStats, STATS_LENGTH } from './stats.js';
import { LazyResponse } from './web-response.js';

const HANDLER_ERRORS = COUNTERS.findIndex(({ key }) => key === 'millrace_http_server_handler_errors_total');

/** A server that listens. Its events are `close` and, for an error of a handler, `handlerError`. */
export class Server extends EventEmitter implements RequestSink {
  readonly id: number;
  private readonly _options: ServerOptionValues;
  // The option object is a dictionary: what every request needs is taken out of it once.
  private readonly _handler: Handler;
  private readonly _fetch: FetchHandler;
  private readonly _collectLimit: number;
  private readonly _place: { address: string; port: number } | string | null;
  private readonly _run: ReturnType<typeof contextRunner>;
  private readonly _invoke: (req: ServerRequest, res: ServerResponse) => void;
  private readonly _compression: CompressionSettings | undefined;
  private readonly _statsRow = new Float64Array(STATS_LENGTH);
  private _holds = false;
  private _closed: Promise<{ finished: number; forced: number }> | undefined;
  private _ended: ((counts: { finished: number; forced: number }) => void) | undefined;
  private _isClosed = false;

  /** Made by `serve`. */
  constructor(
    id: number,
    options: ServerOptionValues,
    place: { address: string; port: number } | string | null,
    compression?: CompressionSettings,
  ) {
    super();
    this.id = id;
    this._options = options;
    this._place = place;
    this._handler = options.handler as Handler;
    this._fetch = options.fetch as FetchHandler;
    this._collectLimit = options.maxCollectedSize;
    this._compression = compression;
    this._run = contextRunner();
    this._invoke =
      options.fetch === null ? (req, res) => this.invokeHandler(req, res) : (req, res) => this.invokeFetch(req, res);
    registerServer(id, this);
    this.ref();
  }

  /** The TCP port; 0 for a Unix socket. */
  get port(): number {
    return typeof this._place === 'object' && this._place !== null ? this._place.port : 0;
  }

  /** `http://…` of the address that it listens on. */
  get url(): string {
    if (typeof this._place === 'string') return `unix:${this._place}`;
    if (this._place === null) return '';
    const { address, port } = this._place;
    const host =
      address === '::' || address === '0.0.0.0' ? 'localhost' : address.includes(':') ? `[${address}]` : address;
    return `http://${host}:${port}/`;
  }

  address(): AddressInfo | string | null {
    if (this._place === null || typeof this._place === 'string') return this._place;
    const { address, port } = this._place;
    return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' };
  }

  /**
   * Stops accepting, answers what is in flight and what arrives on open connections with `Connection: close`, and
   * resolves when the last is done; after `timeout` ms (30 000) what is left is cut.
   */
  close({ timeout = 30_000 }: { timeout?: number } = {}): Promise<{ finished: number; forced: number }> {
    if (this._closed === undefined) {
      this._closed = new Promise((resolve) => (this._ended = resolve));
      const timer = setTimeout(() => native.forceServer(this.id), timeout);
      void this._closed.then(() => clearTimeout(timer));
      if (native.closeServer(this.id) === 0) this.handleServerEvent(KIND.serverClosed, 0, 0);
    }
    return this._closed;
  }

  /** Cuts everything now. */
  destroy(): void {
    if (this._closed === undefined) this._closed = new Promise((resolve) => (this._ended = resolve));
    native.forceServer(this.id);
  }

  /** A request without a socket. */
  inject(request: InjectOptions): Promise<InjectedResponse> {
    return inject(this.id, request);
  }

  stats(): ServerStats {
    return readStats(this.id, this._statsRow);
  }

  ref(): this {
    if (!this._holds && !this._isClosed) native.hold(1);
    this._holds = true;
    return this;
  }

  unref(): this {
    if (this._holds && !this._isClosed) native.hold(-1);
    this._holds = false;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  handleServerEvent(_kind: number, finished: number, forced: number): void {
    if (this._isClosed) return;
    unregisterServer(this.id);
    if (this._holds) native.hold(-1);
    this._isClosed = true;
    this._closed ??= Promise.resolve({ finished, forced });
    this._ended?.({ finished, forced });
    this.emit('close');
  }

  /** @internal */
  handleRequest(
    kind: number,
    flags: number,
    id: number,
    slot: number,
    targetLength: number,
    method: number,
    head: string,
    extra: Uint8Array | undefined,
  ): void {
    const req = new ServerRequest(id, head, targetLength, method, flags, this._collectLimit);
    if (kind !== KIND.request) {
      this.handleTunnel(kind, req, new Socket(id, slot), extra as Uint8Array);
      return;
    }
    const res = new ServerResponse(req, slot);
    if (this._compression !== undefined) res.codeBody(new CompressedBody(req, res, this._compression));
    register(slot, res);
    this._run(this._invoke, req, res);
  }

  private handleTunnel(kind: number, req: ServerRequest, socket: Socket, head: Uint8Array): void {
    const { onUpgrade, onConnect } = this._options;
    const hook = (kind === KIND.connect ? onConnect : onUpgrade) as TunnelHook | null;
    try {
      const result: unknown = this._run((r, s) => (hook === null ? s.destroy() : hook(r, s, head)), req, socket);
      if (isThenable(result)) result.then(undefined, (error) => this.tunnelFailed(error, req, socket));
    } catch (error) {
      this.tunnelFailed(error, req, socket);
    }
  }

  private tunnelFailed(error: unknown, req: ServerRequest, socket: Socket): void {
    socket.destroy();
    this.report(error, req);
  }

  private invokeHandler(req: ServerRequest, res: ServerResponse): void {
    try {
      const result: unknown = this._handler(req, res);
      if (isThenable(result)) result.then(undefined, (error) => this.failed(error, req, res));
    } catch (error) {
      this.failed(error, req, res);
    }
  }

  private invokeFetch(req: ServerRequest, res: ServerResponse): void {
    try {
      const result: unknown = this._fetch(req.toWeb(), { req });
      if (isThenable(result)) {
        result.then(
          (response) => this.respondWith(response, req, res),
          (error) => this.failed(error, req, res),
        );
      } else {
        this.respondWith(result, req, res);
      }
    } catch (error) {
      this.failed(error, req, res);
    }
  }

  /** Sends a Response, ours or the platform's. */
  private respondWith(response: unknown, req: ServerRequest, res: ServerResponse): void {
    try {
      if (response instanceof LazyResponse) {
        const prepared = response.prepared();
        if (prepared !== undefined) {
          res.sendPrepared(prepared);
          return;
        }
        response = response.platform();
      }
      if (!(response instanceof globalThis.Response)) {
        throw new MillraceError('MILLRACE_HANDLER_FAILED', `fetch must answer with a Response, got ${typeof response}`);
      }
      void sendPlatform(response, res).catch((error: unknown) => this.failed(error, req, res));
    } catch (error) {
      this.failed(error, req, res);
    }
  }

  /** A handler threw or rejected: `onError`, else the error's status or 500; or the exchange is cut. */
  private failed(error: unknown, req: ServerRequest, res: ServerResponse): void {
    if (req.gone !== undefined && (error === req.gone || res.closed)) return;
    let answer: unknown;
    try {
      this.report(error, req);
      answer = (this._options.onError as ErrorHook | null)?.(error, req);
    } catch (second) {
      this.report(second, req);
    }
    if (res.writableEnded || res.closed) return;
    if (res.headersSent) {
      res.destroy();
      return;
    }
    if (answer instanceof LazyResponse || (typeof answer === 'object' && answer instanceof globalThis.Response)) {
      this.respondWith(answer, req, res);
      return;
    }
    const status = typeof answer === 'number' ? answer : statusOf(error);
    try {
      res.reset(status).end();
    } catch (second) {
      this.report(second, req);
      res.destroy();
    }
  }

  private report(error: unknown, req: ServerRequest): void {
    native.count(HANDLER_ERRORS, 1);
    if (isEnabled('error')) {
      logRecord('error', 'server', 'a request handler failed', { err: error, method: req.method, url: req.url });
    }
  }
}

type Handler = (req: ServerRequest, res: ServerResponse) => unknown;
type FetchHandler = (request: Request, info: { req: ServerRequest }) => unknown;
type TunnelHook = (req: ServerRequest, socket: Socket, head: Uint8Array) => unknown;
type ErrorHook = (error: unknown, req: ServerRequest | null) => unknown;

interface Thenable {
  then(resolve: ((value: unknown) => void) | undefined, reject: (error: unknown) => void): unknown;
}

function isThenable(value: unknown): value is Thenable {
  return typeof value === 'object' && value !== null && typeof (value as Thenable).then === 'function';
}

/** A limit of ours that a handler ran into says its own status (413); anything else is 500. */
function statusOf(error: unknown): number {
  return error instanceof MillraceError ? (factsOf(error.code).status ?? 500) : 500;
}

/** A body that is one chunk, as text and bytes are, goes out whole and with its length; others as they come. */
async function sendPlatform(response: globalThis.Response, res: ServerResponse): Promise<void> {
  res.statusCode = response.status;
  res.statusMessage = response.statusText;
  for (const [name, value] of response.headers) res.appendHeader(name, value);
  if (response.body === null) {
    res.end();
    return;
  }
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const first = await reader.read();
  if (first.done) {
    res.end();
    return;
  }
  const second = reader.read();
  const atOnce = await Promise.race([second, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);
  if (atOnce?.done === true) {
    res.end(first.value);
    return;
  }
  await res.send(chunksOf(reader, first.value, second));
}

async function* chunksOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: Uint8Array,
  second: ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>,
): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await second; !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
