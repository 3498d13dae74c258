import { quote } from '../errors/escape.js';
import { MillraceError } from '../errors/millrace-error.js';
import { countRefusal } from './refusals.js';

/** Whose rules are followed: those of `client.request`, or those of the Fetch standard (§4.4). */
export type RedirectMode = 'client' | 'fetch';

/** What a redirect has to know of the request that was answered with it. */
export interface RedirectedRequest {
  /** In upper case, as it was sent. */
  readonly method: string;
  readonly url: URL;
  /** The fields of the caller's, not those that the client adds to each request. */
  readonly headers: Iterable<readonly [string, string]>;
  /** `once`: a stream that has been read. */
  readonly body: 'none' | 'replayable' | 'once';
}

/** The answer that redirects, perhaps. */
export interface RedirectAnswer {
  readonly status: number;
  /** The value of Location, as Latin-1 text; undefined where there is none. */
  readonly location: string | undefined;
}

/** The rules, and how far the way was up to here. */
export interface RedirectRules {
  readonly mode: RedirectMode;
  /** 0: none is followed. */
  readonly maxRedirects: number;
  /** How many have been followed for this request. */
  readonly followed: number;
}

/** The request to make next. */
export interface NextRequest {
  readonly method: string;
  /** With the user information of the request's URL where the origin is the same; a server cannot give us any. */
  readonly url: URL;
  readonly headers: [string, string][];
  /** Whether the body is sent again; otherwise there is none. */
  readonly keepBody: boolean;
  /** Another scheme, host or port: what the client itself knows of the first one (credentials, a Host) is not for it. */
  readonly crossOrigin: boolean;
}

/** How many redirects are followed unless told otherwise. */
export const MAX_REDIRECTS: Readonly<Record<RedirectMode, number>> = { client: 10, fetch: 20 };

const STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Fields that are for one origin alone. */
const OF_ORIGIN: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'host']);

/** Fields, beside Content-*, that tell of a body (RFC 9110 §15.4). */
const OF_BODY: ReadonlySet<string> = new Set([
  'digest',
  'expect',
  'last-modified',
  'repr-digest',
  'trailer',
  'transfer-encoding',
  'want-content-digest',
]);

/**
 * The request that a redirect asks for; null where the answer is the caller's: another status, no Location, or a
 * `maxRedirects` of 0.
 *
 * | status | method | body |
 * | --- | --- | --- |
 * | 301, 302 | POST becomes GET, others stay | goes with POST, else is sent again |
 * | 303 | HEAD stays HEAD, others become GET | goes |
 * | 307, 308 | stays | is sent again |
 *
 * A method that becomes GET loses the fields that tell of a body; another origin loses Authorization,
 * Proxy-Authorization, Cookie and a Host of the caller's, for good: a way back does not restore them. A fragment is
 * inherited where the Location has none.
 *
 * Throws `MILLRACE_HTTP_TOO_MANY_REDIRECTS`; `MILLRACE_HTTP_INVALID_REDIRECT` for a Location that is no URL, or one of
 * another scheme than http and https; `MILLRACE_HTTP_INSECURE_REDIRECT` from https to http, which `fetch` does follow;
 * `MILLRACE_HTTP_BODY_NOT_REPLAYABLE` where a stream would have to be sent again (`fetch`: where there was one, unless
 * the status is 303); and, of `fetch`, `MILLRACE_HTTP_INVALID_REDIRECT` for user information towards another origin.
 */
export function nextRequest(
  request: RedirectedRequest,
  { status, location }: RedirectAnswer,
  { mode, maxRedirects, followed }: RedirectRules,
): NextRequest | null {
  if (!STATUSES.has(status) || location === undefined || maxRedirects === 0) return null;
  const url = targetOf(location, request.url);
  if (followed >= maxRedirects) throw tooMany(maxRedirects, followed + 1);
  const crossOrigin = url.origin !== request.url.origin;
  const downgrade = request.url.protocol === 'https:' && url.protocol === 'http:';
  if (downgrade && mode === 'client') throw insecure(url);
  if (mode === 'fetch' && crossOrigin && (url.username !== '' || url.password !== '')) {
    throw invalid('user information towards another origin');
  }
  url.username = crossOrigin ? '' : request.url.username;
  url.password = crossOrigin ? '' : request.url.password;
  const method = methodAfter(status, request.method);
  const losesBody = method !== request.method || (status === 303 && request.body !== 'none');
  const keepBody = request.body !== 'none' && !losesBody;
  if (request.body === 'once' && (keepBody || (mode === 'fetch' && status !== 303))) {
    throw new MillraceError('MILLRACE_HTTP_BODY_NOT_REPLAYABLE');
  }
  const headers: [string, string][] = [];
  for (const [name, value] of request.headers) {
    const field = name.toLowerCase();
    if (crossOrigin && OF_ORIGIN.has(field)) continue;
    if (losesBody && (field.startsWith('content-') || OF_BODY.has(field))) continue;
    // RFC 9110 §10.1.3
    if (downgrade && field === 'referer') continue;
    headers.push([name, value]);
  }
  return { method, url, headers, keepBody, crossOrigin };
}

function methodAfter(status: number, method: string): string {
  if (status === 303) return method === 'HEAD' ? 'HEAD' : 'GET';
  if ((status === 301 || status === 302) && method === 'POST') return 'GET';
  return method;
}

let utf8: InstanceType<typeof TextDecoder> | undefined;

/** The bytes are taken for UTF-8 where they are that, as browsers do, and servers who do not encode expect. */
function textOf(location: string): string {
  if (/^[\x00-\x7f]*$/.test(location)) return location;
  utf8 ??= new TextDecoder('utf-8', { fatal: true });
  try {
    return utf8.decode(Buffer.from(location, 'latin1'));
  } catch {
    return location;
  }
}

function targetOf(location: string, base: URL): URL {
  let url: URL;
  try {
    url = new URL(textOf(location), base);
  } catch {
    throw invalid(quote(location));
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid(`the scheme ${quote(url.protocol)}`);
  if (url.hash === '' && base.hash !== '') url.hash = base.hash;
  return url;
}

function invalid(got: string): MillraceError {
  const message = `the Location of a redirect must be a URL of http or https, got ${got}`;
  return new MillraceError('MILLRACE_HTTP_INVALID_REDIRECT', message);
}

function insecure(url: URL): MillraceError {
  const message = `a redirect leads from https to ${quote(url.origin)}, which is not followed`;
  return new MillraceError('MILLRACE_HTTP_INSECURE_REDIRECT', message);
}

function tooMany(value: number, seen: number): MillraceError {
  countRefusal('maxRedirects');
  const message = `the server redirected more often than maxRedirects (limit ${value}, got ${seen}; the option "maxRedirects" changes it)`;
  return new MillraceError('MILLRACE_HTTP_TOO_MANY_REDIRECTS', message, {
    limit: { option: 'maxRedirects', value, seen },
  });
}
