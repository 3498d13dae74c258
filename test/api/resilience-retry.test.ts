import { HeaderView, MillraceError, retry, RetryBudget } from '../../ts/index.js';
import type { RetryNotice } from '../../ts/index.js';
import { parseRetryAfter, retryAfterOf } from '../../ts/resilience/retry-after.js';

const ofTheMoment = (): MillraceError => new MillraceError('MILLRACE_CONNECTION_RESET');

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

/** Runs the clock until the promise is settled: how it was, and how much time that took by the clock. */
async function settled<T>(promise: Promise<T>): Promise<{ value?: T; error?: unknown; after: number }> {
  const began = performance.now();
  const end = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  let done = false;
  void end.then(() => (done = true));
  for (let turn = 0; turn < 10_000; turn++) {
    for (let tick = 0; tick < 20; tick++) await Promise.resolve();
    if (done) break;
    await jest.advanceTimersToNextTimerAsync();
  }
  expect(jest.getTimerCount()).toBe(0);
  return { ...(await end), after: Math.round(performance.now() - began) };
}

/** A function that fails so often, with what `make` gives, and then succeeds. */
function failing(times: number, make: () => unknown = ofTheMoment): jest.Mock {
  let left = times;
  return jest.fn(() => (left-- > 0 ? Promise.reject(make() as Error) : Promise.resolve('done')));
}

test('a call that succeeds is made once and waits for nothing', async () => {
  const fn = failing(0);
  expect(await settled(retry(fn, { budget: false }))).toEqual({ value: 'done', after: 0 });
  expect(fn.mock.calls).toEqual([[{ attempt: 1, attempts: 3, signal: undefined }]]);
});

test('three attempts by default, 100 and 200 ms apart at most, and the last error is thrown as it is', async () => {
  const errors = [ofTheMoment(), ofTheMoment(), ofTheMoment()];
  const fn = jest.fn(({ attempt }: { attempt: number }) => Promise.reject(errors[attempt - 1]));
  const { error, after } = await settled(retry(fn, { budget: false }));
  expect(error).toBe(errors[2]);
  expect([fn.mock.calls.length, after]).toEqual([3, 300]);
});

test('waits double from minDelay and never exceed maxDelay', async () => {
  const delays: number[] = [];
  const onRetry = ({ delay }: RetryNotice): void => void delays.push(delay);
  await settled(retry(failing(11), { attempts: 12, budget: false, onRetry }));
  expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
  delays.length = 0;
  await settled(retry(failing(4), { attempts: 5, minDelay: 7, factor: 1.5, maxDelay: 20, budget: false, onRetry }));
  expect(delays).toEqual([7, 11, 16, 20]);
});

test('full jitter takes a random part of each bound, down to nothing; jitter "none" the bound', async () => {
  const delays: number[] = [];
  const onRetry = ({ delay }: RetryNotice): void => void delays.push(delay);
  jest.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValueOnce(0.25).mockReturnValueOnce(0.999);
  await settled(retry(failing(3), { attempts: 4, budget: false, onRetry }));
  expect(delays).toEqual([0, 50, 400]);
  jest.spyOn(Math, 'random').mockReturnValue(0);
  delays.length = 0;
  await settled(retry(failing(2), { jitter: 'none', budget: false, onRetry }));
  expect(delays).toEqual([100, 200]);
});

test('what is not of the moment is not retried, unless isRetryable says so', async () => {
  const final = new MillraceError('MILLRACE_TLS_WRONG_HOST');
  const fn = failing(9, () => final);
  expect((await settled(retry(fn, { budget: false }))).error).toBe(final);
  expect(fn).toHaveBeenCalledTimes(1);
  const asked: [unknown, number][] = [];
  const isRetryable = (error: unknown, attempt: number): boolean => asked.push([error, attempt]) < 2;
  expect((await settled(retry(fn, { attempts: 9, budget: false, isRetryable }))).error).toBe(final);
  expect(asked).toEqual([
    [final, 1],
    [final, 2],
  ]);
});

test('a function that throws without a promise is retried as well', async () => {
  let calls = 0;
  const fn = (): string => {
    if (calls++ === 0) throw ofTheMoment();
    return 'done';
  };
  expect((await settled(retry(fn, { budget: false }))).value).toBe('done');
});

test('a result that does not do is tried for again, and answered with when there is no further attempt', async () => {
  const notices: RetryNotice[] = [];
  const options = {
    budget: false,
    isRetryableResult: ({ status }: { status: number }) => status === 503,
    onRetry: (notice: RetryNotice) => void notices.push(notice),
  };
  let status = 503;
  expect((await settled(retry(() => ({ status }), options))).value).toEqual({ status: 503 });
  expect(notices).toEqual([
    { attempt: 1, delay: 100, result: { status: 503 } },
    { attempt: 2, delay: 200, result: { status: 503 } },
  ]);
  const { value } = await settled(
    retry(({ attempt }) => ({ status: attempt === 1 ? status : (status = 200) }), options),
  );
  expect(value).toEqual({ status: 200 });
});

test('Retry-After is waited for, with the jitter on top; one beyond maxDelay ends it', async () => {
  const refused = (seconds: string): unknown =>
    Object.assign(new Error('busy'), { status: 429, headers: new Headers({ 'Retry-After': seconds }) });
  expect(
    await settled(
      retry(
        failing(1, () => refused('7')),
        { budget: false },
      ),
    ),
  ).toEqual({
    value: 'done',
    after: 7_100,
  });
  const at = failing(1, () => refused('30'));
  expect((await settled(retry(at, { budget: false }))).value).toBe('done');
  const past = failing(1, () => refused('31'));
  expect((await settled(retry(past, { budget: false }))).error).toMatchObject({ status: 429 });
  expect(past).toHaveBeenCalledTimes(1);
});

test('a budget lets retries be a fifth of the first attempts, or its reserve, and refuses the others', async () => {
  const budget = new RetryBudget({ reserve: 2 });
  for (let call = 0; call < 20; call++) budget.record();
  const one = (): Promise<unknown> => settled(retry(failing(9), { attempts: 2, budget }));
  // 20 first attempts and those of the calls themselves: from 20 on, 4 retries; the fifth at 25.
  for (let call = 0; call < 4; call++) await one();
  expect(budget.stats()).toEqual({ requests: 24, retries: 4, refused: 0 });
  budget.record();
  expect(budget.spend()).toBe(true);
  expect(budget.spend()).toBe(false);
  expect(budget.stats()).toEqual({ requests: 25, retries: 5, refused: 1 });
});

test('over a long outage the retries of a shared budget add a fifth to the load and no more', async () => {
  const budget = new RetryBudget({ reserve: 0 });
  let calls = 0;
  const fn = (): Promise<never> => Promise.reject((calls++, ofTheMoment()));
  for (let call = 0; call < 100; call++) await settled(retry(fn, { attempts: 10, budget, minDelay: 0 }));
  expect(calls).toBe(120);
});

test('a budget forgets what has left its window', async () => {
  const budget = new RetryBudget({ reserve: 1, window: 1_000 });
  expect([budget.spend(), budget.spend()]).toEqual([true, false]);
  await jest.advanceTimersByTimeAsync(850);
  expect(budget.spend()).toBe(false);
  await jest.advanceTimersByTimeAsync(250);
  expect(budget.stats()).toEqual({ requests: 0, retries: 0, refused: 2 });
  expect(budget.spend()).toBe(true);
});

test('calls without a budget of their own share that of the process', async () => {
  const { requests, retries } = RetryBudget.shared.stats();
  await settled(retry(failing(1)));
  expect(RetryBudget.shared.stats()).toMatchObject({ requests: requests + 1, retries: retries + 1 });
});

test('an aborted signal ends the wait with an AbortError that has its reason, and calls nothing again', async () => {
  const abort = new AbortController();
  const fn = failing(9);
  const promise = retry(fn, { signal: abort.signal, budget: false, minDelay: 10_000 });
  const reason = new Error('enough');
  setTimeout(() => abort.abort(reason), 300);
  expect(await settled(promise)).toMatchObject({
    error: { name: 'AbortError', code: 'ABORT_ERR', cause: reason },
    after: 300,
  });
  expect(fn).toHaveBeenCalledTimes(1);
});

test('a signal that is aborted beforehand lets nothing be called', async () => {
  const fn = failing(0);
  const { error } = await settled(retry(fn, { signal: AbortSignal.abort('no'), budget: false }));
  expect(error).toMatchObject({ name: 'AbortError', cause: 'no' });
  expect(fn).not.toHaveBeenCalled();
});

test('an abort during an attempt leaves its error as it is', async () => {
  const abort = new AbortController();
  const error = ofTheMoment();
  const fn = jest.fn(() => {
    abort.abort();
    return Promise.reject(error);
  });
  expect((await settled(retry(fn, { signal: abort.signal, budget: false }))).error).toBe(error);
  expect(fn).toHaveBeenCalledTimes(1);
});

test('what onRetry throws ends it', async () => {
  const stop = new Error('stop');
  const onRetry = (): never => {
    throw stop;
  };
  expect((await settled(retry(failing(1), { budget: false, onRetry }))).error).toBe(stop);
});

test.each([
  [{ attempts: 0 }, 'RangeError'],
  [{ attempts: 1.5 }, 'RangeError'],
  [{ factor: 0.5 }, 'RangeError'],
  [{ factor: NaN }, 'RangeError'],
  [{ jitter: 'some' }, 'RangeError'],
  [{ budget: {} }, 'TypeError'],
  [{ retries: 3 }, 'TypeError'],
])('refuses the options %j', async (options, name) => {
  const { error } = await settled(retry(failing(0), options as object));
  expect(error).toMatchObject({ kind: 'misuse', name });
});

test('refuses what is no function', async () => {
  expect((await settled(retry('fn' as never))).error).toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT' });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-26T08:00:00Z');

  test.each([
    ['0', 0],
    ['120', 120_000],
    [' 120\t', 120_000],
    ['Thu, 26 Nov 2026 08:01:30 GMT', 90_000],
    ['Thursday, 26-Nov-26 08:00:01 GMT', 1_000],
    ['Thu Nov 26 08:00:02 2026', 2_000],
    ['Thu, 26 Nov 2026 07:00:00 GMT', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
    ['9'.repeat(400), Infinity],
  ])('%j asks for %p ms', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });

  test.each([
    ['a HeaderView', { headers: new HeaderView('Retry-After\x003\0') }],
    ['Headers', { headers: new Headers({ 'retry-after': '3' }) }],
    ['an object of fields', { headers: { 'Retry-After': '3' } }],
    ['a number in it', { headers: { 'retry-after': 3 } }],
    ["an error's response", { response: { headers: { 'retry-after': '3' } } }],
  ])('is read from %s', (_, outcome) => {
    expect(retryAfterOf(outcome)).toBe(3_000);
  });

  test.each([undefined, null, 'x', {}, { headers: null }, { headers: { 'retry-after': {} } }, { response: {} }])(
    'is not in %j',
    (outcome) => {
      expect(retryAfterOf(outcome)).toBeUndefined();
    },
  );
});
