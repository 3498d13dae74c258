import { MillraceError } from '../errors/millrace-error.js';
import { COUNTERS } from '../metrics/catalogue.generated.js';
import { native } from '../native/loader.js';

/** Limits of a client's requests that somebody may run into. */
export type RefusingOption =
  'maxResponseSize' | 'maxMemoryPerRequest' | 'maxExpansion' | 'maxRedirects' | 'contentCodings';

/** Counts that a limit was passed. */
export function countRefusal(option: RefusingOption): void {
  native.count(
    COUNTERS.findIndex(({ key }) => key === `millrace_limit_exceeded_total{option="${option}"}`),
    1,
  );
}

/** The response's body is larger than it may be; counted. */
export function tooLarge(value: number, seen: number): MillraceError {
  countRefusal('maxResponseSize');
  const message = `the response's body is larger than maxResponseSize (limit ${value}, got ${seen}; the option "maxResponseSize" changes it)`;
  return new MillraceError('MILLRACE_RESPONSE_TOO_LARGE', message, {
    limit: { option: 'maxResponseSize', value, seen },
  });
}
