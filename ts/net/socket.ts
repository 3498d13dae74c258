import { EventEmitter } from 'node:events';

import type { SocketCloseMessage } from './channels.js';
import { SOCKET_CHANNELS } from './channels.js';
import { errorFromNative } from '../errors/native-error.js';
import { describeValue } from '../errors/escape.js';
import type { MillraceError } from '../errors/millrace-error.js';
import { misuse, outOfRange } from '../errors/millrace-error.js';
import type { Target } from '../native/events.js';
import { DIALLED_PROXY, DIALLED_TLS, KIND, register, unregister } from '../native/events.js';
import { FINISH, SOCKET_KEEP_ALIVE, SOCKET_NO_DELAY, SOCKET_USER_TIMEOUT } from '../native/binding.js';
import type { RelayOptions } from '../options/relay.generated.js';
import { native } from '../native/loader.js';
import type { ChunkSink } from '../message/incoming-body.js';
import { IncomingBody } from '../message/incoming-body.js';
import { TlsContext } from '../tls/tls-context.js';
import type { TlsClientOptions } from '../tls/tls-options.js';
import type { TlsFacts } from '../tls/tls-facts.js';
import { tlsFactsOf } from '../tls/tls-facts.js';
import type { DialFailure } from './dial-failure.js';
import { dialError } from './dial-failure.js';
import type { KeepAlive } from './keep-alive.js';
import { keepAliveNumbers } from './keep-alive.js';
import type { Ending, RelayCounts } from './relay.js';
import { relay } from './relay.js';
import type { DuplexOptions, SocketDuplex } from './socket-duplex.js';
import { duplexOf } from './socket-duplex.js';
import type { PeerCredentials, TcpInfo } from './tcp-info.js';
import { peerCredentialsOf, tcpInfoOf } from './tcp-info.js';

/** How long proxies and TLS took, in ms. */
export interface Handshakes {
  readonly proxy: number | null;
  readonly tls: number | null;
}

const NO_HANDSHAKES: Handshakes = { proxy: null, tls: null };
const SYSTEM = 2;
/** The body of whoever is joined to another: read, over, and nobody's. */
const RELEASED = new IncomingBody(0, 0, true);
RELEASED.release();
/** Where the bytes of one that is closed go. */
const DROPPED: ChunkSink = { take: () => undefined };
type EventListener = Parameters<EventEmitter['on']>[1];

/** Who waits for room, or for everything to be with the kernel. */
interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
  finish: boolean;
}

/** What a socket knows of its relay. */
interface Joint {
  readonly other: Socket;
  readonly ending: Ending | undefined;
  /** Bytes that went to the other end before the relay had begun. */
  carried: number;
}

/**
 * A connection that speaks no protocol of ours: one that `connect` made, or after an upgrade or CONNECT. Both sides end
 * on their own.
 * Its events are `data` (see `pause`), `drain`, `end` (the peer has ended), `close`
 * and, where somebody listens, `error`.
 */
export class Socket extends EventEmitter implements AsyncIterable<Uint8Array>, Target, ChunkSink {
  readonly id: number;
  /** @internal How long the handshakes of a connection that we began took, in ms; null: there was none. */
  handshakes: Handshakes = NO_HANDSHAKES;
  readonly #slot: number;
  #body: IncomingBody;
  #address: string[] | undefined;
  #ended = false;
  #closed = false;
  #full = false;
  #holds = true;
  #bytesRead = 0;
  #bytesWritten = 0;
  #tls: TlsFacts | null | undefined;
  #failure: MillraceError | undefined;
  /** Whether `data` events wait; undefined: nobody has asked for them. */
  #isPaused: boolean | undefined;
  /** Where the peer's end has not been told: it waits behind chunks that are kept, or nobody listened yet. */
  #endWaits: 'behind' | 'unheard' | undefined;
  #joint: Joint | undefined;
  #opening: { resolve(): void; reject(error: unknown): void; explain(failure: DialFailure): MillraceError } | undefined;
  #waiting: Waiting[] | undefined;

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

  /** Why it closed before its time; undefined while it is open, and when both sides had ended. */
  get failure(): MillraceError | undefined {
    return this.#failure;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Queues bytes; false: wait for `drain` or `drained()`. After the end it answers false. */
  write(data: string | Uint8Array | readonly Uint8Array[]): boolean {
    if (this.#ended || this.#closed || this.#joint !== undefined) return false;
    if (Array.isArray(data)) {
      let room = true;
      for (const part of data as readonly Uint8Array[]) room = this.#writeOne(part) && room;
      return room;
    }
    return this.#writeOne(data as string | Uint8Array);
  }

  #writeOne(part: string | Uint8Array): boolean {
    if (typeof part !== 'string' && !(part instanceof Uint8Array)) throw noChunk(part);
    const answer = native.write(this.id, part);
    if (answer !== undefined && answer !== 0) return false;
    this.#bytesWritten += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
    if (answer === undefined) return true;
    this.#full = true;
    return false;
  }

  /** Resolves when there is room again, or at once when there is; also when the socket closes. */
  drained(): Promise<void> {
    if (!this.#full || this.#closed) return Promise.resolve();
    return new Promise((resolve, reject) => (this.#waiting ??= []).push({ resolve, reject, finish: false }));
  }

  /** Ends our side; resolves when everything is with the kernel. The peer may go on sending. */
  end(data?: string | Uint8Array): Promise<void> {
    if (data !== undefined) this.write(data);
    if (this.#closed || this.#ended || this.#joint !== undefined) return Promise.resolve();
    this.#ended = true;
    return new Promise((resolve, reject) => {
      (this.#waiting ??= []).push({ resolve, reject, finish: true });
      const code = native.end(this.id, '', FINISH);
      if (code !== undefined) this.#close(errorFromNative(code));
    });
  }

  /** Ends our side, drops what the peer still sends, resolves when the connection is closed. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#joint !== undefined) this.destroy();
    const closed = new Promise<void>((resolve) => this.once('close', () => resolve()));
    if (!this.#body.used) await this.#body.dump(Number.MAX_SAFE_INTEGER);
    else if (this.#isPaused === true) {
      this.#body.flow(DROPPED);
      if (this.#endWaits === 'behind') this.#tellEnd();
    }
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
    if (this.#endWaits === 'behind') {
      // Its connection may be over but for the chunks that wait.
      this.#endWaits = undefined;
      this.#closeIfOver();
    }
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

  /** The socket as a Node Duplex, for libraries that want one; it takes over reading. */
  asDuplex(options: DuplexOptions = {}): SocketDuplex {
    return duplexOf(this, options);
  }

  /**
   * Joins this socket and the other natively: what the peer of one sends goes to the peer of the other, and bytes enter
   * JavaScript no more. What came before and was not read goes first. Each side's end is passed on; resolves when both
   * have ended, and rejects when either breaks, a timeout passes or the signal is aborted: then both are reset. The
   * counts are in `bytesRead` and `bytesWritten` of both in any case.
   */
  pipeTo(other: Socket, options: RelayOptions = {}): Promise<RelayCounts> {
    if (!(other instanceof Socket) || other === this) {
      const got = other === this ? 'the same one' : describeValue(other);
      return Promise.reject(
        misuse('MILLRACE_INVALID_ARGUMENT', `pipeTo: needs another Socket of millrace, got ${got}`),
      );
    }
    if (this.#joint !== undefined || other.#joint !== undefined) {
      return Promise.reject(misuse('MILLRACE_INVALID_STATE', 'pipeTo: one of the sockets is in a relay already'));
    }
    return relay(this, other, options);
  }

  /** What the system knows of the connection; null where it is no TCP connection, or closed. */
  info(): TcpInfo | null {
    return this.#closed ? null : tcpInfoOf(this.id);
  }

  /** Who is at the other end of a Unix socket; null where it is none, or closed. */
  peerCredentials(): PeerCredentials | null {
    return this.#closed ? null : peerCredentialsOf(this.id);
  }

  /** TCP_NODELAY; it is on from the start, for writes are gathered here. A Unix socket has none. */
  setNoDelay(on = true): this {
    return this.#set(SOCKET_NO_DELAY, on ? 1 : 0);
  }

  /** TCP keepalive in seconds, `true` for 60, 10, 3; false: none. A Unix socket has none. */
  setKeepAlive(keepAlive: KeepAlive | boolean): this {
    return this.#set(SOCKET_KEEP_ALIVE, ...(keepAliveNumbers('setKeepAlive', keepAlive) ?? ([0, 0, 0] as const)));
  }

  /** How long sent bytes may stay unacknowledged, in ms (TCP_USER_TIMEOUT); null: the system's. A Unix socket has none. */
  setUserTimeout(ms: number | null): this {
    if (ms !== null && !(Number.isInteger(ms) && ms >= 1 && ms <= 2_147_483_647)) {
      throw outOfRange(`setUserTimeout: must be an integer from 1 to 2147483647 or null, got ${describeValue(ms)}`);
    }
    return this.#set(SOCKET_USER_TIMEOUT, ms ?? 0);
  }

  #set(option: number, a: number, b = 0, c = 0): this {
    const code = this.#closed ? undefined : native.setSocket(this.id, option, a, b, c);
    if (code === undefined) return this;
    throw code < 0 ? errorFromNative(SYSTEM, { errno: code, syscall: 'setsockopt' }) : errorFromNative(code);
  }

  /** Chunks come as `data` events from the first listener on; `pause` has them wait, `resume` goes on. */
  override on(name: string | symbol, listener: EventListener): this {
    super.on(name, listener);
    if (name === 'data' && this.#isPaused === undefined) this.resume();
    else if (name === 'end' && this.#endWaits === 'unheard') {
      this.#endWaits = undefined;
      process.nextTick(() => this.emit('end'));
    }
    return this;
  }

  override addListener(name: string | symbol, listener: EventListener): this {
    return this.on(name, listener);
  }

  /** Has `data` events wait; what comes meanwhile is kept within the window of the reader. */
  pause(): this {
    if (this.#isPaused !== true && !this.#closed) this.#body.flow(undefined);
    this.#isPaused = true;
    return this;
  }

  /** Has `data` events go on. */
  resume(): this {
    if (this.#isPaused !== false) {
      this.#isPaused = false;
      this.#body.flow(this);
      if (this.#endWaits === 'behind' && !this.#body.keeps) this.#tellEnd();
    }
    return this;
  }

  /** @internal */
  take(chunk: Uint8Array, length: number): void {
    this.#bytesRead += length;
    this.emit('data', chunk);
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
    if (this.#joint !== undefined) {
      this.#relayed(this.#joint, kind, flags, a, b, value);
      return;
    }
    if (this.#body.handleBodyEvent(kind, flags, a, b, value)) {
      if (kind === KIND.bodyEnd) {
        if (this.#isPaused === true && this.#body.keeps) this.#endWaits = 'behind';
        else this.#tellEnd();
      }
      return;
    }
    if (kind === KIND.dialled) {
      this.handshakes = {
        proxy: (flags & DIALLED_PROXY) !== 0 ? a / 1e6 : null,
        tls: (flags & DIALLED_TLS) !== 0 ? b / 1e6 : null,
      };
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
      this.#closeIfOver();
    } else if (kind === KIND.aborted) {
      const error = errorFromNative(flags, { value: a, seen: b });
      this.#body.fail(error);
      this.#close(this.#ended && this.#body.ended ? undefined : error);
    }
  }

  /** @internal The native core has joined it with another: what was kept for its reader goes there. */
  join(other: Socket, ending?: Ending): void {
    this.#joint = { other, ending, carried: 0 };
    this.#full = false;
    this.#settle((waiting) => !waiting.finish);
    for (const chunk of this.#body.release()) this.#carry(this.#joint, chunk);
    this.#body = RELEASED;
    this.#endWaits = undefined;
  }

  /** @internal The relay is over. */
  leave(sent: number, received: number, error: MillraceError | undefined): void {
    this.#bytesRead += sent;
    this.#bytesWritten += received;
    this.#close(error);
  }

  /** Until the relay has begun, what still comes goes to the other end. */
  #relayed(joint: Joint, kind: number, flags: number, a: number, b: number, value: unknown): void {
    const { other, ending, carried } = joint;
    if (kind === KIND.body) this.#carry(joint, value as Uint8Array);
    else if (kind === KIND.relayEnded) {
      ending?.end(this, other, flags, { sent: a, received: b }, carried, other.#joint?.carried ?? 0);
    }
  }

  #carry(joint: Joint, chunk: Uint8Array): void {
    const { other } = joint;
    const answer = native.write(other.id, chunk);
    if (answer !== undefined && answer !== 0) return;
    joint.carried += chunk.byteLength;
    this.#bytesRead += chunk.byteLength;
    other.#bytesWritten += chunk.byteLength;
  }

  /** The peer has ended, and its last byte was taken. */
  #tellEnd(): void {
    // Whoever begins to listen later, having asked for no byte yet, is told then.
    const heard = this.#body.used || this.listenerCount('end') > 0;
    this.#endWaits = heard ? undefined : 'unheard';
    try {
      this.emit('end');
    } finally {
      this.#closeIfOver();
    }
  }

  #closeIfOver(): void {
    const over = this.#ended && this.#body.ended && this.#waiting === undefined;
    if (over && this.#endWaits !== 'behind') this.#close();
  }

  #settle(which: (waiting: Waiting) => boolean, error?: unknown): void {
    const all = this.#waiting;
    if (all === undefined) return;
    const left = all.filter((waiting) => !which(waiting));
    this.#waiting = left.length === 0 ? undefined : left;
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
    this.#failure = error;
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

function noChunk(given: unknown): Error {
  return misuse('MILLRACE_INVALID_ARGUMENT', `write: needs a string or a Uint8Array, got ${describeValue(given)}`);
}
