import { abortError } from '../errors/abort-error.js';
import { native } from '../native/loader.js';
import type { Socket } from '../net/socket.js';
import type { OriginPool } from './origin-pool.js';
import type { PooledConnection } from './pooled-connection.js';
import type { Queued, Waiter } from './waiter.js';

/** A raw socket of a pool, for as long as its taker has it. */
export class PooledSocket {
  readonly socket: Socket;
  readonly reused: boolean;
  private _connection: PooledConnection | null;

  constructor(connection: PooledConnection, reused: boolean) {
    this._connection = connection;
    this.socket = connection.socket as Socket;
    this.reused = reused;
  }

  /** Gives it back for others: nothing that concerns the taker may be under way on it. */
  release(): void {
    const connection = this._connection;
    this._connection = null;
    connection?.origin.release(connection, !this.socket.closed, -1);
  }

  /** Closes it. */
  discard(): void {
    const connection = this._connection;
    this._connection = null;
    connection?.close('discarded');
  }
}

/** Who waits for one. */
export class SocketWaiter implements Waiter {
  readonly connectTimeouts = {};
  readonly acquireTimeout: number;
  readonly depth = 1;
  order = 0;
  private readonly _resolve: (socket: PooledSocket) => void;
  private readonly _reject: (error: unknown) => void;
  private _stop: (() => void) | undefined;

  constructor(timeout: number, resolve: (socket: PooledSocket) => void, reject: (error: unknown) => void) {
    this.acquireTimeout = timeout;
    this._resolve = resolve;
    this._reject = reject;
  }

  begin(origin: OriginPool, signal: AbortSignal | undefined): void {
    if (signal?.aborted === true) return this._reject(abortError(signal));
    let item: Queued | null = null;
    const onAbort = (): void => {
      if (item !== null) origin.withdraw(item);
      this._reject(abortError(signal as AbortSignal));
    };
    this._stop = () => signal?.removeEventListener('abort', onAbort);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      item = origin.acquire(this);
    } catch (error) {
      this.fail(error);
    }
  }

  isOver(): boolean {
    return false;
  }

  take(connection: PooledConnection, reused: boolean): boolean {
    const { socket } = connection;
    if (socket === null || socket.closed || (reused && native.isUsable(socket.id) === 0)) {
      socket?.destroy();
      return false;
    }
    this._stop?.();
    this._resolve(new PooledSocket(connection, reused));
    return true;
  }

  fail(error: unknown): void {
    this._stop?.();
    this._reject(error);
  }
}
