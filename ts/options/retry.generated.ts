// Made by scripts/generate.mjs from ts/options/retry.json. Do not edit.
import type { AnyFunction, OptionTable } from './table.js';

/** All options of `retry` with their defaults filled in. */
export interface RetryOptionValues {
  readonly attempts: number;
  readonly minDelay: number;
  readonly maxDelay: number;
  readonly factor: number;
  readonly jitter: 'full' | 'none';
  readonly budget: boolean | object;
  readonly signal: AbortSignal | null;
  readonly isRetryable: AnyFunction | null;
  readonly isRetryableResult: AnyFunction | null;
  readonly onRetry: AnyFunction | null;
}

export const RETRY_OPTIONS: OptionTable<RetryOptionValues> = {
  owner: 'retry',
  required: [],
  exclusive: [],
  rows: [
    { name: 'attempts', type: 'integer', min: 1, max: 1_000, default: 3 },
    { name: 'minDelay', type: 'integer', min: 0, max: 2_147_483_647, default: 100 },
    { name: 'maxDelay', type: 'integer', min: 0, max: 2_147_483_647, default: 30_000 },
    { name: 'factor', type: 'number', min: 1, max: 100, default: 2 },
    { name: 'jitter', type: 'enum', values: ['full', 'none'], default: 'full' },
    { name: 'budget', type: 'settings', default: true },
    { name: 'signal', type: 'signal', default: null },
    { name: 'isRetryable', type: 'function', default: null },
    { name: 'isRetryableResult', type: 'function', default: null },
    { name: 'onRetry', type: 'function', default: null },
  ],
};
