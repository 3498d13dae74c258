import { channel } from 'node:diagnostics_channel';

import type { MillraceError } from '../errors/millrace-error.js';
import type { Socket } from '../net/socket.js';
import type { ServerRequest } from './request.js';
import type { ServerResponse } from './response.js';
import type { Server } from './server.js';

/** A server listens: `millrace:server:listening`. */
export interface ListeningMessage {
  readonly server: Server;
}

/** A server has closed: `millrace:server:close`, with the counts that `close` resolves with. */
export interface CloseMessage {
  readonly server: Server;
  readonly finished: number;
  readonly forced: number;
}

/** An exchange begins: `millrace:server:request:start`. The handler runs within what is bound to this channel. */
export interface RequestStartMessage {
  readonly server: Server;
  readonly request: ServerRequest;
  readonly response: ServerResponse;
}

/** The last byte of a response is with the kernel: `millrace:server:request:finish`. */
export interface RequestFinishMessage extends RequestStartMessage {
  readonly status: number;
  /** Bytes of the body, as the handler gave them. */
  readonly bytes: number;
  /** Milliseconds since the head of the request was there. */
  readonly duration: number;
}

/**
 * A handler failed or took too long (`aborted` is false, and the answer to that follows), or the exchange was cut
 * (`aborted` is true, and it is the last of this exchange): `millrace:server:request:error`.
 */
export interface RequestErrorMessage {
  readonly server: Server;
  readonly request: ServerRequest;
  /** Null where a tunnel's hook failed. */
  readonly response: ServerResponse | null;
  readonly error: unknown;
  readonly aborted: boolean;
}

/**
 * A request was answered with an error before anything of yours saw it: it was malformed, or passed a limit, a rate limit
 * or a deadline: `millrace:server:request:refused`.
 */
export interface RequestRefusedMessage {
  readonly server: Server;
  readonly error: MillraceError;
  readonly status: number;
  /** As `remoteAddress` of a request; null for a Unix socket. */
  readonly remoteAddress: string | null;
  readonly remotePort: number;
}

/** A connection is handed over: `millrace:server:upgrade` and `millrace:server:connect`. */
export interface TunnelMessage {
  readonly server: Server;
  readonly request: ServerRequest;
  readonly socket: Socket;
  /** What the client sent behind the request. */
  readonly head: Uint8Array;
}

/** A TLS session failed, mostly in its handshake: `millrace:server:tls:error`. */
export interface TlsErrorMessage {
  readonly server: Server;
  readonly error: MillraceError;
}

/** The channels of `node:diagnostics_channel` that a server publishes to; docs/diagnostics.md lists them. */
export const CHANNELS = {
  listening: channel('millrace:server:listening'),
  close: channel('millrace:server:close'),
  requestStart: channel('millrace:server:request:start'),
  requestFinish: channel('millrace:server:request:finish'),
  requestError: channel('millrace:server:request:error'),
  requestRefused: channel('millrace:server:request:refused'),
  upgrade: channel('millrace:server:upgrade'),
  connect: channel('millrace:server:connect'),
  tlsError: channel('millrace:server:tls:error'),
} as const;

const { requestStart, requestFinish, requestError } = CHANNELS;

/** Whether anybody listens to what happens to an exchange: asked once for each. */
export function isObserved(): boolean {
  return requestStart.hasSubscribers || requestFinish.hasSubscribers || requestError.hasSubscribers;
}

/** Publishes that a handler failed. */
export function publishFailure(
  server: Server,
  error: unknown,
  request: ServerRequest,
  response: ServerResponse | null,
): void {
  if (!requestError.hasSubscribers) return;
  requestError.publish({ server, request, response, error, aborted: false } satisfies RequestErrorMessage);
}
