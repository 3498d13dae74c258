import { abortError } from '../errors/abort-error.js';

/** The longest that a timer of Node.js waits; a longer one would fire at once. */
const MAX_TIMER = 2_147_483_647;

/** Resolves after so many milliseconds, 2 147 483 647 at most; rejects with an AbortError when the signal is aborted. */
export function pause(ms: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(abortError(signal));
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(abortError(signal as AbortSignal));
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      Math.min(MAX_TIMER, ms),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
