import { CircuitBreaker, isRetryable, MillraceError } from '../../ts/index.js';
import type { BreakerChange, BreakerOptions } from '../../ts/index.js';
import { SEED, randomOf } from '../support/seed.js';

const A = 'http://a.test';
const broken = new MillraceError('MILLRACE_CONNECTION_RESET');

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function breakerOf(options: BreakerOptions = {}): { breaker: CircuitBreaker; changes: BreakerChange[] } {
  const breaker = new CircuitBreaker(options);
  const changes: BreakerChange[] = [];
  breaker.on('change', (change: BreakerChange) => changes.push(change));
  return { breaker, changes };
}

const works = (breaker: CircuitBreaker, origin = A): Promise<string> =>
  breaker.run(origin, () => Promise.resolve('fine'));
const fails = async (breaker: CircuitBreaker, error: unknown = broken, origin = A): Promise<void> => {
  await expect(breaker.run(origin, () => Promise.reject(error as Error))).rejects.toBe(error);
};
const refuses = async (breaker: CircuitBreaker, origin = A): Promise<void> => {
  const fn = jest.fn();
  await expect(breaker.run(origin, fn)).rejects.toMatchObject({ code: 'MILLRACE_CIRCUIT_OPEN', kind: 'closed' });
  expect(fn).not.toHaveBeenCalled();
};

test('five failures in a row open it and four do not; a success between begins the row anew', async () => {
  const { breaker, changes } = breakerOf();
  for (let call = 0; call < 4; call++) await fails(breaker);
  expect(await works(breaker)).toBe('fine');
  for (let call = 0; call < 4; call++) await fails(breaker);
  expect([breaker.state(A), changes]).toEqual(['closed', []]);
  await fails(breaker);
  expect(breaker.state(A)).toBe('open');
  expect(changes).toEqual([{ origin: A, from: 'closed', to: 'open', reason: 'failures', error: broken }]);
  await refuses(breaker);
});

test('its error says when it is tried again, is not retryable, and has the failure as its cause', async () => {
  const { breaker } = breakerOf({ failures: 1 });
  await fails(breaker);
  jest.advanceTimersByTime(10_000);
  const error: unknown = await works(breaker).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'MILLRACE_CIRCUIT_OPEN', category: 'network', cause: broken });
  expect((error as Error).message).toContain('it is tried again in 20000 ms');
  expect(isRetryable(error)).toBe(false);
});

test('a failure rate at the bound opens it, and one below does not, once the window has calls enough', async () => {
  const { breaker, changes } = breakerOf({ failures: null, failureRate: 0.5, minCalls: 10 });
  for (let call = 0; call < 4; call++) await works(breaker);
  for (let call = 0; call < 5; call++) await fails(breaker); // 5 of 9: too few calls
  for (let call = 0; call < 3; call++) await works(breaker);
  await fails(breaker); // 6 of 13
  expect(breaker.state(A)).toBe('closed');
  await fails(breaker); // 7 of 14
  expect(changes).toEqual([{ origin: A, from: 'closed', to: 'open', reason: 'failure-rate', error: broken }]);
});

test('a failure rate of 1 is one of all calls', async () => {
  const { breaker } = breakerOf({ failures: null, failureRate: 1, minCalls: 3 });
  for (let call = 0; call < 2; call++) await fails(breaker);
  expect(breaker.state(A)).toBe('closed');
  await fails(breaker);
  expect(breaker.state(A)).toBe('open');
});

test('failures that have left the window do not count', async () => {
  const { breaker } = breakerOf({ failures: null, minCalls: 10, window: 1_000 });
  for (let call = 0; call < 9; call++) await fails(breaker);
  jest.advanceTimersByTime(1_100);
  await fails(breaker);
  expect(breaker.stats().origins[A]).toMatchObject({ state: 'closed', calls: 1, failures: 1 });
});

test('after openFor one probe goes through, others are refused meanwhile, and its success closes it', async () => {
  const { breaker, changes } = breakerOf({ failures: 1, openFor: 1_000 });
  await fails(breaker);
  jest.advanceTimersByTime(999);
  await refuses(breaker);
  jest.advanceTimersByTime(1);
  const probe = breaker.enter(A);
  expect(breaker.state(A)).toBe('half-open');
  await refuses(breaker);
  probe.succeed();
  expect(breaker.state(A)).toBe('closed');
  expect(changes.map(({ from, to, reason }) => `${from} → ${to}: ${reason}`)).toEqual([
    'closed → open: failures',
    'open → half-open: waited',
    'half-open → closed: probes-succeeded',
  ]);
  expect(await works(breaker)).toBe('fine');
});

test('a probe that fails opens it for another openFor', async () => {
  const { breaker } = breakerOf({ failures: 1, openFor: 1_000 });
  await fails(breaker);
  jest.advanceTimersByTime(1_000);
  await fails(breaker);
  expect(breaker.stats().origins[A]).toMatchObject({ state: 'open', opened: 2, opensIn: 1_000 });
  jest.advanceTimersByTime(999);
  await refuses(breaker);
});

test('as many probes as asked go through at once, and as many successes as asked close it', async () => {
  const { breaker } = breakerOf({ failures: 1, openFor: 1, probes: 2, successes: 3 });
  await fails(breaker);
  jest.advanceTimersByTime(1);
  const [one, two] = [breaker.enter(A), breaker.enter(A)];
  await refuses(breaker);
  one.succeed();
  two.succeed();
  expect(breaker.state(A)).toBe('half-open');
  await works(breaker);
  expect(breaker.state(A)).toBe('closed');
});

test('a probe that was given up frees its place and says nothing', async () => {
  const { breaker } = breakerOf({ failures: 1, openFor: 1 });
  await fails(breaker);
  jest.advanceTimersByTime(1);
  breaker.enter(A).forget();
  expect(breaker.state(A)).toBe('half-open');
  await fails(breaker, Object.assign(new Error('enough'), { name: 'AbortError' }));
  expect(breaker.state(A)).toBe('half-open');
  await works(breaker);
  expect(breaker.state(A)).toBe('closed');
});

test('a call from before it opened says nothing, neither to an open circuit nor to a half-open one', async () => {
  const { breaker } = breakerOf({ failures: 1, openFor: 1 });
  const [slow, slower] = [breaker.enter(A), breaker.enter(A)];
  await fails(breaker);
  slow.succeed();
  expect(breaker.state(A)).toBe('open');
  jest.advanceTimersByTime(1);
  const probe = breaker.enter(A);
  slower.fail(broken);
  expect(breaker.state(A)).toBe('half-open');
  await refuses(breaker);
  probe.succeed();
  probe.fail(broken); // a second verdict is none
  expect(breaker.state(A)).toBe('closed');
});

test('misuse and aborts are no failures of the origin; isFailure decides otherwise', async () => {
  const { breaker } = breakerOf({ failures: 1 });
  await fails(breaker, new MillraceError('MILLRACE_INVALID_ARGUMENT'));
  await fails(breaker, Object.assign(new Error('enough'), { code: 'ABORT_ERR' }));
  expect(breaker.state(A)).toBe('closed');
  const own = breakerOf({ failures: 1, isFailure: (error) => error === 'bad' }).breaker;
  await fails(own, broken);
  expect(own.state(A)).toBe('closed');
  await fails(own, 'bad');
  expect(own.state(A)).toBe('open');
});

test('each origin has a circuit of its own', async () => {
  const { breaker } = breakerOf({ failures: 1 });
  await fails(breaker, broken, A);
  expect(await works(breaker, 'http://b.test')).toBe('fine');
  await refuses(breaker, A);
  expect(breaker.stats()).toMatchObject({ closed: 1, open: 1, halfOpen: 0, refused: 1 });
});

test('the table of origins is bounded: the closed one that was unused for longest makes room', async () => {
  const { breaker } = breakerOf({ failures: 1, maxOrigins: 3 });
  await fails(breaker, broken, 'open');
  for (const origin of ['x', 'y', 'x', 'z']) await works(breaker, origin);
  expect(Object.keys(breaker.stats().origins)).toEqual(['open', 'x', 'z']);
  for (const origin of ['p', 'q', 'r']) await fails(breaker, broken, origin);
  expect(Object.keys(breaker.stats().origins)).toEqual(['p', 'q', 'r']);
  for (let number = 0; number < 100; number++) await works(breaker, `http://${number}.test`);
  expect(Object.keys(breaker.stats().origins)).toHaveLength(3);
});

test('reset closes one circuit, or all', async () => {
  const { breaker, changes } = breakerOf({ failures: 1 });
  await fails(breaker, broken, 'a');
  await fails(breaker, broken, 'b');
  breaker.reset('a');
  expect([breaker.state('a'), breaker.state('b')]).toEqual(['closed', 'open']);
  breaker.reset();
  expect(breaker.state('b')).toBe('closed');
  expect(changes.at(-1)).toEqual({ origin: 'b', from: 'open', to: 'closed', reason: 'reset' });
});

test('what a listener throws is raised by Node.js, and the call ends as it would have', async () => {
  const raised: (() => void)[] = [];
  const spy = jest.spyOn(globalThis, 'queueMicrotask').mockImplementation((fn) => void raised.push(fn));
  const breaker = new CircuitBreaker({ failures: 1 });
  breaker.on('change', () => {
    throw new Error('of the listener');
  });
  await fails(breaker);
  spy.mockRestore();
  expect(raised).toHaveLength(1);
  expect(raised[0]).toThrow('of the listener');
  expect(breaker.state(A)).toBe('open');
});

test('random outcomes never let more probes through than allowed, nor a call through an open circuit', async () => {
  const seed = SEED;
  const random = randomOf(seed);
  const { breaker } = breakerOf({ failures: 3, openFor: 50, probes: 2, minCalls: 5, window: 100 });
  const live: { pass: ReturnType<CircuitBreaker['enter']>; state: string; opened: number }[] = [];
  for (let step = 0; step < 3_000; step++) {
    const choice = random(10);
    if (choice < 4) {
      const before = breaker.stats().origins[A];
      let pass;
      try {
        pass = breaker.enter(A);
      } catch {
        // refused
      }
      const after = breaker.stats().origins[A];
      if (pass === undefined) expect([seed, after.state]).not.toEqual([seed, 'closed']);
      else {
        expect([seed, after.state]).not.toEqual([seed, 'open']);
        if (before?.state === 'open') expect([seed, before.opensIn]).toEqual([seed, 0]);
        live.push({ pass, state: after.state, opened: after.opened });
      }
    } else if (choice < 9 && live.length > 0) {
      const [{ pass }] = live.splice(random(live.length), 1);
      if (random(2) === 0) pass.succeed();
      else pass.fail(broken);
    } else {
      jest.advanceTimersByTime(random(30));
    }
    const now = breaker.stats().origins[A];
    const probes = live.filter((one) => one.state === 'half-open' && one.opened === now?.opened);
    if (now?.state === 'half-open') expect([seed, probes.length <= 2]).toEqual([seed, true]);
  }
  expect(breaker.stats().origins[A].opened).toBeGreaterThan(10);
});

test.each([[{ failures: 0 }], [{ failureRate: 1.5 }], [{ probes: 0 }], [{ openFor: null }], [{ opensFor: 3 }]])(
  'refuses the options %j',
  (options) => {
    expect(() => new CircuitBreaker(options as object)).toThrow(MillraceError);
  },
);
