/** HTTP-dates (RFC 9110 §5.6.7): one form is made, three are read. */

const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';
const MONTH = '(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const TIME = '(\\d{2}):(\\d{2}):(\\d{2})';

/** Sun, 06 Nov 1994 08:49:37 GMT */
const IMF_FIXDATE = new RegExp(`^${DAY}, (\\d{2}) ${MONTH} (\\d{4}) ${TIME} GMT$`);
/** Sunday, 06-Nov-94 08:49:37 GMT */
const RFC_850 = new RegExp(`^${LONG_DAY}, (\\d{2})-${MONTH}-(\\d{2}) ${TIME} GMT$`);
/** Sun Nov  6 08:49:37 1994 */
const ASCTIME = new RegExp(`^${DAY} ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`);
const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/** The IMF-fixdate of a time in milliseconds; ECMA-262 gives `toUTCString` exactly that form. */
export function httpDate(time: number): string {
  return new Date(time).toUTCString();
}

/** The time in milliseconds, or undefined for what is no HTTP-date. */
export function parseHttpDate(text: string, now = Date.now()): number | undefined {
  let match = IMF_FIXDATE.exec(text);
  if (match !== null) return timeOf(Number(match[3]), match[2], match[1], match, 4);
  match = ASCTIME.exec(text);
  if (match !== null) return timeOf(Number(match[6]), match[1], match[2], match, 3);
  match = RFC_850.exec(text);
  if (match === null) return undefined;
  // A year of two digits that seems more than 50 years ahead is the past one with the same digits (RFC 9110 §5.6.7).
  const thisYear = new Date(now).getUTCFullYear();
  let year = Math.floor(thisYear / 100) * 100 + Number(match[3]);
  if (year > thisYear + 50) year -= 100;
  return timeOf(year, match[2], match[1], match, 4);
}

/** Undefined for a day or hour that there is not; 60 is a leap second, told as the one after it. */
function timeOf(year: number, month: string, day: string, match: readonly string[], at: number): number | undefined {
  const [hours, minutes, seconds] = match.slice(at, at + 3).map(Number);
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, MONTHS.indexOf(month) / 3, Number(day));
  if (date.getUTCDate() !== Number(day)) return undefined;
  return date.setUTCHours(hours, minutes, seconds);
}
