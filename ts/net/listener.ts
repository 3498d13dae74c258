import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';

import { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { contextRunner } from '../log/context-runner.js';
import { isEnabled, logRecord } from '../log/log.js';
import { isThenable } from '../message/thenable.js';
import type { SocketSink } from '../native/events.js';
import { KIND, registerServer, unregisterServer } from '../native/events.js';
import { native } from '../native/loader.js';
import { Deadline } from '../resilience/deadline.js';
import { closeTimes } from '../resilience/close-options.js';
import { forceLate } from '../resilience/force-late.js';
import type { TlsContext } from '../tls/tls-context.js';
import type { Bound } from './bind.js';
import type { ListenerMessage, SocketMessage } from './channels.js';
import { SOCKET_CHANNELS } from './channels.js';
import { Socket } from './socket.js';

/** What a listener calls for each connection; what it returns is ignored, but for a promise that rejects. */
export type OnConnection = (socket: Socket) => unknown;

/** What a listener has counted since it began to listen. */
export interface ListenerStats {
  connections: {
    /** Open now, those included whose handshake is under way. */
    active: number;
    accepted: number;
    /** Turned away by a rule, a cap or for want of descriptors. */
    refused: number;
    /** Given to `onConnection`. */
    opened: number;
    /** Whose PROXY head or TLS handshake failed or took too long. */
    failed: number;
  };
  /** Bytes over the wire. */
  bytes: { received: number; sent: number };
}

/** Numbers of a server's row in `crates/node/src/server.rs`. */
const ROW = 34;

/** A raw listener. Its events are `close` and `tlsClientError`. */
export class Listener extends EventEmitter implements SocketSink, AsyncDisposable {
  readonly id: number;
  readonly #place: Bound['place'];
  readonly #tls: TlsContext | null;
  readonly #onConnection: OnConnection;
  readonly #run = contextRunner();
  readonly #row = new Float64Array(ROW);
  #holds = false;
  #isClosed = false;
  #closed: Promise<{ finished: number; forced: number }> | undefined;
  #ended: ((counts: { finished: number; forced: number }) => void) | undefined;

  /** Made by `listen`. */
  constructor(id: number, place: Bound['place'], tls: TlsContext | null, onConnection: OnConnection) {
    super();
    this.id = id;
    this.#place = place;
    this.#tls = tls;
    this.#onConnection = onConnection;
    registerServer(id, this);
    this.ref();
    const { listening } = SOCKET_CHANNELS;
    if (listening.hasSubscribers) listening.publish({ listener: this } satisfies ListenerMessage);
  }

  /** The TCP port; 0 for a Unix socket. */
  get port(): number {
    return typeof this.#place === 'object' && this.#place !== null ? this.#place.port : 0;
  }

  address(): AddressInfo | string | null {
    if (this.#place === null || typeof this.#place === 'string') return this.#place;
    const { address, port } = this.#place;
    return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' };
  }

  /**
   * Stops accepting and resolves when the last of its sockets has closed; after `timeout` ms (30 000) what is left is
   * cut. Its counts: sockets that ended by themselves meanwhile, and those that were cut.
   */
  close(options?: { timeout?: number }): Promise<{ finished: number; forced: number }> {
    const { timeout } = closeTimes(options, { timeout: 30_000 });
    if (this.#closed === undefined) {
      this.#closed = new Promise((resolve) => (this.#ended = resolve));
      void forceLate(Deadline.after(timeout), this.#closed, () => native.forceServer(this.id));
      if (native.closeServer(this.id, 0) === 0) this.handleServerEvent(KIND.serverClosed, 0, 0);
    }
    return this.#closed;
  }

  /** Cuts everything now. */
  destroy(): void {
    this.#closed ??= new Promise((resolve) => (this.#ended = resolve));
    native.forceServer(this.id);
  }

  stats(): ListenerStats {
    native.serverStats(this.id, this.#row);
    const [accepted, refused, , active, opened, , failed, , received, sent] = this.#row;
    return { connections: { active, accepted, refused, opened, failed }, bytes: { received, sent } };
  }

  ref(): this {
    if (!this.#holds && !this.#isClosed) native.hold(1);
    this.#holds = true;
    return this;
  }

  unref(): this {
    if (this.#holds && !this.#isClosed) native.hold(-1);
    this.#holds = false;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  handleAccepted(id: number, slot: number): void {
    const socket = new Socket(id, slot);
    const { accept } = SOCKET_CHANNELS;
    if (accept.hasSubscribers) accept.publish({ socket } satisfies SocketMessage);
    this.#run((listener, accepted) => listener.#give(accepted), this as Listener, socket);
  }

  #give(socket: Socket): void {
    try {
      const result: unknown = this.#onConnection(socket);
      if (isThenable(result)) result.then(undefined, (error: unknown) => this.#failed(error, socket));
    } catch (error) {
      this.#failed(error, socket);
    }
  }

  #failed(error: unknown, socket: Socket): void {
    logRecord('error', 'socket', 'onConnection failed', { err: error, peer: socket.remoteAddress });
    socket.destroy();
  }

  /** @internal */
  handleServerEvent(_kind: number, finished: number, forced: number): void {
    if (this.#isClosed) return;
    // The native core has kept the last counts for this.
    this.stats();
    unregisterServer(this.id);
    if (this.#holds) native.hold(-1);
    this.#isClosed = true;
    this.#closed ??= Promise.resolve({ finished, forced });
    this.#ended?.({ finished, forced });
    const { listenerClose } = SOCKET_CHANNELS;
    if (listenerClose.hasSubscribers) listenerClose.publish({ listener: this } satisfies ListenerMessage);
    this.emit('close');
  }

  /** @internal */
  handleTlsEvent(kind: number, flags: number, id: number, text: string): void {
    if (kind === KIND.clientHello) {
      if (this.#tls === null) native.chooseCertificate(id, 0);
      else this.#tls.choose(id, text, flags !== 0);
      return;
    }
    const listens = this.listenerCount('tlsClientError') > 0;
    if (!listens && !isEnabled('debug')) return;
    const error: MillraceError = errorFromNative(flags, text === '' ? {} : { got: text });
    if (isEnabled('debug')) logRecord('debug', 'tls', 'a TLS session failed', { err: error });
    if (listens) this.emit('tlsClientError', error);
  }
}
