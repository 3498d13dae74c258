import type { DispatchedRequest, DispatchFunction, DispatchReceiver } from '../../ts/index.js';
import { deferred } from './condition.js';

/** Of no host: whatever is asked there is the function's. */
export const URL_ = 'http://nobody.invalid/path';
/** What functions fail with. */
export const GONE = new Error('on purpose');

/** Answers at once with what was asked. */
export const echo: DispatchFunction = ({ method, url }, handler) => {
  handler.onResponse({ status: 200, headers: { 'X-Mock': 'yes' } });
  handler.onData(`${method} ${url}`);
  handler.onEnd();
};

/** A function that leaves its receiver to the test. */
export function held(): {
  fn: DispatchFunction;
  asked: Promise<{ request: DispatchedRequest; handler: DispatchReceiver }>;
} {
  const { promise, resolve } = deferred<{ request: DispatchedRequest; handler: DispatchReceiver }>();
  return { fn: (request, handler) => resolve({ request, handler }), asked: promise };
}

/** All chunks as one text. */
export async function textOf(chunks: AsyncIterable<Uint8Array | string>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += Buffer.from(chunk as string).toString();
  return text;
}
