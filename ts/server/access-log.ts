import { escapeControls } from '../errors/escape.js';
import { isEnabled, logRecord } from '../log/log.js';
import { isThenable } from '../message/thenable.js';
import type { WatchedResponse } from './watched-response.js';

/** One exchange that has ended. Texts in it are escaped: none can move a cursor or begin a new line. */
export interface AccessRecord {
  /** When the head of the request was there: milliseconds since the epoch. */
  readonly time: number;
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  /** Of the final response; null when the exchange was cut before there was one. */
  readonly status: number | null;
  /** Bytes of the response's body. */
  readonly bytes: number;
  /** Milliseconds until the last byte was with the kernel, or until the cut. */
  readonly duration: number;
  /** Empty for Unix sockets and injected requests. */
  readonly remoteAddress: string;
  /** Whether it was cut before the last byte was with the kernel. */
  readonly aborted: boolean;
  readonly referer?: string;
  readonly userAgent?: string;
  readonly requestId?: string;
  readonly traceId?: string;
  readonly parentId?: string;
  readonly sampled?: boolean;
}

/** What the option `accessLog` may be. */
export type AccessLog = boolean | ((record: AccessRecord) => unknown);

/** Whether a record would go anywhere: asked when an exchange begins. */
export function wantsRecords(accessLog: AccessLog): boolean {
  return accessLog === true ? isEnabled('info') : accessLog !== false;
}

/** Makes the record of an exchange and hands it on. What the option's function throws stays here. */
export function logAccess(accessLog: AccessLog, res: WatchedResponse, aborted: boolean): void {
  const record = recordOf(res, aborted);
  if (typeof accessLog !== 'function') {
    const { requestId, traceId, parentId, sampled, time, ...fields } = record;
    void [requestId, traceId, parentId, sampled, time];
    logRecord('info', 'access', aborted ? 'request aborted' : 'request served', fields, res.context);
    return;
  }
  try {
    const result = accessLog(record);
    if (isThenable(result)) result.then(undefined, reportFailure);
  } catch (error) {
    reportFailure(error);
  }
}

function recordOf(res: WatchedResponse, aborted: boolean): AccessRecord {
  const { request, context } = res;
  const duration = performance.now() - res.began;
  const referer = request.headers.get('referer');
  const userAgent = request.headers.get('user-agent');
  return {
    time: Date.now() - Math.round(duration),
    method: request.method,
    url: escapeControls(request.url),
    httpVersion: request.httpVersion,
    status: res.headersSent ? res.statusCode : null,
    bytes: res.bodyBytes,
    duration: Math.round(duration * 1000) / 1000,
    remoteAddress: request.remoteAddress,
    aborted,
    ...(referer === undefined ? null : { referer: escapeControls(referer) }),
    ...(userAgent === undefined ? null : { userAgent: escapeControls(userAgent) }),
    ...context,
  };
}

function reportFailure(error: unknown): void {
  logRecord('error', 'server', 'the function of accessLog failed', { err: error });
}
