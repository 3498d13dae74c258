import { describeValue } from '../errors/escape.js';
import { outOfRange } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { SOCKET_KEEP_ALIVE, SOCKET_NO_DELAY, SOCKET_USER_TIMEOUT } from '../native/binding.js';
import { native } from '../native/loader.js';
import type { KeepAlive } from './keep-alive.js';
import { keepAliveNumbers } from './keep-alive.js';

const SYSTEM = 2;

/** What has options; those of one that is closed are nobody's. */
interface Open {
  readonly id: number;
  readonly closed: boolean;
}

export function setNoDelay<S extends Open>(socket: S, on: boolean): S {
  return set(socket, SOCKET_NO_DELAY, on ? 1 : 0);
}

export function setKeepAlive<S extends Open>(socket: S, keepAlive: KeepAlive | boolean): S {
  return set(socket, SOCKET_KEEP_ALIVE, ...(keepAliveNumbers('setKeepAlive', keepAlive) ?? ([0, 0, 0] as const)));
}

export function setUserTimeout<S extends Open>(socket: S, ms: number | null): S {
  if (ms !== null && !(Number.isInteger(ms) && ms >= 1 && ms <= 2_147_483_647)) {
    throw outOfRange(`setUserTimeout: must be an integer from 1 to 2147483647 or null, got ${describeValue(ms)}`);
  }
  return set(socket, SOCKET_USER_TIMEOUT, ms ?? 0);
}

function set<S extends Open>(socket: S, option: number, a: number, b = 0, c = 0): S {
  const code = socket.closed ? undefined : native.setSocket(socket.id, option, a, b, c);
  if (code === undefined) return socket;
  throw code < 0 ? errorFromNative(SYSTEM, { errno: code, syscall: 'setsockopt' }) : errorFromNative(code);
}
