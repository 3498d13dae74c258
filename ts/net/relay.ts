import { abortError } from '../errors/abort-error.js';
import { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { native } from '../native/loader.js';
import type { RelayOptionValues, RelayOptions } from '../options/relay.generated.js';
import { RELAY_OPTIONS } from '../options/relay.generated.js';
import { validateOptions } from '../options/validate.js';

import type { Socket } from './socket.js';

/** What a relay has moved, in bytes: from the socket on which it was begun to the other, and back. */
export interface RelayCounts {
  readonly sent: number;
  readonly received: number;
}

/** Joins two sockets until both have ended; see `Socket.pipeTo`. */
export async function relay(one: Socket, other: Socket, options: RelayOptions): Promise<RelayCounts> {
  const values = validateOptions<RelayOptionValues>(RELAY_OPTIONS, options);
  const { signal } = values;
  if (signal?.aborted === true) {
    one.destroy();
    other.destroy();
    throw abortError(signal);
  }
  const idle = values.idleTimeout ?? 0;
  const total = values.totalTimeout ?? 0;
  const code = native.relay(one.id, other.id, idle, total);
  if (code !== undefined) {
    const error = errorFromNative(code);
    if (error.kind === 'misuse' && !one.closed && !other.closed) throw error;
    // One of them had broken before: the other has nobody to speak to.
    one.destroy();
    other.destroy();
    throw one.failure ?? other.failure ?? new MillraceError('MILLRACE_STREAM_CLOSED', 'one of the sockets is closed');
  }
  // What their readers were given and have not taken goes first.
  const ended = one.join(other);
  void other.join(one);
  const onAbort = (): void => one.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  const end = await ended;
  const { flags, sent, received } = end;
  signal?.removeEventListener('abort', onAbort);
  const error = flags === 0 ? undefined : failure(flags, idle, total);
  one.leave(sent, received, error);
  other.leave(received, sent, error);
  if (signal !== null && isAborted(signal)) throw abortError(signal);
  if (error !== undefined) throw error;
  const [there, back] = end.carried;
  return { sent: sent + there, received: received + back };
}

/** Asked anew: it may have been aborted meanwhile. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function failure(code: number, idle: number, total: number): MillraceError {
  const error = errorFromNative(code);
  if (error.kind !== 'timeout') return error;
  const value = error.code === 'MILLRACE_RELAY_TOTAL_TIMEOUT' ? total : idle;
  return errorFromNative(code, { value, seen: value });
}
