import { abortError } from '../errors/abort-error.js';
import { Blob } from 'node:buffer';
import type { Readable } from 'node:stream';

import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { Target } from '../native/events.js';
import { KIND, register, slotOf, unregister } from '../native/events.js';
import { native } from '../native/loader.js';
import type { HeadersInput } from '../message/head-text.js';
import { headText } from '../message/head-text.js';
import { HeaderView } from '../message/header-view.js';
import { decodeText } from '../message/incoming-body.js';
import { nodeStream } from '../message/node-stream.js';
import type { BodyInput } from '../message/outgoing-body.js';
import { outgoing } from '../message/outgoing-body.js';

/** A request that is given to the server without a socket. */
export interface InjectOptions {
  /** The request target, origin-form or an http URL. */
  url: string;
  /** GET unless given. */
  method?: string;
  headers?: HeadersInput;
  body?: BodyInput;
  query?: Record<string, string>;
  signal?: AbortSignal;
}

/** The response to an injected request, collected whole. */
export class InjectedResponse implements AsyncIterable<Uint8Array> {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HeaderView;
  readonly url: string;
  readonly httpVersion = '1.1';
  readonly #bytes: Uint8Array;

  constructor(status: number, reasonLength: number, head: string, bytes: Uint8Array, url: string) {
    this.status = status;
    this.statusText = head.slice(0, reasonLength);
    this.headers = new HeaderView(head, reasonLength);
    this.url = url;
    this.#bytes = bytes;
  }

  bytes(): Promise<Uint8Array> {
    return Promise.resolve(this.#bytes);
  }

  text(): Promise<string> {
    return Promise.resolve(decodeText(this.#bytes));
  }

  // Malformed JSON rejects.
  // eslint-disable-next-line @typescript-eslint/require-await
  async json<T = unknown>(): Promise<T> {
    return JSON.parse(decodeText(this.#bytes)) as T;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return Promise.resolve(Uint8Array.from(this.#bytes).buffer);
  }

  blob(): Promise<Blob> {
    return Promise.resolve(new Blob([this.#bytes], { type: this.headers.get('content-type') ?? '' }));
  }

  readable(): Readable {
    return nodeStream().Readable.from([this.#bytes], { objectMode: false });
  }

  dump(): Promise<void> {
    return Promise.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#bytes.byteLength > 0) yield await Promise.resolve(this.#bytes);
  }
}

/** Sends the request through the server's own parser and serializer. */
export async function inject(server: number, request: InjectOptions): Promise<InjectedResponse> {
  if (typeof request !== 'object' || (request as unknown) === null || request.url === undefined) {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `inject: needs { url }, got ${describeValue(request)}`);
  }
  const { method = 'GET', headers = {}, body = null, signal } = request;
  if (signal?.aborted === true) throw abortError(signal);
  const url = new URL(request.url, 'http://localhost');
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.append(name, value);
  const target = request.url === '*' ? '*' : url.pathname + url.search;
  let head = headText(headers);
  if (!/(?:^|\0)host\0/i.test(head)) head += `Host\0${url.host}\0`;
  const out = await outgoing(body);
  if (out.type !== undefined && !/(?:^|\0)content-type\0/i.test(head)) head += `Content-Type\0${out.type}\0`;
  const bytes = body === null ? undefined : await collected(out);
  return new Promise((resolve, reject) => {
    const id = native.inject(server, method, target, head, bytes);
    if (id < 0) {
      reject(errorFromNative(-id));
      return;
    }
    const slot = slotOf(id);
    native.hold(1);
    const settle = (then: () => void): void => {
      unregister(slot, id);
      native.hold(-1);
      signal?.removeEventListener('abort', onAbort);
      then();
    };
    const onAbort = (): void => {
      settle(() => reject(abortError(signal as AbortSignal)));
      native.destroy(id);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const waiting: Target = {
      id,
      handleEvent(kind, flags, a, b, value, extra) {
        if (kind === KIND.injected) {
          settle(() => resolve(new InjectedResponse(a, b, value as string, extra as Uint8Array, url.href)));
        } else if (kind === KIND.aborted) {
          const cause = errorFromNative(flags);
          settle(() =>
            reject(
              new MillraceError(
                'MILLRACE_CONNECTION_CLOSED',
                'the server cut the exchange before its response was complete',
                { cause },
              ),
            ),
          );
        }
      },
    };
    register(slot, waiting);
  });
}

async function collected(out: Awaited<ReturnType<typeof outgoing>>): Promise<Uint8Array> {
  if (out.whole !== undefined) return typeof out.whole === 'string' ? Buffer.from(out.whole) : out.whole;
  const parts: Uint8Array[] = [];
  try {
    for await (const chunk of out.chunks) parts.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  } finally {
    out.file?.close();
  }
  return Buffer.concat(parts);
}
