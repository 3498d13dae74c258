import type { Readable } from 'node:stream';

import { describeValue } from '../errors/escape.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import { nodeStream } from '../message/node-stream.js';
import type { BodyInput, Outgoing } from '../message/outgoing-body.js';
import { outgoing, outgoingNow } from '../message/outgoing-body.js';

/**
 * A body of a request, sorted by what the client has to know: how it is framed and whether it can be sent again.
 *
 * `whole` is there for one that is in memory: it is sent in one piece. Others are opened for each attempt to send them,
 * one attempt at a time. Whoever has it calls `close` once the request is over, however it ended: that closes a file,
 * and ends a stream that was not read to its end, so that nothing is left open.
 */
export class RequestBody implements AsyncIterable<Uint8Array | string> {
  /** None: no body, no Content-Length (RFC 9110 §8.6 says when one of 0 is due). */
  readonly isNone: boolean;
  /** The Content-Type that the kind implies. */
  readonly type: string | undefined;
  /** Bytes; undefined: unknown, so that the body goes in chunks. */
  readonly length: number | undefined;
  /** Whether `open` may be called again. */
  readonly isReplayable: boolean;
  /** A body that is in memory. */
  readonly whole: string | Uint8Array | undefined;
  readonly #outgoing: Outgoing;
  readonly #input: BodyInput;
  #isOpen = false;
  #isClosed = false;

  private constructor(input: BodyInput, out: Outgoing) {
    this.isNone = input === null;
    this.type = out.type;
    this.whole = out.whole;
    this.length = out.whole === undefined ? out.length : Buffer.byteLength(out.whole);
    this.isReplayable = out.whole !== undefined || out.again !== undefined;
    this.#outgoing = out;
    this.#input = input;
  }

  /** Sorts a body; a promise only for a file, which is opened. Throws `MILLRACE_HTTP_BODY_USED` for a stream in use. */
  static of(input: BodyInput | undefined): RequestBody | Promise<RequestBody> {
    if (input instanceof RequestBody) return new RequestBody(input, input.#borrowed());
    const body = input ?? null;
    const out = outgoingNow(body);
    if (out === undefined) return outgoing(body).then((opened) => new RequestBody(body, opened));
    if (isInUse(body)) throw misuse('MILLRACE_HTTP_BODY_USED', 'the body is a stream that has been read, or is locked');
    return new RequestBody(body, out);
  }

  /** The chunks, from the beginning; the second time only where it is replayable. */
  open(): AsyncIterable<Uint8Array | string> {
    if (this.#isClosed) throw misuse('MILLRACE_INVALID_STATE', 'the body of the request was closed');
    const { whole, again, chunks } = this.#outgoing;
    if (whole !== undefined) return only(whole);
    if (this.#isOpen && again === undefined) throw new MillraceError('MILLRACE_HTTP_BODY_NOT_REPLAYABLE');
    this.#isOpen = true;
    return again === undefined ? checked(chunks) : again();
  }

  /** What a function that stands in for the network reads, and may pass on. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array | string> {
    return this.open()[Symbol.asyncIterator]();
  }

  /** For one that is sent in its place; it stays its owner's to close. */
  #borrowed(): Outgoing {
    const { type, length, whole, isReplayable } = this;
    return {
      ...(type === undefined ? null : { type }),
      ...(length === undefined ? null : { length }),
      ...(whole === undefined ? null : { whole }),
      ...(isReplayable ? { again: () => this.open() } : null),
      chunks: this,
    };
  }

  /** Lets go of what it holds. More than once does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#outgoing.file?.close();
    const body = this.#input;
    if (isReadable(body)) body.destroy();
    // A reader cancels when it is left; without one nobody would.
    else if (body instanceof ReadableStream && !body.locked) void body.cancel().catch(() => undefined);
  }
}

function isReadable(body: unknown): body is Readable {
  return typeof body === 'object' && body instanceof nodeStream().Readable;
}

function isInUse(body: BodyInput): boolean {
  if (body instanceof ReadableStream) return body.locked;
  return isReadable(body) && (body.destroyed || body.readableEnded || body.readableDidRead);
}

async function* only(whole: string | Uint8Array): AsyncGenerator<string | Uint8Array> {
  if (whole.length > 0) yield await Promise.resolve(whole);
}

/** What a caller's stream or generator gives, which may be anything. */
async function* checked(chunks: AsyncIterable<unknown>): AsyncGenerator<string | Uint8Array> {
  for await (const chunk of chunks) {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) yield chunk;
    else if (chunk instanceof ArrayBuffer) yield new Uint8Array(chunk);
    else {
      const message = `a body must give strings or bytes, got ${describeValue(chunk)}`;
      throw misuse('MILLRACE_INVALID_ARGUMENT', message);
    }
  }
}
