import { describeValue } from '../errors/escape.js';
import { misuse, outOfRange } from '../errors/millrace-error.js';

/** The times of a `close`, in ms, with the defaults of those that were not given. */
export function closeTimes<Times extends Record<string, number>>(
  given: { readonly [Name in keyof Times]?: number | undefined } | undefined,
  defaults: Times,
): Times {
  if (given === undefined) return defaults;
  if (typeof given !== 'object' || (given as unknown) === null) {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `close: the options must be an object, got ${describeValue(given)}`);
  }
  const times: Record<string, number> = { ...defaults };
  for (const name of Object.keys(defaults)) {
    const value: unknown = given[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !(value >= 0)) {
      throw outOfRange(`close: the ${name} must be 0 or more milliseconds, got ${describeValue(value)}`);
    }
    times[name] = value;
  }
  return times as Times;
}
