import { abortError } from '../errors/abort-error.js';
import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { isRetryable } from '../errors/retryable.js';
import type { RetryOptionValues } from '../options/retry.generated.js';
import { RETRY_OPTIONS } from '../options/retry.generated.js';
import { validateOptions } from '../options/validate.js';
import { backoffDelay } from './backoff.js';
import { pause } from './pause.js';
import { retryAfterOf } from './retry-after.js';
import { RetryBudget } from './retry-budget.js';

/** What a function that is retried is told. */
export interface Attempt {
  /** 1 for the first. */
  readonly attempt: number;
  /** How many there are at most. */
  readonly attempts: number;
  /** The signal of the options. */
  readonly signal: AbortSignal | undefined;
}

/** An attempt that is made again after `delay` milliseconds: what it failed with, or the result that did not do. */
export interface RetryNotice<T = unknown> {
  /** The number of the attempt that is over. */
  readonly attempt: number;
  readonly delay: number;
  readonly error?: unknown;
  readonly result?: T;
}

/** When and how often; docs/options.md has ranges and defaults. */
export interface RetryOptions<T = unknown> {
  attempts?: number | undefined;
  minDelay?: number | undefined;
  maxDelay?: number | undefined;
  factor?: number | undefined;
  jitter?: 'full' | 'none' | undefined;
  /** `true`: `RetryBudget.shared`; `false`: none. */
  budget?: RetryBudget | boolean | undefined;
  signal?: AbortSignal | undefined;
  isRetryable?: ((error: unknown, attempt: number) => boolean) | undefined;
  isRetryableResult?: ((result: T, attempt: number) => boolean) | undefined;
  onRetry?: ((notice: RetryNotice<T>) => void | PromiseLike<void>) | undefined;
}

/** How an attempt ended: with an error or a result, and whether another would be worth it. */
interface Outcome {
  readonly failed: boolean;
  readonly value: unknown;
  readonly again: boolean;
}

/**
 * Calls `fn` until it succeeds: 3 times at most, with growing, random waits in between.
 *
 * It is called again after an error that is of the moment (`isRetryable`), while the budget lasts and the signal is not
 * aborted. Where the error, its `response` or the result has a Retry-After field, it is not called earlier than that;
 * a server that asks for more than `maxDelay` is not asked again. The last error is thrown as it is; a result that
 * `isRetryableResult` would not have is answered with when there is no further attempt.
 *
 * Whether `fn` may be repeated safely is for its caller to know: a payment is not a search.
 */
export async function retry<T>(
  fn: (attempt: Attempt) => T | PromiseLike<T>,
  options: RetryOptions<T> = {},
): Promise<Awaited<T>> {
  if (typeof fn !== 'function') {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `retry: needs a function, got ${describeValue(fn)}`);
  }
  const values = validateOptions<RetryOptionValues>(RETRY_OPTIONS, options);
  const budget = budgetOf(values.budget);
  const signal = values.signal ?? undefined;
  if (signal !== undefined && isAborted(signal)) throw abortError(signal);
  budget?.record();
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptOf(fn, options, { attempt, attempts: values.attempts, signal });
    const delay = outcome.again && attempt < values.attempts ? delayOf(values, outcome.value, attempt) : undefined;
    if (delay === undefined || isAborted(signal) || budget?.spend() === false) {
      if (outcome.failed) throw outcome.value;
      return outcome.value as Awaited<T>;
    }
    await options.onRetry?.({
      attempt,
      delay,
      ...(outcome.failed ? { error: outcome.value } : { result: outcome.value as T }),
    });
    await pause(delay, signal);
  }
}

async function attemptOf<T>(
  fn: (attempt: Attempt) => T | PromiseLike<T>,
  { isRetryable: isWorthIt = isRetryable, isRetryableResult }: RetryOptions<T>,
  attempt: Attempt,
): Promise<Outcome> {
  let value: Awaited<T>;
  try {
    value = await fn(attempt);
  } catch (error) {
    return { failed: true, value: error, again: isWorthIt(error, attempt.attempt) };
  }
  return { failed: false, value, again: isRetryableResult?.(value, attempt.attempt) === true };
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** The wait before the next attempt; undefined where the server wants a longer one than there may be. */
function delayOf(values: RetryOptionValues, value: unknown, attempt: number): number | undefined {
  const asked = retryAfterOf(value) ?? 0;
  if (asked > values.maxDelay) return undefined;
  // On top, not instead: all the clients that were told the same moment would come at it together.
  return asked + backoffDelay(values, attempt);
}

function budgetOf(given: boolean | object): RetryBudget | undefined {
  if (given === true) return RetryBudget.shared;
  if (given === false) return undefined;
  if (given instanceof RetryBudget) return given;
  throw misuse(
    'MILLRACE_INVALID_ARGUMENT',
    `retry: option 'budget' must be a RetryBudget, true or false, got ${describeValue(given)}`,
  );
}
