import { census } from '../../ts/native/events.js';
import { until } from './condition.js';

/** Remembers what connections and streams the native core holds now; what it gives waits until they are as many again. */
export function whatIsHeld(): () => Promise<void> {
  const { connections, streams } = census();
  return () =>
    until(
      () => census().connections === connections && census().streams === streams,
      () => `left behind: ${JSON.stringify(census())}, before: ${JSON.stringify({ connections, streams })}`,
    );
}
