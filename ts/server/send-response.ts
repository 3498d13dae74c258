import type { ServerResponse } from './response.js';
import type { Prepared } from './web-response.js';
import { LazyResponse } from './web-response.js';

type AnyResponse = globalThis.Response | LazyResponse;

/** A Response, ours or the platform's. */
export function isResponse(value: unknown): value is AnyResponse {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof LazyResponse || value instanceof globalThis.Response;
}

/**
 * Makes room for a Response among the fields that middleware has set on `res`: those that the Response has too are its
 * own. Cookies of both go out.
 */
export function carryFields(res: ServerResponse, response: globalThis.Response): void {
  if (!res.hasFields || res.headersSent) return;
  for (const name of response.headers.keys()) {
    if (name !== 'set-cookie') res.removeHeader(name);
  }
}

/** The same, and sends it, where a lazy Response is as it was made: no platform object is needed. */
export function sendCarried(res: ServerResponse, { status, reason, head, body }: Prepared): void {
  if (res.headersSent || res.writableEnded || res.closed) return;
  res.statusCode = status;
  res.statusMessage = reason;
  const parts = head.split('\0');
  const own = new Set<string>();
  for (let place = 0; place + 1 < parts.length; place += 2) {
    const name = parts[place].toLowerCase();
    if (name === 'set-cookie' || own.has(name)) res.appendHeader(parts[place], parts[place + 1]);
    else res.setHeader(parts[place], parts[place + 1]);
    own.add(name);
  }
  res.end(body);
}

/** A body that is one chunk, as text and bytes are, goes out whole and with its length; others as they come. */
export async function sendPlatform(response: globalThis.Response, res: ServerResponse): Promise<void> {
  if (res.headersSent) {
    // The handler's time was up: its source must not wait for a reader.
    await response.body?.cancel();
    return;
  }
  res.statusCode = response.status;
  res.statusMessage = response.statusText;
  for (const [name, value] of response.headers) res.appendHeader(name, value);
  if (response.body === null) {
    res.end();
    return;
  }
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const first = await reader.read();
  if (res.writableEnded) {
    await reader.cancel();
    return;
  }
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
