import { isIPv6 } from 'node:net';
import { Duplex } from 'node:stream';

import type { Socket, TlsFacts } from '../../index.js';
import { MillraceError } from '../../index.js';

/** Begins the connection; the signal ends the attempt. */
export type Dial = (signal: AbortSignal) => Promise<Socket>;

type Done = (error?: Error | null) => void;

/**
 * A connection in the shape of Node's `net.Socket` and `tls.TLSSocket`, as far as an HTTP client asks for it. It is there
 * at once, with `connecting` true, so that the agent counts it; what is written waits until the connection is open.
 * `connect`, and with TLS `secureConnect`, come when everything on the way is open, the handshakes with proxies as well.
 *
 * `remoteAddress` is the peer of the TCP connection: the first proxy, where there is one. What TCP does (`setNoDelay`,
 * `setKeepAlive`) was said when the connection was begun: those two change nothing.
 */
export class AgentSocket extends Duplex {
  connecting = true;
  /** Of silence, in ms; 0: none. */
  timeout = 0;
  /** Present only with TLS, as Node has it. */
  readonly encrypted?: true;
  readonly #dial: Dial;
  readonly #giveUp = new AbortController();
  #socket: Socket | undefined;
  #chunks: AsyncIterator<Uint8Array> | undefined;
  #holds = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: { timeout?: number | undefined }, secure: boolean, dial: Dial) {
    super({ allowHalfOpen: false });
    if (secure) this.encrypted = true;
    this.#dial = dial;
    if (request.timeout) this.setTimeout(request.timeout);
  }

  get pending(): boolean {
    return this.#socket === undefined;
  }

  get readyState(): string {
    if (this.connecting) return 'opening';
    if (this.readable && this.writable) return 'open';
    return this.readable ? 'readOnly' : this.writable ? 'writeOnly' : 'closed';
  }

  get remoteAddress(): string | undefined {
    return this.#socket?.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket?.remotePort;
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.remoteAddress);
  }

  get localAddress(): string | undefined {
    return this.#socket?.localAddress;
  }

  get localPort(): number | undefined {
    return this.#socket?.localPort;
  }

  get localFamily(): string | undefined {
    return familyOf(this.localAddress);
  }

  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  get bytesWritten(): number {
    return (this.#socket?.bytesWritten ?? 0) + this.writableLength;
  }

  address(): object {
    const { localAddress: address, localPort: port, localFamily: family } = this;
    return address === undefined ? {} : { address, port, family };
  }

  /** Facts of TLS; null on a plain connection, and before it is open. */
  get tls(): TlsFacts | null {
    return this.#socket?.tls ?? null;
  }

  get authorized(): boolean {
    return this.tls !== null && this.tls.authorizationError === null;
  }

  get authorizationError(): Error | null {
    return this.tls?.authorizationError ?? null;
  }

  get alpnProtocol(): string | false {
    return this.tls?.alpn ?? false;
  }

  get servername(): string | null {
    return this.tls?.servername ?? null;
  }

  getProtocol(): string | null {
    return this.tls?.version ?? null;
  }

  getCipher(): { name: string; standardName: string; version: string } | undefined {
    const { tls } = this;
    return tls === null ? undefined : { name: tls.cipher, standardName: tls.cipher, version: tls.version };
  }

  getPeerCertificate(): object {
    return this.tls?.peerCertificate()?.toLegacyObject() ?? {};
  }

  getPeerX509Certificate(): unknown {
    return this.tls?.peerCertificate() ?? undefined;
  }

  isSessionReused(): boolean {
    return this.tls?.resumed ?? false;
  }

  /** Emits `timeout` after so many milliseconds in which nothing was read or written; 0: never. */
  setTimeout(ms: number, listener?: () => void): this {
    this.timeout = ms;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (ms > 0) {
      this.#timer = setTimeout(() => this.emit('timeout'), ms).unref();
      if (listener !== undefined) this.once('timeout', listener);
    } else if (listener !== undefined) {
      this.off('timeout', listener);
    }
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    this.#holds = true;
    this.#socket?.ref();
    return this;
  }

  unref(): this {
    this.#holds = false;
    this.#socket?.unref();
    return this;
  }

  /** Ends our side, and closes when that is with the kernel. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  override destroy(error?: Error): this {
    // A Duplex waits for its construction before it lets itself be destroyed.
    this.#giveUp.abort();
    return super.destroy(error);
  }

  override _construct(done: Done): void {
    this.#dial(this.#giveUp.signal).then(
      (socket) => this.#opened(socket, done),
      (error: Error) => {
        this.connecting = false;
        // Whoever destroyed it has said why.
        done(this.destroyed ? null : error);
      },
    );
  }

  #opened(socket: Socket, done: Done): void {
    this.connecting = false;
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]();
    if (this.destroyed) return done();
    if (!this.#holds) socket.unref();
    this.#timer?.refresh();
    done();
    this.emit('connect');
    if (this.encrypted === true) this.emit('secureConnect');
    this.emit('ready');
  }

  override _read(): void {
    this.#chunks?.next().then(
      ({ done, value }) => {
        this.#timer?.refresh();
        if (done !== true) return void this.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
        this.push(null);
        // Nobody may be reading an idle connection of the pool: its end must be seen all the same.
        this.read(0);
      },
      (error: Error) => this.destroy(error),
    );
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    this.#send(chunk, done);
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: Done): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: Done): void {
    (this.#socket as Socket).end().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    done(error);
  }

  #send(data: Uint8Array | Uint8Array[], done: Done): void {
    const socket = this.#socket as Socket;
    if (socket.closed) return done(new MillraceError('MILLRACE_STREAM_CLOSED', 'the connection is closed'));
    this.#timer?.refresh();
    if (socket.write(data)) return done();
    socket.drained().then(() => {
      this.#timer?.refresh();
      done();
    }, done);
  }
}

function familyOf(address: string | undefined): string | undefined {
  if (address === undefined || address === '') return undefined;
  return isIPv6(address) ? 'IPv6' : 'IPv4';
}
