import type { Duplex } from 'node:stream';

import { describeValue } from '../errors/escape.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { native } from '../native/loader.js';

const SYSTEM = 2;

/**
 * A descriptor that speaks for a Duplex: one end of a pair of sockets, whose other end is joined to the stream. The
 * kernel keeps back-pressure and half-close between them. An error of the stream cuts the pair, and the end of the pair
 * ends the stream.
 */
export function descriptorOf(stream: Duplex): number {
  checkDuplex(stream);
  const [ours, theirs] = native.socketPair();
  if (theirs === undefined) throw errorFromNative(SYSTEM, { errno: ours, syscall: 'socketpair' });
  const { Socket } = process.getBuiltinModule('node:net');
  const end = new Socket({ fd: theirs, readable: true, writable: true, allowHalfOpen: true });
  stream.on('error', () => end.destroy());
  stream.on('close', () => {
    // One that closed before it ended was cut.
    if (!stream.readableEnded) end.destroy();
  });
  end.on('error', () => stream.destroy());
  end.on('close', () => {
    if (!stream.writableFinished) stream.destroy();
  });
  stream.pipe(end);
  end.pipe(stream);
  return ours;
}

/** Bytes must come and go, and an end that was told before would never be heard of. */
function checkDuplex(stream: Duplex): void {
  const { pipe, write, on, readableObjectMode, writableObjectMode, destroyed } = stream as Partial<Duplex>;
  if (typeof pipe !== 'function' || typeof write !== 'function' || typeof on !== 'function') {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `a Duplex is needed, got ${describeValue(stream)}`);
  }
  if (readableObjectMode === true || writableObjectMode === true) {
    throw misuse('MILLRACE_INVALID_ARGUMENT', 'a Duplex of bytes is needed, got one in object mode');
  }
  if (destroyed === true) throw new MillraceError('MILLRACE_STREAM_CLOSED', 'the Duplex was destroyed already');
}
