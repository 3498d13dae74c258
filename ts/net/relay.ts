import { abortError } from '../errors/abort-error.js';
import { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { native } from '../native/loader.js';
import type { RelayOptionValues, RelayOptions } from '../options/relay.generated.js';
import { RELAY_OPTIONS } from '../options/relay.generated.js';
import { validateOptions } from '../options/validate.js';
import { systemBroke } from './dial-failure.js';
import type { Socket } from './socket.js';

/** The number of `MILLRACE_SYSTEM`. */
const SYSTEM = 2;

/** What a relay has moved, in bytes: from the socket on which it was begun to the other, and back. */
export interface RelayCounts {
  readonly sent: number;
  readonly received: number;
}

/** Joins two sockets until both have ended; see `Socket.pipeTo`. */
export function relay(one: Socket, other: Socket, options: RelayOptions): Promise<RelayCounts> {
  // No asynchronous function: there may be thousands of relays, and its frame would stay with each. What is thrown here
  // rejects the promise.
  return new Promise((resolve, reject) => {
    const { signal, idleTimeout, totalTimeout } = validateOptions<RelayOptionValues>(RELAY_OPTIONS, options);
    const ending = new Ending(resolve, reject, idleTimeout ?? 0, totalTimeout ?? 0, signal);
    begin(one, other, idleTimeout ?? 0, totalTimeout ?? 0, signal);
    one.join(other, ending);
    other.join(one);
    ending.watch(one);
  });
}

function begin(one: Socket, other: Socket, idle: number, total: number, signal: AbortSignal | null): void {
  const isClosed = one.closed || other.closed;
  const unfit = isClosed ? undefined : (one.unfit ?? other.unfit);
  if (unfit !== undefined) throw unfit;
  const code = native.relay(one.id, other.id, idle, total);
  if (code === undefined) return;
  const error = errorFromNative(code);
  if (error.kind === 'misuse' && !isClosed) throw error;
  // One of them is closed. The core has reset the other, whose peer is not to take it for an end.
  const message = 'pipeTo: one of the sockets is closed';
  const reason = one.failure ?? other.failure ?? new MillraceError('MILLRACE_STREAM_CLOSED', message);
  one.destroy(reason);
  other.destroy(reason);
  throw signal?.aborted === true ? abortError(signal) : reason;
}

/** Who waits for the end of a relay, and what it was to be. */
export class Ending {
  readonly #resolve: (counts: RelayCounts) => void;
  readonly #reject: (error: Error) => void;
  readonly #idle: number;
  readonly #total: number;
  readonly #signal: AbortSignal | null;
  #onAbort: (() => void) | undefined;

  constructor(
    resolve: (counts: RelayCounts) => void,
    reject: (error: Error) => void,
    idle: number,
    total: number,
    signal: AbortSignal | null,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#idle = idle;
    this.#total = total;
    this.#signal = signal;
  }

  /** Cuts the relay when the signal is aborted. */
  watch(one: Socket): void {
    if (this.#signal === null) return;
    this.#onAbort = () => one.destroy();
    if (this.#signal.aborted) return this.#onAbort();
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The native core says that it is over; `there` and `back` went before it had begun. */
  end(one: Socket, other: Socket, flags: number, counts: RelayCounts, there: number, back: number): void {
    const { sent, received } = counts;
    const error = flags === 0 ? undefined : this.#failure(flags & 0xfff, flags >>> 12);
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort);
    one.leave(sent, received, error);
    other.leave(received, sent, error);
    if (this.#signal?.aborted === true) this.#reject(abortError(this.#signal));
    else if (error !== undefined) this.#reject(error);
    else this.#resolve({ sent: sent + there, received: received + back });
  }

  #failure(code: number, errno: number): MillraceError {
    if (code === SYSTEM) return systemBroke(errno);
    const error = errorFromNative(code);
    if (error.kind !== 'timeout') return error;
    const value = error.code === 'MILLRACE_RELAY_TOTAL_TIMEOUT' ? this.#total : this.#idle;
    return errorFromNative(code, { value, seen: value });
  }
}
