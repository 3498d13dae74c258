// Made by scripts/generate.mjs from ts/options/retry-budget.json. Do not edit.
import type { OptionTable } from './table.js';

/** How much load retries may add. */
export interface RetryBudgetOptions {
  /** Retries per first attempt, over the window. (0…10, default 0.2) */
  ratio?: number | undefined;
  /** The time that is looked back on. (100…3600000, ms, default 10000) */
  window?: number | undefined;
  /**
   * Retries that a window may have however few first attempts it had: else the one call of a quiet minute could not be
   * retried. (0…1000000, default 10)
   */
  reserve?: number | undefined;
}

/** All options of `RetryBudget` with their defaults filled in. */
export interface RetryBudgetValues {
  readonly ratio: number;
  readonly window: number;
  readonly reserve: number;
}

export const RETRY_BUDGET_OPTIONS: OptionTable<RetryBudgetValues> = {
  owner: 'RetryBudget',
  required: [],
  exclusive: [],
  rows: [
    { name: 'ratio', type: 'number', min: 0, max: 10, default: 0.2 },
    { name: 'window', type: 'integer', min: 100, max: 3_600_000, default: 10_000 },
    { name: 'reserve', type: 'integer', min: 0, max: 1_000_000, default: 10 },
  ],
};
