// Responses that are cut after so many bytes, and what may come of each (RFC 9112 §8).

const HEAD = 'HTTP/1.1 200 OK\r\nA: b\r\n';
const BODY = 'hello world';

/** A whole response, by what delimits its body. */
export const FRAMINGS = {
  'by length': `${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY}`,
  'by chunks': `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nT: x\r\n\r\n`,
  'by the end': `${HEAD}\r\n${BODY}`,
} as const;
export type Framing = keyof typeof FRAMINGS;
export const FRAMING_NAMES = Object.keys(FRAMINGS) as Framing[];

/** How a connection ends: only an orderly end delimits a body. */
export type Ending = 'orderly' | 'broken';

/** Bodies that may be answered with, of a response that was cut after so many bytes. */
export function allowed(framing: Framing, bytes: number, ending: Ending): string[] {
  const whole = FRAMINGS[framing];
  if (framing !== 'by the end') return bytes === whole.length ? [BODY] : [];
  if (ending === 'broken' || bytes < whole.length - BODY.length) return [];
  return [BODY.slice(0, bytes - (whole.length - BODY.length))];
}
