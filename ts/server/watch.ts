import { MillraceError } from '../errors/millrace-error.js';
import { runInContext } from '../log/context.js';
import { logRecord } from '../log/log.js';
import type { Fields } from '../log/record.js';
import { NO_FIELDS } from '../log/record.js';
import { traceContextOf } from '../log/trace-parent.js';
import { COUNTERS } from '../metrics/catalogue.generated.js';
import { register } from '../native/events.js';
import { native } from '../native/loader.js';
import type { ServerOptionValues } from '../options/server.generated.js';
import type { AccessLog } from './access-log.js';
import { logAccess, wantsRecords } from './access-log.js';
import type { RequestErrorMessage, RequestFinishMessage, RequestStartMessage } from './channels.js';
import { CHANNELS, publishFailure } from './channels.js';
import type { Run } from '../log/context-runner.js';
import type { Dispatch, Invoke } from './dispatch.js';
import { HandlerDeadlines } from './handler-deadlines.js';
import { nextRequestId } from './request-id.js';
import type { ServerRequest } from './request.js';
import type { ServerResponse } from './response.js';
import type { Server } from './server.js';
import type { Watcher } from './watched-response.js';
import { WatchedResponse } from './watched-response.js';

const { requestStart, requestFinish, requestError } = CHANNELS;
const HANDLER_TIMEOUTS = COUNTERS.findIndex(
  ({ key }) => key === 'millrace_http_server_timeouts_total{phase="handler"}',
);

/**
 * What watches the exchanges of a server: the access log, the context of log records, `handlerTimeout`, and whoever
 * listens to the channels. Exchanges that nobody asks about do not come here.
 */
export class Watch implements Watcher {
  /** How often `handlerTimeout` expired. */
  handlerTimeouts = 0;
  private readonly _server: Server;
  private readonly _dispatch: Dispatch;
  private readonly _accessLog: AccessLog;
  private readonly _logContext: boolean;
  private _deadlines: HandlerDeadlines | undefined;
  /** Those of timeouts before, while handlers run that began under them. */
  private _earlier: HandlerDeadlines[] = [];
  private readonly _invoke: Invoke;

  constructor(server: Server, options: ServerOptionValues, dispatch: Dispatch) {
    this._server = server;
    this._dispatch = dispatch;
    this._accessLog = options.accessLog as AccessLog;
    this._logContext = options.logContext;
    this._invoke = (req, res) => this.enter(req, res);
    this.setHandlerTimeout(options.handlerTimeout);
  }

  /** Whether an option asks for every exchange. */
  get isAsked(): boolean {
    return this._accessLog !== false || this._logContext || this._deadlines !== undefined;
  }

  /** The time for handlers that begin from now on. */
  setHandlerTimeout(timeout: number | null): void {
    const present = this._deadlines;
    if ((present?.timeout ?? null) === timeout) return;
    this._earlier = this._earlier.filter(({ isEmpty }) => !isEmpty);
    if (present !== undefined) this._earlier.push(present);
    this._deadlines =
      timeout === null ? undefined : new HandlerDeadlines(timeout, (...expired) => this.expired(...expired));
  }

  /** Begins an exchange that is watched. */
  handle(req: ServerRequest, slot: number, run: Run): void {
    const isLogged = wantsRecords(this._accessLog);
    const context = isLogged || this._logContext ? contextOf(req) : NO_FIELDS;
    // Later it may be gone, and the address with it.
    if (isLogged) void req.remoteAddress;
    const res = new WatchedResponse(req, slot, context, isLogged, this);
    register(slot, res);
    this._deadlines?.add(res);
    run(this._invoke, req, res);
  }

  /** The server has closed. */
  close(): void {
    for (const deadlines of this._earlier) deadlines.clear();
    this._deadlines?.clear();
  }

  begun(res: WatchedResponse): void {
    res.deadlines?.remove(res);
  }

  over(res: WatchedResponse, aborted: boolean): void {
    res.deadlines?.remove(res);
    if (res.isLogged) logAccess(this._accessLog, res, aborted);
    const { request, bodyBytes: bytes, statusCode: status } = res;
    if (aborted) {
      if (!requestError.hasSubscribers) return;
      const base = { server: this._server, request, response: res };
      requestError.publish({ ...base, error: request.gone, aborted } satisfies RequestErrorMessage);
    } else if (requestFinish.hasSubscribers) {
      const duration = performance.now() - res.began;
      const base = { server: this._server, request, response: res };
      requestFinish.publish({ ...base, status, bytes, duration } satisfies RequestFinishMessage);
    }
  }

  /** In the asynchronous context of the exchange: goes on within the stores of the channel and the log's context. */
  private enter(req: ServerRequest, res: ServerResponse): void {
    const { invoke } = this._dispatch;
    const { context } = res as WatchedResponse;
    if (requestStart.hasSubscribers) {
      const message = { server: this._server, request: req, response: res } satisfies RequestStartMessage;
      requestStart.runStores(message, () => {
        if (this._logContext) runInContext(context, invoke, req, res);
        else invoke(req, res);
      });
    } else if (this._logContext) {
      runInContext(context, invoke, req, res);
    } else {
      invoke(req, res);
    }
  }

  /** The handler has not begun its answer: it is answered for, and told by the request's signal. */
  private expired(res: WatchedResponse, waited: number, value: number): void {
    const { request } = res;
    const seen = Math.round(waited);
    const error = new MillraceError(
      'MILLRACE_HANDLER_TIMEOUT',
      `the handler did not begin its answer within handlerTimeout (${value} ms), ${seen} ms have passed`,
      { limit: { option: 'handlerTimeout', value, seen } },
    );
    this.handlerTimeouts++;
    native.count(HANDLER_TIMEOUTS, 1);
    const fields = { method: request.method, url: request.url, handlerTimeout: value };
    logRecord('warn', 'server', 'a request handler took too long', fields, res.context);
    publishFailure(this._server, error, request, res);
    // The answer first: a listener of the signal must not come before it.
    this._dispatch.answerFor(error, request, res);
    request.leave(error, true);
  }
}

/** What records about a request carry. */
function contextOf(req: ServerRequest): Fields {
  const { headers } = req;
  return {
    requestId: nextRequestId(),
    ...traceContextOf(headers.get('traceparent'), headers.get('tracestate')),
  };
}
