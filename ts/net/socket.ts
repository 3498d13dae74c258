import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';

import type { SocketCloseMessage } from './channels.js';
import { SOCKET_CHANNELS } from './channels.js';
import { errorFromNative } from '../errors/native-error.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import type { Target } from '../native/events.js';
import { KIND, register, unregister } from '../native/events.js';
import { FINISH } from '../native/binding.js';
import { native } from '../native/loader.js';
import { IncomingBody } from '../message/incoming-body.js';
import { nodeStream } from '../message/node-stream.js';
import { TlsContext } from '../tls/tls-context.js';
import type { TlsClientOptions } from '../tls/tls-options.js';
import type { TlsFacts } from '../tls/tls-facts.js';
import { tlsFactsOf } from '../tls/tls-facts.js';
import type { DialFailure } from './dial-failure.js';
import { dialError } from './dial-failure.js';

/**
 * A connection that speaks no protocol of ours: one that `connect` made, or after an upgrade or CONNECT. Both sides end
 * on their own.
 * Its events are `drain`, `end` (the peer has ended), `close` and, where somebody listens, `error`.
 */
export class Socket extends EventEmitter implements AsyncIterable<Uint8Array>, Target {
  readonly id: number;
  readonly #slot: number;
  readonly #body: IncomingBody;
  #address: string[] | undefined;
  #ended = false;
  #closed = false;
  #full = false;
  #holds = true;
  #bytesRead = 0;
  #bytesWritten = 0;
  #tls: TlsFacts | null | undefined;
  #opening: { resolve(): void; reject(error: unknown): void; explain(failure: DialFailure): MillraceError } | undefined;
  #waiting: { resolve(): void; reject(error: unknown): void; finish: boolean }[] = [];

  /** Made by the server. */
  constructor(id: number, slot: number) {
    super();
    this.id = id;
    this.#slot = slot;
    this.#body = new IncomingBody(id, -1, false);
    register(slot, this);
    native.hold(1);
  }

  /** Facts of TLS; null where there is none. */
  get tls(): TlsFacts | null {
    if (this.#tls === undefined) this.#tls = tlsFactsOf(this.id);
    return this.#tls;
  }

  /** @internal Resolves when a connection that we began is open, and rejects when it cannot be. */
  opened(explain = dialError): Promise<void> {
    return new Promise((resolve, reject) => (this.#opening = { resolve, reject, explain }));
  }

  /** @internal Hands the connection to another owner, who gets its events under this id; nothing was read or written. */
  surrender(): number {
    this.#closed = true;
    unregister(this.#slot, this.id);
    if (this.#holds) native.hold(-1);
    this.#holds = false;
    return this.id;
  }

  get remoteAddress(): string {
    return this.#addressParts()[0];
  }

  get remotePort(): number {
    return Number(this.#addressParts()[1]);
  }

  get localAddress(): string {
    return this.#addressParts()[2];
  }

  get localPort(): number {
    return Number(this.#addressParts()[3]);
  }

  /** Bytes given to the reader so far. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Bytes taken by `write` and `end` so far. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Bytes of memory that are held for this connection now: what waits to be sent, what came and was not taken. */
  get memory(): number {
    return this.#closed ? 0 : native.memory(this.id);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Queues bytes; false: wait for `drain` or `drained()`. After the end it answers false. */
  write(data: string | Uint8Array | readonly Uint8Array[]): boolean {
    if (this.#ended || this.#closed) return false;
    let room = true;
    for (const part of Array.isArray(data) ? (data as Uint8Array[]) : [data as string | Uint8Array]) {
      const answer = native.write(this.id, part);
      if (answer !== undefined && answer !== 0) return false;
      this.#bytesWritten += typeof part === 'string' ? Buffer.byteLength(part) : part.byteLength;
      if (answer === 0) room = false;
    }
    if (!room) this.#full = true;
    return room;
  }

  /** Resolves when there is room again, or at once when there is; also when the socket closes. */
  drained(): Promise<void> {
    if (!this.#full || this.#closed) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject, finish: false }));
  }

  /** Ends our side; resolves when everything is with the kernel. The peer may go on sending. */
  end(data?: string | Uint8Array): Promise<void> {
    if (data !== undefined && data.length > 0) this.write(data);
    if (this.#closed || this.#ended) return Promise.resolve();
    this.#ended = true;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, finish: true });
      const code = native.end(this.id, '', FINISH);
      if (code !== undefined) this.#close(errorFromNative(code));
    });
  }

  /** Ends our side, drops what the peer still sends, resolves when the connection is closed. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const closed = new Promise<void>((resolve) => this.once('close', () => resolve()));
    if (!this.#body.used) await this.#body.dump(Number.MAX_SAFE_INTEGER);
    await this.end().catch(() => undefined);
    await closed;
  }

  /**
   * Speaks TLS from now on, over whatever the socket speaks already (STARTTLS, TLS inside TLS); resolves when the
   * handshake is over. Nothing may wait to be written, and nothing be on its way to the reader. A failure closes it.
   */
  async startTls(
    tls: TlsContext | TlsClientOptions,
    { servername, timeout = 10_000 }: { servername?: string; timeout?: number } = {},
  ): Promise<void> {
    const context = tls instanceof TlsContext ? tls : await TlsContext.client(tls);
    const name = servername ?? context.servername;
    if (context.kind !== 'client' || name === null) {
      const message = "startTls: needs a client's context and a 'servername'";
      throw misuse('MILLRACE_INVALID_ARGUMENT', message);
    }
    const opened = this.opened();
    const code = native.startTls(this.id, context.number, name, timeout);
    if (code !== 0) {
      this.#opening = undefined;
      throw errorFromNative(code);
    }
    this.#tls = undefined;
    await opened;
  }

  /** Cuts the connection. */
  destroy(error?: Error): void {
    if (this.#closed) return;
    native.destroy(this.id);
    if (error !== undefined && this.listenerCount('error') > 0) this.emit('error', error);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const chunks = this.#body[Symbol.asyncIterator]();
    return {
      next: async () => {
        const result = await chunks.next();
        if (result.done !== true) this.#bytesRead += result.value.byteLength;
        return result;
      },
      return: async () => {
        await chunks.return?.();
        this.destroy();
        return { done: true, value: undefined };
      },
    };
  }

  /** The socket as a Node Duplex, for libraries that want one. */
  asDuplex(): Duplex {
    const chunks = this[Symbol.asyncIterator]();
    const duplex = new (nodeStream().Duplex)({
      allowHalfOpen: true,
      read() {
        chunks.next().then(
          ({ done, value }) =>
            duplex.push(done === true ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength)),
          (error: Error) => duplex.destroy(error),
        );
      },
      write: (chunk: Uint8Array, _encoding, done) => {
        if (this.#closed) return done(new MillraceError('MILLRACE_STREAM_CLOSED', 'the connection is closed'));
        if (this.write(chunk)) done();
        else this.drained().then(() => done(), done);
      },
      final: (done) => {
        this.end().then(() => done(), done);
      },
      destroy: (error, done) => {
        this.destroy();
        done(error);
      },
    });
    return duplex;
  }

  ref(): this {
    if (!this.#holds && !this.#closed) native.hold(1);
    this.#holds = true;
    return this;
  }

  unref(): this {
    if (this.#holds && !this.#closed) native.hold(-1);
    this.#holds = false;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  handleEvent(kind: number, flags: number, a: number, b: number, value: unknown): void {
    if (this.#body.handleBodyEvent(kind, flags, a, b, value)) {
      if (kind === KIND.bodyEnd) {
        this.emit('end');
        if (this.#ended && this.#waiting.length === 0) this.#close();
      }
      return;
    }
    if (kind === KIND.dialled) {
      this.#opening?.resolve();
      this.#opening = undefined;
    } else if (kind === KIND.dialFailed) {
      const opening = this.#opening;
      this.#opening = undefined;
      this.#close();
      const detail = (value as string | undefined) ?? '';
      opening?.reject(opening.explain({ codeId: flags & 0xfff, hop: flags >>> 12, a, b, detail }));
    } else if (kind === KIND.drain) {
      this.#full = false;
      this.#settle((waiting) => !waiting.finish);
      this.emit('drain');
    } else if (kind === KIND.finished) {
      this.#settle(() => true);
      if (this.#body.ended) this.#close();
    } else if (kind === KIND.aborted) {
      const error = errorFromNative(flags, { value: a, seen: b });
      this.#body.fail(error);
      this.#close(this.#ended && this.#body.ended ? undefined : error);
    }
  }

  #settle(which: (waiting: { finish: boolean }) => boolean, error?: unknown): void {
    const all = this.#waiting;
    this.#waiting = all.filter((waiting) => !which(waiting));
    for (const waiting of all) {
      if (!which(waiting)) continue;
      if (error !== undefined && waiting.finish) waiting.reject(error);
      else waiting.resolve();
    }
  }

  #close(error?: MillraceError): void {
    if (this.#closed) return;
    this.#addressParts();
    void this.tls;
    this.#closed = true;
    unregister(this.#slot, this.id);
    if (this.#holds) native.hold(-1);
    this.#settle(() => true, error);
    const { close } = SOCKET_CHANNELS;
    if (close.hasSubscribers) {
      const { bytesRead, bytesWritten } = this;
      close.publish({ socket: this, bytesRead, bytesWritten, error } satisfies SocketCloseMessage);
    }
    if (error !== undefined && this.listenerCount('error') > 0) this.emit('error', error);
    this.emit('close');
  }

  #addressParts(): string[] {
    return (this.#address ??= (native.address(this.id) || '\0\0\0').split('\0'));
  }
}
