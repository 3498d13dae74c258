import { EventEmitter } from 'node:events';

import { abortError } from '../errors/abort-error.js';
import { describeValue } from '../errors/escape.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import type { ConnectOptions } from '../net/connect.js';
import { connect } from '../net/connect.js';
import type { Socket } from '../net/socket.js';
import type { ReconnectOptionValues } from '../options/reconnect.generated.js';
import { RECONNECT_OPTIONS } from '../options/reconnect.generated.js';
import { validateOptions } from '../options/validate.js';
import { backoffDelay } from './backoff.js';
import { tell } from './tell.js';

/** What a reconnecting socket needs of a connection; a `Socket` is one. */
export type Connection = Pick<Socket, 'write' | 'drained' | 'close' | 'destroy' | 'once'> &
  AsyncIterable<Uint8Array> & { ref?(): unknown; unref?(): unknown };

/** A new connection, before anything else speaks over it. */
export interface Greeting {
  readonly socket: Connection;
  /** The next chunk that arrives; null where the peer has ended. */
  readonly read: () => Promise<Uint8Array | null>;
}

/** Where to connect, and when again; docs/options.md has ranges and defaults. */
export interface ReconnectOptions {
  /** The options of `connect()`, or a function that connects; its signal is aborted when nobody wants it any more. */
  connect: ConnectOptions | ((signal: AbortSignal) => PromiseLike<Connection>);
  minDelay?: number | undefined;
  maxDelay?: number | undefined;
  factor?: number | undefined;
  jitter?: 'full' | 'none' | undefined;
  attempts?: number | null | undefined;
  stableAfter?: number | undefined;
  maxBuffered?: number | undefined;
  onConnect?: ((greeting: Greeting) => unknown) | undefined;
  onData?: ((chunk: Uint8Array) => unknown) | undefined;
  signal?: AbortSignal | undefined;
}

/** `connecting` (with its greeting), `open`, `waiting` for the next attempt, `closed` for good. */
export type ReconnectingState = 'connecting' | 'open' | 'waiting' | 'closed';

/** An attempt is made after `delay` milliseconds: the event `reconnecting`. */
export interface ReconnectNotice {
  /** How often in a row it has failed; 0 after a connection that had lasted. */
  readonly attempt: number;
  readonly delay: number;
  /** What the last one failed with, or the connection ended by; undefined for an end without an error. */
  readonly error: unknown;
}

export interface ReconnectingStats {
  readonly state: ReconnectingState;
  /** Connections that were open, and attempts in a row that failed. */
  readonly opened: number;
  readonly failures: number;
  /** Bytes that wait for the next connection. */
  readonly buffered: number;
}

/** A connection that is made again when it ends; begins to connect at once. */
export function reconnect(options: ReconnectOptions): ReconnectingSocket {
  return new ReconnectingSocket(options);
}

/**
 * A connection that is made again, after growing, random waits, whenever it ends or cannot be made.
 *
 * | state | it is made | it fails or ends | `close` |
 * | --- | --- | --- | --- |
 * | connecting | greeted (`onConnect`), then what waits is written → open, `connect` | → waiting, or closed past `attempts` | → closed |
 * | open | – | `disconnect` → waiting, or closed past `attempts` | → closed |
 * | waiting | – | – | → closed |
 *
 * A stream of bytes cannot be continued over another connection: what was on its way when one ended may be lost, in part
 * too, and neither side knows how much. So nothing is sent twice; `disconnect` tells of it, and `onConnect` is where both
 * sides find their place again. While there is no connection, `write` keeps up to `maxBuffered` bytes for the next one and
 * throws `MILLRACE_SOCKET_DOWN` for more: who got `false` would take them for sent.
 *
 * Its events are `connect`, `disconnect` (error or undefined), `reconnecting` (a ReconnectNotice) and, once, `close`
 * (error or undefined).
 */
export class ReconnectingSocket extends EventEmitter implements AsyncDisposable {
  readonly #values: ReconnectOptionValues;
  readonly #dial: (signal: AbortSignal) => PromiseLike<Connection>;
  readonly #options: ReconnectOptions;
  #state: ReconnectingState = 'connecting';
  #socket: Connection | undefined;
  #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #holds = true;
  #failures = 0;
  #opened = 0;
  #openedAt = 0;
  #kept: (string | Uint8Array)[] = [];
  #buffered = 0;
  #closeError: Error | undefined;
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  readonly #onAbort = (): void => this.#finish(abortError(this.#options.signal as AbortSignal));

  constructor(options: ReconnectOptions) {
    super();
    const { connect: to, ...rest } = options;
    this.#values = validateOptions<ReconnectOptionValues>(RECONNECT_OPTIONS, rest);
    this.#options = options;
    this.#dial = dialOf(to);
    const { signal } = options;
    if (signal?.aborted === true) void Promise.resolve().then(this.#onAbort);
    else {
      signal?.addEventListener('abort', this.#onAbort, { once: true });
      void this.#connect();
    }
  }

  get state(): ReconnectingState {
    return this.#state;
  }

  /** The connection that is open; null where there is none. */
  get socket(): Connection | null {
    return this.#state === 'open' ? (this.#socket ?? null) : null;
  }

  /** Resolves when a connection is open; rejects when there will be none. */
  ready(): Promise<void> {
    if (this.#state === 'open') return Promise.resolve();
    if (this.#state === 'closed') return Promise.reject(this.#closedError());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Queues bytes; false: wait for `drained()`. Throws `MILLRACE_SOCKET_DOWN` where they can neither be sent nor kept. */
  write(data: string | Uint8Array): boolean {
    if (this.#state === 'open') return (this.#socket as Connection).write(data);
    if (this.#state === 'closed') return false;
    const bytes = Buffer.byteLength(data);
    const { maxBuffered } = this.#values;
    if (this.#buffered + bytes > maxBuffered) throw downError(maxBuffered, this.#buffered + bytes);
    // The caller may use its memory again.
    this.#kept.push(typeof data === 'string' ? data : Uint8Array.from(data));
    this.#buffered += bytes;
    return true;
  }

  /** Resolves when there is room again: on the connection, or with the next one. Rejects when there will be none. */
  async drained(): Promise<void> {
    await this.ready();
    await this.#socket?.drained();
  }

  /** Ends the connection once all is written, and makes no other. */
  async close(): Promise<void> {
    const socket = this.socket;
    this.#finish(undefined, socket);
    await socket?.close();
  }

  /** Cuts the connection, and makes no other. */
  destroy(error?: Error): void {
    this.#finish(error);
  }

  /** Holds the process, as it does from the beginning. */
  ref(): this {
    this.#holds = true;
    this.#timer?.ref();
    this.#socket?.ref?.();
    return this;
  }

  unref(): this {
    this.#holds = false;
    this.#timer?.unref();
    this.#socket?.unref?.();
    return this;
  }

  stats(): ReconnectingStats {
    return { state: this.#state, opened: this.#opened, failures: this.#failures, buffered: this.#buffered };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #connect(): Promise<void> {
    this.#state = 'connecting';
    const abort = (this.#abort = new AbortController());
    let socket: Connection | undefined;
    try {
      socket = await this.#dial(abort.signal);
      if (abort.signal.aborted) return socket.destroy();
      this.#socket = socket;
      if (!this.#holds) socket.unref?.();
      await this.#converse(socket, abort.signal);
      this.#lost(undefined, abort.signal);
    } catch (error) {
      this.#lost(error, abort.signal);
    }
  }

  /** From the greeting to the end of a connection; an end without an error resolves. */
  async #converse(socket: Connection, signal: AbortSignal): Promise<void> {
    const chunks = socket[Symbol.asyncIterator]();
    const read = async (): Promise<Uint8Array | null> => {
      const next = await chunks.next();
      return next.done === true ? null : next.value;
    };
    await this.#options.onConnect?.({ socket, read });
    if (signal.aborted) return;
    this.#open(socket);
    // To its end, also while it is closed: a peer that still sends would else never come to it.
    for (let chunk = await read(); chunk !== null; chunk = await read()) {
      if (!signal.aborted) await this.#options.onData?.(chunk);
    }
  }

  #open(socket: Connection): void {
    const kept = this.#kept;
    this.#kept = [];
    this.#buffered = 0;
    for (const data of kept) socket.write(data);
    this.#state = 'open';
    this.#opened++;
    this.#openedAt = performance.now();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
    tell(this, 'connect');
  }

  /** The connection has ended, or there was none. */
  #lost(error: unknown, signal: AbortSignal): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    if (this.#state === 'closed' || signal.aborted) return;
    const { stableAfter, attempts } = this.#values;
    const wasOpen = this.#state === 'open';
    // One that ends at once, each time, is as bad as one that is not made.
    if (wasOpen && performance.now() - this.#openedAt >= stableAfter) this.#failures = 0;
    else this.#failures++;
    this.#state = 'waiting';
    if (wasOpen) tell(this, 'disconnect', error);
    if (this.state === 'closed') return;
    const isFinal = error instanceof MillraceError && error.kind === 'misuse';
    if (isFinal) this.#finish(error);
    else if (attempts !== null && this.#failures >= attempts) this.#finish(failedError(attempts, error));
    else this.#wait(error);
  }

  #wait(error: unknown): void {
    this.#state = 'waiting';
    const delay = backoffDelay(this.#values, Math.max(1, this.#failures));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#connect();
    }, delay);
    if (!this.#holds) this.#timer.unref();
    tell(this, 'reconnecting', { attempt: this.#failures, delay, error } satisfies ReconnectNotice);
  }

  /** `ending`: a connection that its caller ends gracefully. */
  #finish(error: Error | undefined, ending: Connection | null = null): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#closeError = error;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#abort.abort();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    if (ending === null) this.#socket?.destroy();
    this.#socket = undefined;
    this.#kept = [];
    this.#buffered = 0;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closedError());
    tell(this, 'close', error);
  }

  #closedError(): Error {
    return this.#closeError ?? new MillraceError('MILLRACE_DESTROYED', 'the reconnecting socket is closed');
  }
}

function dialOf(to: unknown): (signal: AbortSignal) => PromiseLike<Connection> {
  if (typeof to === 'function') return to as (signal: AbortSignal) => PromiseLike<Connection>;
  if (typeof to === 'object' && to !== null) {
    const { signal: given, ...options } = to as ConnectOptions;
    return (signal) => connect({ ...options, signal: given === undefined ? signal : AbortSignal.any([given, signal]) });
  }
  const message = `reconnect: option 'connect' must be the options of connect() or a function, got ${describeValue(to)}`;
  throw misuse('MILLRACE_INVALID_ARGUMENT', message);
}

function downError(value: number, seen: number): MillraceError {
  const message = `the connection is down, and at most ${value} bytes are kept for the next one, not ${seen} (the option "maxBuffered" changes it)`;
  return new MillraceError('MILLRACE_SOCKET_DOWN', message, { limit: { option: 'maxBuffered', value, seen } });
}

function failedError(attempts: number, cause: unknown): MillraceError {
  const message = `the connection could not be made again in ${attempts} attempts (the option "attempts" changes it)`;
  return new MillraceError('MILLRACE_RECONNECT_FAILED', message, { cause });
}
