import { MillraceError } from '../errors/millrace-error.js';
import type { BodyInput } from '../message/outgoing-body.js';
import type { HeadersInput } from '../message/head-text.js';
import type { Client } from './client.js';
import { FetchResponse } from './fetch-response.js';
import type { RequestOptions } from './request-options.js';
import type { ClientResponse } from './response.js';

type Input = Parameters<typeof globalThis.fetch>[0];
type Init = Parameters<typeof globalThis.fetch>[1];

/** Methods that are written in upper case however they are given (Fetch §2.2.1). */
const NORMALISED: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);
const FORBIDDEN: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What a call of `fetch` asks for, of a URL or of a Request. */
interface Asked {
  readonly url: string;
  readonly method: string;
  readonly headers: HeadersInput | undefined;
  readonly body: BodyInput | undefined;
  readonly signal: AbortSignal | undefined;
  readonly redirect: 'follow' | 'error' | 'manual';
}

/** `fetch` over a client: failures of the network are a TypeError with the cause, an abort is its reason. */
export async function fetchOver(client: Client, input: Input, init: Init): Promise<Response> {
  const { url, method, headers, body, signal, redirect } = asked(input, init);
  if (isAborted(signal)) throw signal?.reason;
  const options: RequestOptions = {
    method,
    maxRedirects: redirect === 'follow' ? 20 : 0,
    maxResponseSize: null,
    ...(headers === undefined ? null : { headers }),
    ...(body === undefined ? null : { body }),
    ...(signal === undefined ? null : { signal }),
  };
  let response: ClientResponse;
  try {
    response = await client.fetched(url, options);
  } catch (error) {
    if (isAborted(signal)) throw (signal as AbortSignal).reason;
    if (error instanceof MillraceError && error.kind === 'misuse') throw error;
    throw new TypeError('fetch failed', { cause: error });
  }
  if (redirect === 'error' && REDIRECTS.has(response.status)) {
    await response.dump();
    throw new TypeError('fetch failed', { cause: new Error('unexpected redirect') });
  }
  return new FetchResponse(response, signal);
}

function asked(input: Input, init: Init): Asked {
  if (typeof input === 'object' && !(input instanceof URL)) {
    return ofRequest(init === undefined ? input : new globalThis.Request(input, init));
  }
  const url = typeof input === 'string' ? input : input.href;
  if (init === undefined) return { url, ...PLAIN };
  const method = methodOf(init.method ?? 'GET');
  const body = (init.body ?? undefined) as BodyInput | undefined;
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new TypeError('Request with GET/HEAD method cannot have body.');
  }
  return {
    url,
    method,
    headers: (init.headers ?? undefined) as HeadersInput | undefined,
    body,
    signal: init.signal ?? undefined,
    redirect: init.redirect ?? 'follow',
  };
}

const PLAIN = { method: 'GET', headers: undefined, body: undefined, signal: undefined, redirect: 'follow' } as const;

function ofRequest(request: Request): Asked {
  return {
    url: request.url,
    method: request.method,
    headers: [...request.headers],
    body: (request.body ?? undefined) as BodyInput | undefined,
    signal: request.signal,
    redirect: request.redirect,
  };
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function methodOf(given: string): string {
  const upper = given.toUpperCase();
  if (FORBIDDEN.has(upper)) throw new TypeError(`'${given}' HTTP method is unsupported.`);
  return NORMALISED.has(upper) ? upper : given;
}
