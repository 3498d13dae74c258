import { COUNTERS } from '../metrics/catalogue.generated.js';
import { native } from '../native/loader.js';
import type { RetryBudgetOptions, RetryBudgetValues } from '../options/retry-budget.generated.js';
import { RETRY_BUDGET_OPTIONS } from '../options/retry-budget.generated.js';
import { validateOptions } from '../options/validate.js';
import { CountWindow } from './window.js';

const EXHAUSTED = COUNTERS.findIndex(({ key }) => key === 'millrace_retry_budget_exhausted_total');

/** What a budget has counted: the first two over its window, `refused` since it was made. */
export interface RetryBudgetStats {
  readonly requests: number;
  readonly retries: number;
  readonly refused: number;
}

/**
 * How much load retries may add to what is asked anyhow. A service that fails for everybody gets every call again from
 * those who retry, just when it can bear that least; with a budget, it gets a fifth more at most.
 *
 * Over its window retries are at most `ratio` of the first attempts, or `reserve` where that is more. One budget belongs
 * to what is one service: share it between the calls that go there.
 */
export class RetryBudget {
  /** The budget of calls to `retry` that have none of their own. */
  static readonly shared: RetryBudget = new RetryBudget();

  private readonly _values: RetryBudgetValues;
  private readonly _window: CountWindow;
  private _refused = 0;

  constructor(options: RetryBudgetOptions = {}) {
    this._values = validateOptions(RETRY_BUDGET_OPTIONS, options);
    this._window = new CountWindow(this._values.window);
  }

  /** Counts a first attempt. */
  record(): void {
    this._window.add(1, 0);
  }

  /** Takes one retry out of the budget; false, and none taken, where it is spent. */
  spend(): boolean {
    const { ratio, reserve } = this._values;
    if (this._window.second + 1 > Math.max(reserve, ratio * this._window.first)) {
      this._refused++;
      native.count(EXHAUSTED, 1);
      return false;
    }
    this._window.add(0, 1);
    return true;
  }

  stats(): RetryBudgetStats {
    return { requests: this._window.first, retries: this._window.second, refused: this._refused };
  }
}
