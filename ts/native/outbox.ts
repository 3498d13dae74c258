import { common } from './loader.js';

/**
 * Short answers, gathered while a batch of events is handled and taken by the native core in one look when it is over: a
 * call for each costs more than the answer. `crates/node/src/outbox.rs` is the other side.
 */

/** Answers at most. */
const MOST = 64;
/** Numbers of one answer: id, status and head as `respond` takes them, units of the body. */
const ROW = 3;
/** How many answers lie there; the core sets it back. */
const COUNT = 0;
/** Not 0 while a batch is handled; the core sets it. */
const OPEN = 1;
const ROWS = 2;
/** Longer bodies are worth a call: all of them are copied once more here. */
const LONGEST = 256;

/** @internal For `attach`: the numbers, and the bodies one behind the other. */
export const { outboxNumbers, outboxText } = common('outbox', () => ({
  outboxNumbers: new Float64Array(ROWS + MOST * ROW),
  outboxText: { text: '' },
}));

/**
 * Takes an answer that `respond` would take without an error; false: it must be called. The word is that of `respond`,
 * without `FINISH_WHOLE`.
 */
export function gather(id: number, word: number, body: string | undefined): boolean {
  const count = outboxNumbers[COUNT] | 0;
  if (outboxNumbers[OPEN] === 0 || count === MOST) return false;
  let length = 0;
  let text = '';
  if (body !== undefined) {
    length = body.length;
    if (length > LONGEST) return false;
    // Half a character at its end could become a whole one with the next body.
    if (length > 0 && (body.charCodeAt(length - 1) & 0xfc00) === 0xd800) return false;
    text = body;
  }
  const place = ROWS + count * ROW;
  outboxNumbers[place] = id;
  outboxNumbers[place + 1] = word;
  outboxNumbers[place + 2] = length;
  outboxText.text = count === 0 ? text : outboxText.text + text;
  outboxNumbers[COUNT] = count + 1;
  return true;
}

/** The bodies, where there are answers. */
export function gathered(): string | undefined {
  return outboxNumbers[COUNT] === 0 ? undefined : outboxText.text;
}
