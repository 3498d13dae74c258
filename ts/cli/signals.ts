/** Ending on SIGTERM and SIGINT. */
import { gracefulShutdown } from '../index.js';

/** How long requests in flight may take after the first signal. */
const GRACE_MS = 10_000;

/** Closes on the first signal and exits; the second one exits at once. */
export function untilSignal(close: (timeout: number) => Promise<unknown>): void {
  const everything = { close: ({ timeout }: { timeout: number }) => close(timeout) };
  gracefulShutdown(everything, {
    timeout: GRACE_MS,
    onSignal: (signal) => {
      // On a terminal a line of counters may stand there, without an end.
      if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
      console.error(`millrace: ${signal}: finishing what is under way; once more to leave it`);
    },
  });
}
