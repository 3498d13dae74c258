import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { Deadline, isRetryable } from '../../ts/index.js';
import { deferred, turns } from '../support/condition.js';

/** Resolves when the signal is aborted; how long that took from `began`, in milliseconds. */
async function aborted(signal: AbortSignal, began: number): Promise<number> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return performance.now() - began;
}

test('deadline.remaining() falls from the given time to 0, and then it has expired', async () => {
  const began = performance.now();
  const [deadline, late] = [Deadline.after(30), Deadline.after(60_000)];
  const [first, ofLate] = [deadline.remaining(), late.remaining()];
  const passed = performance.now() - began;
  expect(first).toBeLessThanOrEqual(30);
  expect(first).toBeGreaterThanOrEqual(Math.max(0, 30 - passed));
  expect(ofLate).toBeLessThanOrEqual(60_000);
  expect(ofLate).toBeGreaterThanOrEqual(60_000 - passed);
  expect(late.expired).toBe(false);
  expect(await aborted(deadline.signal, began)).toBeGreaterThanOrEqual(30);
  expect([deadline.remaining(), deadline.expired]).toEqual([0, true]);
});

test('its signal is one, made when first read, and aborted with a coded error, never early', async () => {
  const began = performance.now();
  const all = [1, 2, 7, 20].map((ms) => ({ ms, deadline: Deadline.after(ms) }));
  for (const { ms, deadline } of all) {
    const { signal } = deadline;
    expect(deadline.signal).toBe(signal);
    expect(await aborted(signal, began)).toBeGreaterThanOrEqual(ms);
    expect(signal.reason).toMatchObject({
      code: 'MILLRACE_DEADLINE',
      kind: 'timeout',
      category: 'timeout',
      limit: { option: 'deadline', value: ms },
    });
    expect((signal.reason as { limit: { seen: number } }).limit.seen).toBeGreaterThanOrEqual(ms);
    // The caller's own budget is spent: to try again is no answer to that.
    expect(isRetryable(signal.reason)).toBe(false);
  }
});

test('a signal that is read after the deadline has passed is aborted at once', () => {
  const deadline = Deadline.after(0);
  expect([deadline.expired, deadline.signal.aborted]).toEqual([true, true]);
});

test('within(ms) is a deadline for one step and never later than the whole', () => {
  const whole = Deadline.after(10_000);
  const step = whole.within(10);
  expect(step.remaining()).toBeLessThanOrEqual(10);
  expect(whole.remaining()).toBeGreaterThan(5_000);
  const late = whole.within(60_000);
  expect(late.remaining()).toBeLessThanOrEqual(10_000);
  expect(Deadline.after(0).within(5).expired).toBe(true);
  expect(Deadline.never.within(5).remaining()).toBeLessThanOrEqual(5);
});

test('never has no end and makes no timer', async () => {
  expect([Deadline.never.remaining(), Deadline.never.expired]).toEqual([Infinity, false]);
  expect(Deadline.never.signal.aborted).toBe(false);
  expect(await Deadline.never.race(Promise.resolve(5))).toBe(5);
  expect(Deadline.after(Infinity).remaining()).toBe(Infinity);
});

test('race settles as the work does while there is time', async () => {
  const deadline = Deadline.after(10_000);
  expect(await deadline.race(Promise.resolve('done'))).toBe('done');
  const failure = new Error('planned');
  await expect(deadline.race(Promise.reject(failure))).rejects.toBe(failure);
  deadline.clear();
});

test('race rejects when the deadline passes first, and a late failure of the work disturbs nobody', async () => {
  const work = deferred();
  const deadline = Deadline.after(10);
  const began = performance.now();
  await expect(deadline.race(work.promise)).rejects.toMatchObject({ code: 'MILLRACE_DEADLINE' });
  expect(performance.now() - began).toBeGreaterThanOrEqual(10);
  work.reject(new Error('late'));
  await expect(deadline.race(new Promise(() => undefined))).rejects.toBe(deadline.signal.reason);
  await turns(2);
});

test('a deadline longer than a timer of Node.js can wait does not pass at once', async () => {
  const deadline = Deadline.after(2 ** 40);
  const { signal } = deadline;
  await turns(3);
  expect([signal.aborted, deadline.expired]).toEqual([false, false]);
  deadline.clear();
});

test('clear() lets the timer go: the signal is not aborted any more, the time still told', async () => {
  const [deadline, used] = [Deadline.after(150), Deadline.after(150)];
  const [signal, kept] = [deadline.signal, used.signal];
  deadline.clear();
  used[Symbol.dispose]();
  await aborted(Deadline.after(160).signal, 0);
  expect([signal.aborted, deadline.expired, deadline.remaining()]).toEqual([false, true, 0]);
  expect(kept.aborted).toBe(false);
});

test('a deadline holds the process during a race and not by its signal alone', () => {
  const millrace = JSON.stringify(join(__dirname, '../../dist/index.js'));
  const run = (code: string): string =>
    execFileSync(process.execPath, ['-e', `const { Deadline } = require(${millrace});\n${code}`], {
      encoding: 'utf8',
      timeout: 15_000,
    });
  expect(run(`Deadline.after(14_000).signal; console.log('out')`)).toBe('out\n');
  expect(run(`Deadline.after(20).race(new Promise(() => {})).catch((error) => console.log(error.code))`)).toBe(
    'MILLRACE_DEADLINE\n',
  );
});

test.each([NaN, -1, -Infinity])('a deadline in %p ms is out of range', (ms) => {
  expect(() => Deadline.after(ms)).toThrow(RangeError);
  expect(() => Deadline.never.within(ms)).toThrow(RangeError);
});

test('a deadline in something else than a number is a TypeError', () => {
  expect(() => Deadline.after('5' as never)).toThrow(TypeError);
  expect(() => Deadline.after(undefined as never)).toThrow(/got undefined/);
});
