import { describeValue } from '../errors/escape.js';
import { factsOf } from '../errors/code-table.js';
import { MillraceError, outOfRange } from '../errors/millrace-error.js';
import { isEnabled, logRecord } from '../log/log.js';
import { COUNTERS } from '../metrics/catalogue.generated.js';
import { native } from '../native/loader.js';
import type { Socket } from '../net/socket.js';
import type { ServerOptionValues } from '../options/server.generated.js';
import { CompressedBody } from './compression/compressed-body.js';
import type { CompressionSettings } from './compression/options.js';
import type { Innermost, Middleware } from './middleware.js';
import { chain } from './middleware.js';
import type { ServerRequest } from './request.js';
import type { ServerResponse } from './response.js';
import { carryFields, isResponse, sendCarried, sendPlatform } from './send-response.js';
import type { Thenable } from './thenable.js';
import { isThenable } from './thenable.js';
import type { Validate } from './validate-head.js';
import { judge, refuse, refuseTunnel } from './validate-head.js';
import { LazyResponse } from './web-response.js';

const HANDLER_ERRORS = COUNTERS.findIndex(({ key }) => key === 'millrace_http_server_handler_errors_total');

/** What a server's exchanges are given to. */
export type Invoke = (req: ServerRequest, res: ServerResponse) => void;
type FetchHandler = (request: Request, info: { req: ServerRequest }) => unknown;
type ErrorHook = (error: unknown, req: ServerRequest | null) => unknown;
export type TunnelHook = (req: ServerRequest, socket: Socket, head: Uint8Array) => unknown;
/** Told of each failure; `res` is null where a tunnel's hook failed. */
type OnFailure = (error: unknown, req: ServerRequest, res: ServerResponse | null) => void;

/**
 * Runs what the caller gave for a request, in this order: `validate`, the middleware, the handler or `fetch`; and
 * answers for it when it fails. Nothing that any of them throws leaves here.
 */
export class Dispatch {
  /** How often a handler failed. */
  failures = 0;
  /** The way of a request: put together once, so that what is not asked for is not asked about. */
  readonly invoke: Invoke;
  // The option object is a dictionary: what every request needs is taken out of it once.
  private readonly _handler: Innermost;
  private readonly _fetch: FetchHandler;
  private readonly _onError: ErrorHook | null;
  private readonly _validate: Validate | null;
  private readonly _hasMiddleware: boolean;
  private readonly _onFailure: OnFailure;

  constructor(options: ServerOptionValues, onFailure: OnFailure) {
    this._handler = options.handler as Innermost;
    this._fetch = options.fetch as FetchHandler;
    this._onError = options.onError as ErrorHook | null;
    this._validate = options.validate as Validate | null;
    this._onFailure = onFailure;
    const middleware = (options.middleware ?? []) as readonly Middleware[];
    this._hasMiddleware = middleware.length > 0;
    let invoke: Invoke =
      options.fetch === null ? (req, res) => this.invokeHandler(req, res) : (req, res) => this.invokeFetch(req, res);
    if (this._hasMiddleware) invoke = this.chained([...middleware]);
    if (options.compression !== false) invoke = compressed(options.compression as CompressionSettings, invoke);
    if (this._validate !== null) invoke = this.validated(this._validate, invoke);
    this.invoke = invoke;
  }

  /** Hands a raw connection to its hook. */
  invokeTunnel(hook: TunnelHook | null, req: ServerRequest, socket: Socket, head: Uint8Array): void {
    try {
      const refusal = this._validate === null ? undefined : judge(this._validate, req);
      if (refusal !== undefined) {
        refuseTunnel(refusal, socket);
        return;
      }
      const result: unknown = hook === null ? socket.destroy() : hook(req, socket, head);
      if (isThenable(result)) result.then(undefined, (error) => this.tunnelFailed(error, req, socket));
    } catch (error) {
      this.tunnelFailed(error, req, socket);
    }
  }

  /** A handler threw, rejected or took too long: `onError` answers, else the error's own status or 500. */
  failed(error: unknown, req: ServerRequest, res: ServerResponse): void {
    const { gone } = req;
    if (gone !== undefined && (res.closed || isEchoOf(gone, error))) {
      // Nobody failed: the handler noticed. Whoever shut only one side still waits for an answer.
      this.sendError(undefined, gone, req, res);
      return;
    }
    if (isPassedLimit(error, req)) this.note(error, req, res);
    else this.report(error, req, res);
    this.answerFor(error, req, res);
  }

  /** Answers in place of a handler, by `onError` where there is one; what has begun is cut. */
  answerFor(error: unknown, req: ServerRequest, res: ServerResponse): void {
    let answer: unknown;
    try {
      answer = this._onError?.(error, req);
    } catch (second) {
      this.report(second, req, res);
    }
    if (isThenable(answer)) {
      answer.then(
        (later) => this.sendError(later, error, req, res),
        (second) => {
          this.report(second, req, res);
          this.sendError(undefined, error, req, res);
        },
      );
    } else {
      this.sendError(answer, error, req, res);
    }
  }

  private sendError(answer: unknown, error: unknown, req: ServerRequest, res: ServerResponse): void {
    if (res.writableEnded || res.closed) return;
    if (res.headersSent) {
      res.destroy();
      return;
    }
    let status = statusOf(error);
    if (isResponse(answer)) {
      res.reset(status);
      this.respondWith(answer, req, res);
      return;
    }
    if (typeof answer === 'number') {
      if (Number.isInteger(answer) && answer >= 200 && answer <= 599) status = answer;
      else
        this.report(
          outOfRange(`onError must answer with a status from 200 to 599, got ${describeValue(answer)}`),
          req,
          res,
        );
    }
    try {
      res.reset(status).end();
    } catch (second) {
      this.report(second, req, res);
      res.destroy();
    }
  }

  private validated(validate: Validate, invoke: Invoke): Invoke {
    return (req, res) => {
      try {
        const refusal = judge(validate, req);
        if (refusal !== undefined) {
          refuse(refusal, res);
          return;
        }
      } catch (error) {
        this.failed(error, req, res);
        return;
      }
      invoke(req, res);
    };
  }

  private chained(middleware: readonly Middleware[]): Invoke {
    const failed = (error: unknown, req: ServerRequest, res: ServerResponse): void => this.failed(error, req, res);
    if (this._fetch === null) {
      const run = chain(middleware, (req, res) => this._handler(req, res), failed);
      return (req, res) =>
        run(
          req,
          res,
          () => undefined,
          (error) => this.failed(error, req, res),
        );
    }
    const fetched = (req: ServerRequest): unknown => {
      const result = this._fetch(req.toWeb(), { req });
      return isThenable(result) ? (result as PromiseLike<unknown>).then(demandResponse) : demandResponse(result);
    };
    const run = chain(middleware, fetched, failed);
    return (req, res) =>
      run(
        req,
        res,
        // One that answered by `res` need not return anything.
        (response) => res.headersSent || this.respondWith(response, req, res),
        (error) => this.failed(error, req, res),
      );
  }

  private invokeHandler(req: ServerRequest, res: ServerResponse): void {
    try {
      const result: unknown = this._handler(req, res);
      if (isThenable(result)) this.follow(result, req, res);
    } catch (error) {
      this.failed(error, req, res);
    }
  }

  /** By itself: the scope that a closure needs would be made for every request, also where no promise is. */
  private follow(result: Thenable, req: ServerRequest, res: ServerResponse): void {
    result.then(undefined, (error) => this.failed(error, req, res));
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
          if (this._hasMiddleware && res.hasFields) sendCarried(res, prepared);
          else res.sendPrepared(prepared);
          return;
        }
        response = response.platform();
      }
      const demanded = demandResponse(response);
      if (this._hasMiddleware) carryFields(res, demanded);
      void sendPlatform(demanded, res).catch((error: unknown) => this.failed(error, req, res));
    } catch (error) {
      this.failed(error, req, res);
    }
  }

  private tunnelFailed(error: unknown, req: ServerRequest, socket: Socket): void {
    socket.destroy();
    this.report(error, req, null);
  }

  /** A limit did what it is for, and the native core has counted it: no handler failed. */
  private note(error: unknown, req: ServerRequest, res: ServerResponse): void {
    if (isEnabled('debug')) {
      logRecord('debug', 'server', 'a request passed a limit', { err: error, method: req.method, url: req.url });
    }
    this._onFailure(error, req, res);
  }

  private report(error: unknown, req: ServerRequest, res: ServerResponse | null): void {
    this.failures++;
    native.count(HANDLER_ERRORS, 1);
    if (isEnabled('error')) {
      logRecord('error', 'server', 'a request handler failed', { err: error, method: req.method, url: req.url });
    }
    this._onFailure(error, req, res);
  }
}

/** Whatever answers, the response is compressed where that is worth it. */
function compressed(settings: CompressionSettings, invoke: Invoke): Invoke {
  return (req, res) => {
    res.codeBody(new CompressedBody(req, res, settings));
    invoke(req, res);
  };
}

/** What `fetch` must answer with. */
function demandResponse(value: unknown): globalThis.Response {
  if (value instanceof globalThis.Response) return value;
  throw new MillraceError('MILLRACE_HANDLER_FAILED', `fetch must answer with a Response, got ${describeValue(value)}`);
}

/** Whether an error says no more than that the request is over, as its signal's reason or for a late answer. */
function isEchoOf(gone: MillraceError, error: unknown): boolean {
  if (error === gone) return true;
  if (!(error instanceof Error)) return false;
  // Of Node's own functions that take a signal.
  if (error.name === 'AbortError') return error.cause === gone;
  const isLate = error instanceof MillraceError && error.code === 'MILLRACE_HTTP_HEADERS_SENT';
  return isLate && gone.code === 'MILLRACE_HANDLER_TIMEOUT';
}

/** Whether a handler passes on that the body of this very request was larger than a limit of the server. */
function isPassedLimit(error: unknown, req: ServerRequest): boolean {
  return error instanceof MillraceError && error.kind === 'limit' && error === req.bodyFailure;
}

/**
 * A limit of ours that a handler ran into says its own status (413); anything else is 500. A `status` that an error
 * happens to have is not believed: the 401 of a request that the handler made is not the answer to its own client.
 */
function statusOf(error: unknown): number {
  return error instanceof MillraceError ? (factsOf(error.code).status ?? 500) : 500;
}
