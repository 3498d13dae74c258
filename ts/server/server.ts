import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import { describeValue } from '../errors/escape.js';
import { MillraceError, misuse, outOfRange } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import type { NativeRefusal, RequestSink } from '../native/events.js';
import { KIND, register, registerServer, unregisterServer } from '../native/events.js';
import { native } from '../native/loader.js';
import type { ServerLimits, ServerOptionValues, ServerTimeouts } from '../options/server.generated.js';
import { SERVER_OPTIONS } from '../options/server.generated.js';
import { changeOptions } from '../options/validate.js';
import { isEnabled, logRecord } from '../log/log.js';
import { descriptorOf } from '../net/bridge.js';
import { Socket } from '../net/socket.js';
import { Deadline } from '../resilience/deadline.js';
import { closeTimes } from '../resilience/close-options.js';
import { forceLate } from '../resilience/force-late.js';
import { TlsContext } from '../tls/tls-context.js';
import type { TlsServerOptions } from '../tls/tls-options.js';
import type {
  CloseMessage,
  ListeningMessage,
  RequestRefusedMessage,
  TlsErrorMessage,
  TunnelMessage,
} from './channels.js';
import { CHANNELS, isObserved, publishFailure } from './channels.js';
import type { Run } from '../log/context-runner.js';
import { contextRunner } from '../log/context-runner.js';
import type { Invoke, TunnelHook } from './dispatch.js';
import { Dispatch } from './dispatch.js';
import type { InjectOptions, InjectedResponse } from './inject.js';
import { inject } from './inject.js';
import type { RefusedRequest } from './refusals.js';
import { followListeners } from './refusals.js';
import type { ReputationOptions } from './reputation.js';
import { nativeReputation } from './reputation.js';
import { ServerRequest } from './request.js';
import { PlainResponse } from './response.js';
import type { ServerStats } from './stats.js';
import { readStats, STATS_LENGTH } from './stats.js';
import { Watch } from './watch.js';

const SYSTEM = 2;

/** Options of `server.close`. */
export interface CloseOptions {
  /** Milliseconds after which what is left is cut; 30 000 unless given. */
  timeout?: number;
  /** Milliseconds for which a connection that is idle may still bring a request; 100 unless given. */
  idle?: number;
}

/** A client of a proxy that speaks SOCKS: the event's kind, the stream's id and slot, and what it said. */
export type SocksHook = (kind: number, id: number, slot: number, text: string, length: number) => void;

/** What `server.reload` can change, besides what TLS is to be. */
export interface ReloadOptions extends ServerTimeouts, ServerLimits {
  reputation?: boolean | ReputationOptions | undefined;
}

/**
 * A server that listens. Its events are `close`, `clientError` (a request was refused before a handler saw it: the error,
 * and a `RefusedRequest`) and `tlsClientError` (the error of a TLS session).
 */
export class Server extends EventEmitter implements RequestSink {
  readonly id: number;
  private _options: ServerOptionValues;
  // The option object is a dictionary: what every request needs is taken out of it once.
  private _collectLimit: number;
  private readonly _reload: (options: ServerOptionValues) => number;
  private readonly _place: { address: string; port: number } | string | null;
  /** For what has a response. */
  private readonly _run: Run;
  private readonly _dispatch: Dispatch;
  private readonly _invoke: Invoke;
  private readonly _watch: Watch;
  private _isWatched: boolean;
  private readonly _unfollow: () => void;
  private readonly _tls: TlsContext | null;
  private readonly _onSocks: SocksHook | undefined;
  private readonly _statsRow = new Float64Array(STATS_LENGTH);
  private _holds = false;
  private _closed: Promise<{ finished: number; forced: number }> | undefined;
  private _ended: ((counts: { finished: number; forced: number }) => void) | undefined;
  private _isClosed = false;

  /** Made by `serve`. */
  constructor(
    id: number,
    options: ServerOptionValues,
    place: { address: string; port: number } | string | null,
    reload: (options: ServerOptionValues) => number,
    tls: TlsContext | null = null,
    onSocks?: SocksHook,
  ) {
    super();
    this._onSocks = onSocks;
    this._reload = reload;
    this.id = id;
    this._tls = tls;
    this._options = options;
    this._place = place;
    this._collectLimit = options.maxCollectedSize;
    this._run = contextRunner();
    this._dispatch = new Dispatch(options, (error, req, res) => publishFailure(this, error, req, res));
    this._invoke = this._dispatch.invoke;
    this._watch = new Watch(this, options, this._dispatch);
    this._isWatched = this._watch.isAsked;
    registerServer(id, this);
    this._unfollow = followListeners(this);
    this.ref();
    if (CHANNELS.listening.hasSubscribers) CHANNELS.listening.publish({ server: this } satisfies ListeningMessage);
  }

  /** The TCP port; 0 for a Unix socket. */
  get port(): number {
    return typeof this._place === 'object' && this._place !== null ? this._place.port : 0;
  }

  /** `http://…`, or `https://…`, of the address that it listens on. */
  get url(): string {
    if (typeof this._place === 'string') return `unix:${this._place}`;
    if (this._place === null) return '';
    const { address, port } = this._place;
    const host =
      address === '::' || address === '0.0.0.0' ? 'localhost' : address.includes(':') ? `[${address}]` : address;
    return `${this._tls === null ? 'http' : 'https'}://${host}:${port}/`;
  }

  address(): AddressInfo | string | null {
    if (this._place === null || typeof this._place === 'string') return this._place;
    const { address, port } = this._place;
    return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' };
  }

  /**
   * Stops accepting, answers what is in flight and what arrives on open connections with `Connection: close`, closes
   * those that are idle for `idle` ms (100), and resolves when the last is done; after `timeout` ms (30 000) what is
   * left is cut.
   */
  close(options?: CloseOptions): Promise<{ finished: number; forced: number }> {
    const { timeout, idle } = closeTimes(options, { timeout: 30_000, idle: 100 });
    if (this._closed === undefined) {
      this._closed = new Promise((resolve) => (this._ended = resolve));
      void forceLate(Deadline.after(timeout), this._closed, () => native.forceServer(this.id));
      if (native.closeServer(this.id, idle) === 0) this.handleServerEvent(KIND.serverClosed, 0, 0);
    }
    return this._closed;
  }

  /** Cuts everything now. */
  destroy(): void {
    if (this._closed === undefined) this._closed = new Promise((resolve) => (this._ended = resolve));
    native.forceServer(this.id);
  }

  /**
   * Serves a connection that somebody else made: a connected stream socket (an ssh tunnel's, a socket activator's),
   * whose descriptor is the server's from then on, or any Duplex. Throws when it is none, and leaves it as it was.
   */
  adopt(transport: number | Duplex): void {
    if (this._isClosed) throw new MillraceError('MILLRACE_SERVER_CLOSED', 'the server was closed: it adopts nothing');
    const fd = isDuplex(transport) ? descriptorOf(transport) : transport;
    if (!Number.isInteger(fd) || fd < 0) {
      const why = `adopt: needs a Duplex, or a descriptor from 0 on, got ${describeValue(fd)}`;
      throw typeof fd === 'number' ? outOfRange(why) : misuse('MILLRACE_INVALID_ARGUMENT', why);
    }
    const answer = native.adopt(this.id, fd);
    if (answer === undefined) return;
    throw answer < 0
      ? errorFromNative(SYSTEM, { errno: answer, syscall: 'adopt', address: `fd ${fd}` })
      : errorFromNative(answer);
  }

  /**
   * The descriptor of the listening socket, for another process to inherit (`stdio` of a child) and to serve with
   * `serve({ fd })`. Connections that wait to be accepted are then nobody's to lose: both processes take them, and when
   * this one has closed the other alone. From now on the file of a Unix socket stays when this server closes.
   */
  handOver(): number {
    const fd = this._isClosed ? -1 : native.handOver(this.id);
    if (fd < 0) throw new MillraceError('MILLRACE_SERVER_CLOSED', 'the server was closed: it has nothing to hand over');
    return fd;
  }

  /**
   * Changes timeouts and limits of the running server; what is not given stays. Live connections take the new values
   * from their next phase: the next head, body, answer or idle time.
   *
   * With `tls` it resolves when files have been read and handshakes that begin have the new options, the others of TLS
   * staying as they are: `update` of the server's context, and of whoever shares it. When it rejects nothing has changed.
   */
  reload(options: ReloadOptions & { tls: Partial<TlsServerOptions> }): Promise<void>;
  reload(options: ReloadOptions & { tls?: undefined }): void;
  reload(options: ReloadOptions & { tls?: Partial<TlsServerOptions> | undefined }): Promise<void> | void {
    if (options?.tls !== undefined) return this.reloadTls(options.tls, { ...options, tls: undefined });
    this.change(this.changed(options));
  }

  private async reloadTls(tls: Partial<TlsServerOptions>, options: object): Promise<void> {
    this.changed(options);
    if (this._tls === null) {
      throw misuse('MILLRACE_INVALID_STATE', 'reload: the server was made without tls, and has none to change');
    }
    if (tls instanceof TlsContext) {
      throw misuse('MILLRACE_INVALID_ARGUMENT', "reload: option 'tls' must be options of TLS, got a TlsContext");
    }
    if (this._isClosed) throw new MillraceError('MILLRACE_SERVER_CLOSED', 'the server was closed: nothing to reload');
    await this._tls.update(tls);
    // Others may have been changed meanwhile: only what was given is.
    this.change(this.changed(options));
  }

  /** What would be in force; throws where an option is none, or cannot change. */
  private changed(options: object): ServerOptionValues {
    const values = changeOptions(SERVER_OPTIONS, 'reload', this._options, options);
    nativeReputation(values.reputation);
    // Whoever has been counted is counted there.
    if (values.limitScope !== this._options.limitScope && !this._isClosed && this.stats().connections.accepted > 0) {
      throw misuse(
        'MILLRACE_OPTION_FIXED',
        'reload: option "limitScope" cannot change once there have been connections',
      );
    }
    return values;
  }

  private change(values: ServerOptionValues): void {
    if (this._isClosed || this._reload(values) === 0) {
      throw new MillraceError('MILLRACE_SERVER_CLOSED', 'the server was closed: there is nothing to reload');
    }
    this._options = values;
    this._collectLimit = values.maxCollectedSize;
    this._watch.setHandlerTimeout(values.handlerTimeout);
    this._isWatched = this._watch.isAsked;
  }

  /** A request without a socket. */
  inject(request: InjectOptions): Promise<InjectedResponse> {
    if (!this._isClosed) return inject(this.id, request);
    return Promise.reject(new MillraceError('MILLRACE_SERVER_CLOSED', 'the server was closed: it answers no request'));
  }

  stats(): ServerStats {
    return readStats(this.id, this._statsRow, {
      failed: this._dispatch.failures,
      handlerTimeouts: this._watch.handlerTimeouts,
    });
  }

  ref(): this {
    if (!this._holds && !this._isClosed) native.hold(1);
    this._holds = true;
    return this;
  }

  unref(): this {
    if (this._holds && !this._isClosed) native.hold(-1);
    this._holds = false;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  handleSocks(kind: number, id: number, slot: number, text: string, length: number): void {
    const event = [kind, id, slot, text, length] as const;
    this._run((hook, [k, i, s, t, l]) => hook?.(k, i, s, t, l), this._onSocks, event);
  }

  /** @internal */
  handleServerEvent(_kind: number, finished: number, forced: number): void {
    if (this._isClosed) return;
    // The native core has kept the last counts for this.
    this.stats();
    unregisterServer(this.id);
    if (this._holds) native.hold(-1);
    this._isClosed = true;
    this._closed ??= Promise.resolve({ finished, forced });
    this._ended?.({ finished, forced });
    this._watch.close();
    this._unfollow();
    if (CHANNELS.close.hasSubscribers) {
      CHANNELS.close.publish({ server: this, finished, forced } satisfies CloseMessage);
    }
    this.emit('close');
  }

  /** @internal */
  handleRefusal({ code, status, address, port, limit, seen }: NativeRefusal): void {
    const error = errorFromNative(code, limit === undefined ? {} : { value: limit, seen: seen ?? 0 });
    const about: RefusedRequest = { status, remoteAddress: address === '' ? null : address, remotePort: port };
    if (CHANNELS.requestRefused.hasSubscribers) {
      CHANNELS.requestRefused.publish({ server: this, error, ...about } satisfies RequestRefusedMessage);
    }
    if (this.listenerCount('clientError') > 0) this.emit('clientError', error, about);
  }

  /** @internal */
  handleTlsEvent(kind: number, flags: number, id: number, text: string): void {
    if (kind === KIND.clientHello) {
      if (this._tls === null) native.chooseCertificate(id, 0);
      else this._tls.choose(id, text, flags !== 0);
      return;
    }
    const listens = this.listenerCount('tlsClientError') > 0;
    if (!listens && !CHANNELS.tlsError.hasSubscribers && !isEnabled('debug')) return;
    const error = errorFromNative(flags, text === '' ? {} : { got: text });
    if (isEnabled('debug')) logRecord('debug', 'tls', 'a TLS session failed', { err: error });
    if (CHANNELS.tlsError.hasSubscribers) CHANNELS.tlsError.publish({ server: this, error } satisfies TlsErrorMessage);
    if (listens) this.emit('tlsClientError', error);
  }

  /** @internal */
  handleRequest(
    kind: number,
    flags: number,
    id: number,
    slot: number,
    targetLength: number,
    method: number,
    head: string,
    extra: Uint8Array | undefined,
  ): void {
    const req = new ServerRequest(id, head, targetLength, method, flags, this._collectLimit);
    if (kind !== KIND.request) {
      this.handleTunnel(kind, req, new Socket(id, slot), extra as Uint8Array);
      return;
    }
    if (this._isWatched || isObserved()) {
      this._watch.handle(req, slot, this._run);
      return;
    }
    const res = new PlainResponse(req, slot);
    this._run(this._invoke, req, res);
    // One that was answered at once has no more events: they come between calls of ours, never within one.
    if (!res.isSettled || req.hasBody) register(slot, res);
  }

  private handleTunnel(kind: number, req: ServerRequest, socket: Socket, head: Uint8Array): void {
    const isConnect = kind === KIND.connect;
    const channel = isConnect ? CHANNELS.connect : CHANNELS.upgrade;
    if (channel.hasSubscribers) {
      channel.publish({ server: this, request: req, socket, head } satisfies TunnelMessage);
    }
    const hook = (isConnect ? this._options.onConnect : this._options.onUpgrade) as TunnelHook | null;
    this._run((r, s) => this._dispatch.invokeTunnel(hook, r, s, head), req, socket);
  }
}

/** By its shape: streams of other realms and of `readable-stream` are Duplexes too. */
function isDuplex(value: unknown): value is Duplex {
  if (typeof value !== 'object' || value === null) return false;
  const { pipe, write } = value as { pipe?: unknown; write?: unknown };
  return typeof pipe === 'function' && typeof write === 'function';
}
