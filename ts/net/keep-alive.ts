import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';

/** When an idle connection is asked whether its peer is still there, in seconds. */
export interface KeepAlive {
  idle: number;
  interval: number;
  count: number;
}

const DEFAULT: KeepAlive = { idle: 60, interval: 10, count: 3 };

/** The three numbers as the native core takes them; undefined: none. */
export function keepAliveNumbers(owner: string, given: boolean | object): [number, number, number] | undefined {
  if (given === false) return undefined;
  const { idle, interval, count } = { ...DEFAULT, ...(given === true ? {} : given) };
  for (const [name, value] of Object.entries({ idle, interval, count })) {
    if (!Number.isInteger(value) || value < 1 || value > 32_767) {
      const message = `${owner}: option 'keepAlive.${name}' must be an integer from 1 to 32767, got ${describeValue(value)}`;
      throw misuse('MILLRACE_INVALID_ARGUMENT', message);
    }
  }
  return [idle, interval, count];
}
