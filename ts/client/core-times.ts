import { MillraceError } from '../errors/millrace-error.js';
import { native } from '../native/loader.js';

/** What the core keeps for a request by one number: times in ms (0: none), and the limits of a response's head. */
export interface CoreTimes {
  readonly send: number;
  readonly headers: number;
  readonly body: number;
  readonly maxHeaderSize: number;
  readonly maxHeaderFields: number;
}

/** The core takes 1 024 different ones of a thread: half of them as they are, the others for times that are rounded up. */
const MOST_EXACT = 512;
const LONGEST = 2_147_483_647;
/** Steps of an octave: first to a ninth more at most, and where that is still too many, to twice as much. */
const STEPS = [8, 1];

const exact = new Set<string>();

/**
 * The number by which the core knows these times. Of many different ones in a process (a deadline of each request) they are
 * rounded up: a timeout is late then by a ninth at most, and never early.
 */
export function numberOf(times: CoreTimes): number {
  const key = Object.values(times).join();
  if (exact.size < MOST_EXACT || exact.has(key)) {
    const number = ask(times);
    if (number >= 0) {
      exact.add(key);
      return number;
    }
  }
  for (const steps of STEPS) {
    const [send, headers, body] = [times.send, times.headers, times.body].map((ms) => roundedUp(ms, steps));
    const number = ask({ ...times, send, headers, body });
    if (number >= 0) return number;
  }
  throw new MillraceError(
    'MILLRACE_INVALID_ARGUMENT',
    'there are too many different timeouts and limits of heads in use',
  );
}

function ask({ send, headers, body, maxHeaderSize, maxHeaderFields }: CoreTimes): number {
  return native.clientProfile(send, headers, body, maxHeaderSize, maxHeaderFields);
}

function roundedUp(ms: number, steps: number): number {
  return ms === 0 ? 0 : Math.min(LONGEST, Math.ceil(2 ** (Math.ceil(Math.log2(ms) * steps) / steps)));
}
