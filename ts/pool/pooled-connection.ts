import { errorFromNative } from '../errors/native-error.js';
import type { Target } from '../native/events.js';
import { KIND, register, slotOf, unregister } from '../native/events.js';
import { native } from '../native/loader.js';
import type { Socket } from '../net/socket.js';
import type { TlsFacts } from '../tls/tls-facts.js';
import { tlsFactsOf } from '../tls/tls-facts.js';
import type { OriginPool } from './origin-pool.js';

/** Why a connection ended. */
export type Retirement = 'idle' | 'age' | 'requests' | 'peer' | 'stale' | 'error' | 'limit' | 'drain' | 'discarded';

const NO_PHASES = { dns: null, connect: null, proxy: null, tls: null };

/** One HTTP/1.1 connection of a pool: in the pool while idle, with an exchange while it is not. */
export class PooledConnection implements Target {
  /** The handle of the native core. */
  readonly id: number;
  readonly origin: OriginPool;
  readonly createdAt: number;
  /** When it is too old; Infinity: never. */
  readonly retiresAt: number;
  /** How long it took to make, in ms. */
  phases: { dns: number | null; connect: number | null; proxy: number | null; tls: number | null } = NO_PHASES;
  /** Since when it is idle, and until when it may be. */
  idleSince = 0;
  idleUntil = 0;
  /** Exchanges so far. */
  uses = 0;
  /** Exchanges that are under way; more than one only where requests are pipelined. */
  active = 0;
  /** How many may be: the least that those under way allow. */
  depth = 1;
  /** More than one has been under way at a time. */
  piped = false;
  gone = false;
  /** @internal Its events are not over: see `register`. */
  closed = false;
  /** Takes no further request, and why; it ends with those that are under way. */
  leaving: Retirement | null = null;
  private _facts: TlsFacts | null | undefined;
  private _address: string[] | undefined;

  /** Of a pool of raw sockets. */
  readonly socket: Socket | null;

  constructor(id: number, origin: OriginPool, now: number, retiresAt: number, socket: Socket | null) {
    this.id = id;
    this.origin = origin;
    this.createdAt = now;
    this.retiresAt = retiresAt;
    this.socket = socket;
    if (socket === null) register(slotOf(id), this);
    else socket.once('close', () => this.forget('peer'));
  }

  get tls(): TlsFacts | null {
    if (this._facts === undefined) this._facts = this.gone ? null : tlsFactsOf(this.id);
    return this._facts;
  }

  /** `remote address, port, local address, port`. */
  get address(): string[] {
    return (this._address ??= ((this.gone ? '' : native.address(this.id)) || '\0\0\0').split('\0'));
  }

  /** What is told of it on diagnostics channels. */
  observed(): {
    remoteAddress: string;
    remotePort: number;
    localAddress: string;
    localPort: number;
    alpnProtocol: string | null;
  } {
    const [remoteAddress = '', remotePort = '', localAddress = '', localPort = ''] = this.address;
    return {
      remoteAddress,
      remotePort: Number(remotePort),
      localAddress,
      localPort: Number(localPort),
      alpnProtocol: this.tls?.alpn ?? null,
    };
  }

  /** Ends it now; an exchange that is under way fails. */
  close(reason: Retirement): void {
    if (this.gone) return;
    this.forget(reason);
    if (this.socket === null) native.closeClient(this.id);
    else this.socket.destroy();
  }

  /** An exchange on it ended before its time: it takes no more, and ends with the last that is under way. */
  leave(reason: Retirement): void {
    this.active--;
    this.leaving ??= reason;
    if (this.active <= 0) this.close(this.leaving);
  }

  /** It is not the pool's any more: gone, or a tunnel. */
  forget(reason: Retirement): void {
    if (this.gone) return;
    this.gone = true;
    this.closed = true;
    if (this.socket === null) unregister(slotOf(this.id), this.id);
    this.origin.lost(this, reason);
  }

  /** @internal */
  handleEvent(kind: number, flags: number): void {
    if (kind !== KIND.gone && kind !== KIND.aborted) return;
    const { code } = errorFromNative(flags);
    const quiet = code === 'MILLRACE_CONNECTION_CLOSED' || code === 'MILLRACE_CONNECTION_RESET';
    this.forget(quiet ? 'peer' : code === 'MILLRACE_CONNECTION_STALE' ? 'stale' : 'error');
  }
}
