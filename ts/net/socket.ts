import { describeValue } from '../errors/escape.js';
import { errorFromNative } from '../errors/native-error.js';
import type { MillraceError } from '../errors/millrace-error.js';
import { misuse } from '../errors/millrace-error.js';
import { FINISH } from '../native/binding.js';
import type { Target } from '../native/events.js';
import { DIALLED_PROXY, DIALLED_TLS, KIND, register, unregister } from '../native/events.js';
import { native } from '../native/loader.js';
import type { RelayOptions } from '../options/relay.generated.js';
import type { TlsContext } from '../tls/tls-context.js';
import type { TlsClientOptions } from '../tls/tls-options.js';
import type { TlsFacts } from '../tls/tls-facts.js';
import { tlsFactsOf } from '../tls/tls-facts.js';
import type { SocketCloseMessage } from './channels.js';
import { SOCKET_CHANNELS } from './channels.js';
import { dialError, systemBroke } from './dial-failure.js';
import type { KeepAlive } from './keep-alive.js';
import { ReadingSide } from './reading-side.js';
import type { Ending, RelayCounts } from './relay.js';
import { relay } from './relay.js';
import type { DuplexOptions, SocketDuplex } from './socket-duplex.js';
import { duplexOf } from './socket-duplex.js';
import type { Handshakes, Joint, Opening } from './socket-facts.js';
import { NO_HANDSHAKES, SocketFacts } from './socket-facts.js';
import type { StartTlsOptions } from './start-tls.js';
import { badName, startTlsOf } from './start-tls.js';
import { setKeepAlive, setNoDelay, setUserTimeout } from './socket-options.js';
import type { PeerCredentials, TcpInfo } from './tcp-info.js';
import { peerCredentialsOf, tcpInfoOf } from './tcp-info.js';
import { Writers } from './writers.js';

/** The number of `MILLRACE_SYSTEM`. */
const SYSTEM = 2;

// States of a socket, in `#state`.
/** Our side has ended. */
const ENDED = 1;
const CLOSED = 2;
/** The last `write` said wait. */
const FULL = 4;
/** It keeps the process alive. */
const HOLDS = 8;
const JOINED = 16;

/** Above the slot of an id is its generation. */
const SLOTS = 2_097_152;

/**
 * A connection that speaks no protocol of ours: one that `connect` made, or after an upgrade or CONNECT. Both sides end
 * on their own.
 * Its events are `data` (see `pause`), `drain`, `end` (the peer has ended), `close`
 * and, where somebody listens, `error`.
 *
 * There may be very many that wait: an idle one has numbers, and no object besides (test/border/programs/idle-sockets.mjs).
 */
export class Socket extends ReadingSide implements Target, AsyncDisposable {
  // As two small integers, which lie in the object: the id itself would be a number on the heap.
  readonly #slot: number;
  readonly #generation: number;
  #state = HOLDS;
  #bytesWritten = 0;
  #writers: Writers | undefined;
  #facts: SocketFacts | undefined;

  /** Made by the server. */
  constructor(id: number, slot: number) {
    super();
    this.#slot = slot;
    this.#generation = (id - slot) / SLOTS;
    register(slot, this);
    native.hold(1);
  }

  get id(): number {
    return this.#generation * SLOTS + this.#slot;
  }

  /** @internal How long the handshakes of a connection that we began took, in ms; null: there was none. */
  get handshakes(): Handshakes {
    return this.#facts?.handshakes ?? NO_HANDSHAKES;
  }

  /** Facts of TLS; null where there is none. */
  get tls(): TlsFacts | null {
    const facts = this._ownFacts();
    if (facts.tls === undefined) facts.tls = tlsFactsOf(this.id);
    return facts.tls;
  }

  /** @internal Resolves when a connection that we began is open, and rejects when it cannot be. */
  opened(explain = dialError): Promise<void> {
    return new Promise((resolve, reject) => (this._ownFacts().opening = { resolve, reject, explain }));
  }

  /** @internal Hands the connection to another owner, who gets its events under this id; nothing was read or written. */
  surrender(): number {
    this.#state |= CLOSED;
    unregister(this.#slot, this.id);
    if (this._is(HOLDS)) native.hold(-1);
    this.#state &= ~HOLDS;
    return this.id;
  }

  get remoteAddress(): string {
    return this._addressParts()[0];
  }

  get remotePort(): number {
    return Number(this._addressParts()[1]);
  }

  get localAddress(): string {
    return this._addressParts()[2];
  }

  get localPort(): number {
    return Number(this._addressParts()[3]);
  }

  /** Bytes taken by `write` and `end` so far. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Bytes of memory that are held for this connection now: what waits to be sent, what came and was not taken. */
  get memory(): number {
    return this.closed ? 0 : native.memory(this.id);
  }

  /** Why it closed before its time; undefined while it is open, and when both sides had ended. */
  get failure(): MillraceError | undefined {
    return this.#facts?.failure;
  }

  get closed(): boolean {
    return this._is(CLOSED);
  }

  /** Queues bytes; false: wait for `drain` or `drained()`. After the end it answers false. */
  write(data: string | Uint8Array | readonly Uint8Array[]): boolean {
    if (this._is(ENDED | CLOSED | JOINED)) return false;
    if (Array.isArray(data)) {
      let room = true;
      for (const part of data as readonly Uint8Array[]) room = this._writeOne(part) && room;
      return room;
    }
    return this._writeOne(data as string | Uint8Array);
  }

  private _writeOne(part: string | Uint8Array): boolean {
    if (typeof part !== 'string' && !(part instanceof Uint8Array)) throw noChunk(part);
    const answer = native.write(this.id, part);
    if (answer !== undefined && answer !== 0) return false;
    this.#bytesWritten += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
    if (answer === undefined) return true;
    this.#state |= FULL;
    return false;
  }

  /** Resolves when there is room again, or at once when there is; also when the socket closes. */
  drained(): Promise<void> {
    if (!this._is(FULL) || this.closed) return Promise.resolve();
    return (this.#writers ??= new Writers()).wait(false);
  }

  /** Ends our side; resolves when everything is with the kernel. The peer may go on sending. */
  end(data?: string | Uint8Array): Promise<void> {
    if (data !== undefined) this.write(data);
    if (this._is(ENDED | CLOSED | JOINED)) return Promise.resolve();
    this.#state |= ENDED;
    const finished = (this.#writers ??= new Writers()).wait(true);
    const code = native.end(this.id, '', FINISH);
    if (code !== undefined) this._close(errorFromNative(code));
    return finished;
  }

  /** Ends our side, drops what the peer still sends, resolves when the connection is closed. */
  async close(): Promise<void> {
    if (this.closed) return;
    if (this._is(JOINED)) this.destroy();
    const closed = new Promise<void>((resolve) => this.once('close', () => resolve()));
    this.drop();
    await this.end().catch(() => undefined);
    await closed;
  }

  /**
   * Speaks TLS from now on, over whatever the socket speaks already (STARTTLS, TLS inside TLS); resolves when the
   * handshake is over. Nothing may wait to be written, and nothing be on its way to the reader. A failure closes it.
   */
  async startTls(tls: TlsContext | TlsClientOptions, options: StartTlsOptions = {}): Promise<void> {
    const { context, servername, timeout } = await startTlsOf(tls, options);
    const opened = this.opened();
    const code = native.startTls(this.id, context.number, servername, timeout);
    if (code !== 0) {
      this._ownFacts().opening = undefined;
      const error = errorFromNative(code);
      throw error.code === 'MILLRACE_INVALID_ARGUMENT' ? badName(servername) : error;
    }
    this._ownFacts().tls = undefined;
    await opened;
  }

  /** Cuts the connection. */
  destroy(error?: Error): void {
    if (this.closed) return;
    if (error !== undefined) this._ownFacts().reason ??= error;
    native.destroy(this.id);
    // Its connection may be over but for the chunks that wait.
    if (this.forgetEnd()) this.closeIfOver();
  }

  /** The socket as a Node Duplex, for libraries that want one; it takes over reading. */
  asDuplex(options: DuplexOptions = {}): SocketDuplex {
    return duplexOf(this, options);
  }

  /**
   * Joins this socket and the other natively: what the peer of one sends goes to the peer of the other, and bytes enter
   * JavaScript no more. What came before and was not read goes first. Each side's end is passed on; resolves when both
   * have ended, and rejects when either breaks or is closed already, a timeout passes or the signal is aborted: then both
   * are reset. The counts are in `bytesRead` and `bytesWritten` of both in any case.
   *
   * What cannot be joined, since it is in a relay, its side has ended, or a `next()` of it waits, is misuse, and both
   * live on.
   */
  pipeTo(other: Socket, options: RelayOptions = {}): Promise<RelayCounts> {
    if (!(other instanceof Socket) || other === this) {
      const got = other === this ? 'the same one' : describeValue(other);
      return Promise.reject(
        misuse('MILLRACE_INVALID_ARGUMENT', `pipeTo: needs another Socket of millrace, got ${got}`),
      );
    }
    return relay(this, other, options);
  }

  /** @internal Why an open socket cannot be joined; undefined where it can. */
  get unfit(): MillraceError | undefined {
    const wrong = (what: string): MillraceError =>
      misuse('MILLRACE_INVALID_STATE', `pipeTo: one of the sockets ${what}`);
    if (this._is(JOINED)) return wrong('is in a relay already');
    if (this._is(ENDED)) return wrong('has ended on our side');
    if (this.isAwaited) return misuse('MILLRACE_SOCKET_USED', 'pipeTo: a next() of one of the sockets waits');
    return undefined;
  }

  /** What the system knows of the connection; null where it is no TCP connection, or closed. */
  info(): TcpInfo | null {
    return this.closed ? null : tcpInfoOf(this.id);
  }

  /** Who is at the other end of a Unix socket; null where it is none, or closed. */
  peerCredentials(): PeerCredentials | null {
    return this.closed ? null : peerCredentialsOf(this.id);
  }

  /** TCP_NODELAY; it is on from the start, for writes are gathered here. A Unix socket has none. */
  setNoDelay(on = true): this {
    return setNoDelay(this, on);
  }

  /** TCP keepalive in seconds, `true` for 60, 10, 3; false: none. A Unix socket has none. */
  setKeepAlive(keepAlive: KeepAlive | boolean): this {
    return setKeepAlive(this, keepAlive);
  }

  /** How long sent bytes may stay unacknowledged, in ms (TCP_USER_TIMEOUT); null: the system's. A Unix socket has none. */
  setUserTimeout(ms: number | null): this {
    return setUserTimeout(this, ms);
  }

  ref(): this {
    if (!this._is(HOLDS | CLOSED)) native.hold(1);
    this.#state |= HOLDS;
    return this;
  }

  unref(): this {
    if (this._is(HOLDS) && !this.closed) native.hold(-1);
    this.#state &= ~HOLDS;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  handleEvent(kind: number, flags: number, a: number, b: number, value: unknown): void {
    if (this._is(JOINED)) return this._relayed(kind, flags, a, b, value);
    switch (kind) {
      case KIND.body:
        // Its length, as the event has it: to ask the chunk is a call. A small integer, which the ring's double is not.
        return this.arrived(value as Uint8Array, a | 0);
      case KIND.bodyEnd:
        return this.arrivedEnd();
      case KIND.dialled:
        return this._opened(
          (flags & DIALLED_PROXY) !== 0 ? a / 1e6 : null,
          (flags & DIALLED_TLS) !== 0 ? b / 1e6 : null,
        );
      case KIND.dialFailed: {
        const opening = this._takeOpening();
        this._close();
        const detail = (value as string | undefined) ?? '';
        return opening?.reject(opening.explain({ codeId: flags & 0xfff, hop: flags >>> 12, a, b, detail }));
      }
      case KIND.drain:
        this._hasRoom();
        this.emit('drain');
        return;
      case KIND.finished:
        this._settle(true);
        return this.closeIfOver();
      case KIND.aborted: {
        const error =
          flags === SYSTEM
            ? systemBroke(a, this.remoteAddress, this.remotePort)
            : errorFromNative(flags, { value: a, seen: b });
        this.arrivedFailure(error);
        this._close(this._is(ENDED) && this.peerEnded ? undefined : error);
      }
    }
  }

  private _opened(proxy: number | null, tls: number | null): void {
    this._ownFacts().handshakes = { proxy, tls };
    this._takeOpening()?.resolve();
  }

  private _takeOpening(): Opening | undefined {
    const facts = this._ownFacts();
    const { opening } = facts;
    facts.opening = undefined;
    return opening;
  }

  /** @internal The native core has joined it with another: what was kept for its reader goes there. */
  join(other: Socket, ending?: Ending): void {
    const joint = { other, ending, carried: 0 };
    this._ownFacts().joint = joint;
    this.#state |= JOINED;
    this._hasRoom();
    for (const chunk of this.release()) this._carry(joint, chunk);
  }

  /** @internal The relay is over. */
  leave(sent: number, received: number, error: MillraceError | undefined): void {
    this.countRead(sent);
    this.#bytesWritten += received;
    this._close(error);
  }

  /** Until the relay has begun, what still comes goes to the other end. */
  private _relayed(kind: number, flags: number, a: number, b: number, value: unknown): void {
    const joint = this.#facts?.joint;
    if (joint === undefined) return;
    const { other, ending, carried } = joint;
    if (kind === KIND.body) this._carry(joint, value as Uint8Array);
    else if (kind === KIND.relayEnded) {
      ending?.end(this, other, flags, { sent: a, received: b }, carried, other.#facts?.joint?.carried ?? 0);
    }
  }

  private _carry(joint: Joint, chunk: Uint8Array): void {
    const { other } = joint;
    const answer = native.write(other.id, chunk);
    if (answer !== undefined && answer !== 0) return;
    joint.carried += chunk.byteLength;
    this.countRead(chunk.byteLength);
    other.#bytesWritten += chunk.byteLength;
  }

  protected override closeIfOver(): void {
    const over = this._is(ENDED) && this.peerEnded && this.#writers === undefined;
    if (over && !this.endWaits) this._close();
  }

  /** Who waits for room has it. */
  private _hasRoom(): void {
    this.#state &= ~FULL;
    this._settle(false);
  }

  private _settle(finished: boolean, error?: unknown): void {
    if (this.#writers?.settle(finished, error) === 0) this.#writers = undefined;
  }

  private _close(error?: MillraceError): void {
    if (this.closed) return;
    const reason = this.#facts?.reason;
    if (error !== undefined && reason !== undefined) error.cause = reason;
    this._addressParts();
    void this.tls;
    this.#state |= CLOSED;
    this._ownFacts().failure = error;
    unregister(this.#slot, this.id);
    if (this._is(HOLDS)) native.hold(-1);
    this._settle(true, error);
    const { close } = SOCKET_CHANNELS;
    if (close.hasSubscribers) {
      const { bytesRead, bytesWritten } = this;
      close.publish({ socket: this, bytesRead, bytesWritten, error } satisfies SocketCloseMessage);
    }
    const told = reason ?? error;
    if (told !== undefined && this.listenerCount('error') > 0) this.emit('error', told);
    this.emit('close');
  }

  private _is(states: number): boolean {
    return (this.#state & states) !== 0;
  }

  private _ownFacts(): SocketFacts {
    return (this.#facts ??= new SocketFacts());
  }

  private _addressParts(): string[] {
    return (this._ownFacts().address ??= (native.address(this.id) || '\0\0\0').split('\0'));
  }
}

function noChunk(given: unknown): Error {
  return misuse('MILLRACE_INVALID_ARGUMENT', `write: needs a string or a Uint8Array, got ${describeValue(given)}`);
}
