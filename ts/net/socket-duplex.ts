import type { Duplex } from 'node:stream';

import { MillraceError } from '../errors/millrace-error.js';
import { nodeStream } from '../message/node-stream.js';
import type { Socket } from './socket.js';

/** How a socket is to look as a Node Duplex. */
export interface DuplexOptions {
  /** Whether our side stays open when the peer has ended; true unless given. */
  allowHalfOpen?: boolean | undefined;
}

/** A socket as a Node Duplex, with what libraries expect of a `net.Socket` beside the stream. */
export interface SocketDuplex extends Duplex {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly connecting: false;
  /** Emits `timeout` after so many milliseconds without a byte; 0: never. It ends nothing by itself. */
  setTimeout(ms: number, onTimeout?: () => void): this;
  setNoDelay(on?: boolean): this;
  setKeepAlive(on?: boolean, initialDelay?: number): this;
  ref(): this;
  unref(): this;
}

type Done = (error?: Error | null) => void;

/**
 * The Duplex reads and writes in the socket's place. A socket that is cut destroys it with the reason; what destroys it
 * cuts the socket, unless both sides had ended.
 */
export function duplexOf(socket: Socket, { allowHalfOpen = true }: DuplexOptions = {}): SocketDuplex {
  const chunks = socket[Symbol.asyncIterator]();
  let timer: NodeJS.Timeout | undefined;
  let timeout = 0;
  const moved = (): void => void timer?.refresh();
  const onData = (duplex: Duplex, value: Uint8Array | undefined): void => {
    moved();
    duplex.push(value === undefined ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  };
  const duplex = new (nodeStream().Duplex)({
    allowHalfOpen,
    emitClose: true,
    read() {
      chunks.next().then(
        ({ done, value }) => onData(this, done === true ? undefined : value),
        (error: Error) => this.destroy(reasonOf(error)),
      );
    },
    write: (chunk: Uint8Array, _encoding, done: Done) => written(socket, socket.write(chunk), moved, done),
    writev: (parts: { chunk: Uint8Array }[], done: Done) => {
      written(socket, socket.write(parts.map(({ chunk }) => chunk)), moved, done);
    },
    final: (done: Done) => {
      socket.end().then(() => done(), done);
    },
    destroy: (error, done) => {
      clearTimeout(timer);
      timer = undefined;
      // Both sides have ended: what is on its way to the kernel may still go.
      if (!(duplex.readableEnded && duplex.writableFinished) || error !== null) socket.destroy();
      done(error);
    },
  }) as SocketDuplex;
  const fact = (name: 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort' | 'bytesRead' | 'bytesWritten') =>
    Object.defineProperty(duplex, name, { get: () => socket[name], configurable: true, enumerable: true });
  (['remoteAddress', 'remotePort', 'localAddress', 'localPort', 'bytesRead', 'bytesWritten'] as const).forEach(fact);
  Object.assign(duplex, {
    connecting: false,
    setTimeout(ms: number, onTimeout?: () => void) {
      clearTimeout(timer);
      timeout = ms;
      timer = timeout > 0 && !duplex.destroyed ? setTimeout(() => duplex.emit('timeout'), timeout).unref() : undefined;
      if (onTimeout !== undefined) duplex.once('timeout', onTimeout);
      return duplex;
    },
    setNoDelay(on = true) {
      socket.setNoDelay(on);
      return duplex;
    },
    setKeepAlive(on = false, initialDelay = 0) {
      const idle = Math.floor(initialDelay / 1_000);
      socket.setKeepAlive(on && idle > 0 ? { idle, interval: 10, count: 3 } : on);
      return duplex;
    },
    ref: () => (socket.ref(), duplex),
    unref: () => (socket.unref(), duplex),
  });
  socket.once('close', () => {
    const reason = reasonOf(socket.failure);
    // One that ended in order is noticed by the stream itself.
    if (reason !== undefined) duplex.destroy(reason);
    else if (!duplex.writableFinished && !duplex.destroyed) duplex.destroy();
  });
  return duplex;
}

/** Why a socket was cut; as with Node's sockets, our own `destroy()` is no error. */
function reasonOf(error: Error | undefined): Error | undefined {
  return error instanceof MillraceError && error.code === 'MILLRACE_DESTROYED' ? undefined : error;
}

function written(socket: Socket, room: boolean, moved: () => void, done: Done): void {
  moved();
  if (room) done();
  else if (socket.closed) done(new MillraceError('MILLRACE_STREAM_CLOSED', 'the connection is closed'));
  else socket.drained().then(() => (moved(), done()), done);
}
