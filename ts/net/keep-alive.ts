import { describeValue, quote } from '../errors/escape.js';
import { misuse, outOfRange } from '../errors/millrace-error.js';

/** When an idle connection is asked whether its peer is still there, in seconds. */
export interface KeepAlive {
  idle: number;
  interval: number;
  count: number;
}

const DEFAULT: KeepAlive = { idle: 60, interval: 10, count: 3 };
/** What Linux takes: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL and MAX_TCP_KEEPCNT. */
const MOST: KeepAlive = { idle: 32_767, interval: 32_767, count: 127 };

/** The three numbers as the native core takes them; undefined: none. */
export function keepAliveNumbers(owner: string, given: boolean | object): [number, number, number] | undefined {
  if (given === false) return undefined;
  if (given !== true && (typeof given !== 'object' || (given as unknown) === null)) {
    const expected = 'true, false or { idle, interval, count }';
    throw misuse('MILLRACE_INVALID_ARGUMENT', `${owner}: keepAlive must be ${expected}, got ${describeValue(given)}`);
  }
  const values: Record<string, unknown> = { ...DEFAULT };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT, name)) {
      throw misuse('MILLRACE_UNKNOWN_OPTION', `${owner}: keepAlive has no option ${quote(name)}`);
    }
    if (value === undefined) continue;
    const most = MOST[name as keyof KeepAlive];
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > most) {
      const expected = `an integer from 1 to ${most}`;
      throw outOfRange(`${owner}: option "keepAlive.${name}" must be ${expected}, got ${describeValue(value)}`);
    }
    values[name] = value;
  }
  const { idle, interval, count } = values as unknown as KeepAlive;
  return [idle, interval, count];
}
