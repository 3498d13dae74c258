import type { Readable } from 'node:stream';

import { misuse } from '../errors/millrace-error.js';
import type { FileInput, FilePart } from './file-body.js';
import { fileChunks, filePart } from './file-body.js';
import { multipart } from './multipart.js';
import { nodeStream } from './node-stream.js';

/** Every kind of body that can be sent. */
export type BodyInput =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | FormData
  | URLSearchParams
  | Readable
  | ReadableStream
  | AsyncIterable<Uint8Array | string>
  | FileInput
  | null;

/** A body on its way out: whole, or in chunks with a length where it is known. */
export interface Outgoing {
  /** The Content-Type that the kind implies. */
  type?: string;
  whole?: string | Uint8Array;
  length?: number;
  chunks: AsyncIterable<Uint8Array | string>;
  /** Makes the chunks once more, where that can be done. */
  again?: () => AsyncIterable<Uint8Array | string>;
  /** The part of a file that `chunks` reads; whoever takes the body closes it. */
  file?: FilePart;
}

const NONE: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {
    // nothing
  },
};

/** Sorts a body by its kind. */
export async function outgoing(body: BodyInput): Promise<Outgoing> {
  return outgoingNow(body) ?? openFile(body as FileInput);
}

/** Sorts a body by its kind; undefined for a file, which has to be opened. */
export function outgoingNow(body: BodyInput): Outgoing | undefined {
  if (body === null) return { whole: '', chunks: NONE };
  if (typeof body === 'string') return { type: 'text/plain; charset=utf-8', whole: body, chunks: NONE };
  // Callers without types: `in`, below, throws on what is no object.
  if (typeof body !== 'object') throw unsendable(body);
  if (body instanceof Uint8Array) return { whole: body, chunks: NONE };
  if (body instanceof ArrayBuffer) return { whole: new Uint8Array(body), chunks: NONE };
  if (body instanceof URLSearchParams) {
    return { type: 'application/x-www-form-urlencoded; charset=utf-8', whole: body.toString(), chunks: NONE };
  }
  if (body instanceof nodeStream().Readable) return { chunks: body as AsyncIterable<Uint8Array | string> };
  if (isBlob(body)) {
    return repeatable(body.type || undefined, body.size, () => readStream(body.stream()));
  }
  if (isFormData(body)) {
    const form = multipart(body);
    return repeatable(form.type, form.length, () => form.open());
  }
  if (body instanceof ReadableStream) return { chunks: readStream(body) };
  if (Symbol.asyncIterator in body) return { chunks: body };
  if ('file' in body) return undefined;
  throw unsendable(body);
}

function repeatable(
  type: string | undefined,
  length: number,
  open: () => AsyncIterable<Uint8Array | string>,
): Outgoing {
  return { type, length, again: open, chunks: { [Symbol.asyncIterator]: () => open()[Symbol.asyncIterator]() } };
}

function unsendable(body: unknown): TypeError {
  const kinds = 'a string, bytes, a Blob, FormData, URLSearchParams, a stream, an async iterable, { file } or null';
  return misuse('MILLRACE_INVALID_ARGUMENT', `a body must be ${kinds}, got ${typeof body}`);
}

async function openFile(input: FileInput): Promise<Outgoing> {
  const part = await filePart(input);
  const again = (): AsyncIterable<Uint8Array> => fileChunks(part);
  return { length: part.end - part.start, chunks: again(), again, file: part };
}

/** The chunks of a web stream; leaving early cancels it. */
export async function* readStream(stream: ReadableStream): AsyncGenerator<Uint8Array | string> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = (await reader.read()) as { done: boolean; value: Uint8Array | string };
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function isBlob(body: object): body is Blob {
  return (
    Object.prototype.toString.call(body) === '[object Blob]' || Object.prototype.toString.call(body) === '[object File]'
  );
}

function isFormData(body: object): body is FormData {
  return Object.prototype.toString.call(body) === '[object FormData]';
}
