import { channel } from 'node:diagnostics_channel';

import type { MillraceError } from '../errors/millrace-error.js';
import type { Listener } from './listener.js';
import type { Socket } from './socket.js';

/** A raw listener listens, or has closed: `millrace:socket:listening`, `millrace:socket:listener:close`. */
export interface ListenerMessage {
  readonly listener: Listener;
}

/** A socket is open: `millrace:socket:connect` (we began it), `millrace:socket:accept` (a listener's). */
export interface SocketMessage {
  readonly socket: Socket;
}

/** A socket has closed: `millrace:socket:close`; `error` where that was before its time. */
export interface SocketCloseMessage extends SocketMessage {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly error: MillraceError | undefined;
}

/** A connection that we began did not open: `millrace:socket:connect:error`. */
export interface ConnectErrorMessage {
  readonly error: unknown;
}

/** The channels of `node:diagnostics_channel` that sockets publish to; docs/diagnostics.md lists them. */
export const SOCKET_CHANNELS = {
  listening: channel('millrace:socket:listening'),
  listenerClose: channel('millrace:socket:listener:close'),
  connect: channel('millrace:socket:connect'),
  connectError: channel('millrace:socket:connect:error'),
  accept: channel('millrace:socket:accept'),
  close: channel('millrace:socket:close'),
} as const;
