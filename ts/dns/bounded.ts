import { types } from 'node:util';

import { abortError } from '../errors/abort-error.js';

/** What ends a wait that did not end by itself. */
export interface Bounds<T> {
  readonly signal: AbortSignal | null;
  /** Milliseconds. */
  readonly timeout: number;
  /** What the wait ends with when the time is over; it may throw instead. */
  late(): T;
}

/** Ends a wait with what the function gives or throws; only the first end counts. */
export type Settle<T> = (how: () => T) => void;

/**
 * A promise that settles when `begin` has it settled, when the signal is aborted (it rejects at once, with an
 * AbortError) or when the time is over. Then, once, the function that `begin` gave is called to let go of what it holds.
 */
export function bounded<T>(bounds: Bounds<T>, begin: (settle: Settle<T>) => () => void): Promise<T> {
  const { signal, timeout } = bounds;
  return new Promise((resolve, reject) => {
    let release: (() => void) | null = null;
    let over = false;
    const settle: Settle<T> = (how) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      try {
        resolve(how());
      } catch (error) {
        reject(types.isNativeError(error) ? error : new Error(String(error)));
      }
      release?.();
    };
    const onAbort = (): void =>
      settle(() => {
        throw abortError(signal as AbortSignal);
      });
    const end = performance.now() + timeout;
    const look = (): void => {
      const left = end - performance.now();
      // A timer may fire a fraction of a millisecond early by the other clock.
      if (left > 0) timer = setTimeout(look, Math.ceil(left));
      else settle(() => bounds.late());
    };
    let timer = setTimeout(look, Math.max(0, Math.ceil(timeout)));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) return onAbort();
    release = begin(settle);
    // It was over before it began: the answer was there.
    if (over) release();
  });
}
