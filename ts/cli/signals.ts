/** Ending on SIGTERM and SIGINT. */
import { constants } from 'node:os';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Closes on the first signal and exits with status 0; the second one exits at once, with the status that a shell gives
 * to what this signal ended.
 */
export function untilSignal(close: () => Promise<void>): void {
  let isClosing = false;
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    if (isClosing) process.exit(128 + constants.signals[signal]);
    isClosing = true;
    console.error(`millrace: ${signal}: finishing what is under way; once more to leave it`);
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
}
