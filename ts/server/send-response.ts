import type { ServerResponse } from './response.js';
import { LazyResponse } from './web-response.js';

type AnyResponse = globalThis.Response | LazyResponse;

/** A Response, ours or the platform's. */
export function isResponse(value: unknown): value is AnyResponse {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof LazyResponse || value instanceof globalThis.Response;
}

/** The Response, to be sent with the fields that middleware has set on `res` and it has not; cookies of both go out. */
export function carryFields(res: ServerResponse, response: AnyResponse): AnyResponse {
  if (!res.hasFields) return response;
  const platform = response instanceof LazyResponse ? response.platform() : response;
  for (const name of platform.headers.keys()) {
    if (name !== 'set-cookie') res.removeHeader(name);
  }
  return platform;
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
