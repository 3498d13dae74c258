import type { CircuitBreakerValues } from '../options/circuit-breaker.generated.js';
import { CountWindow } from './window.js';

/**
 * `closed`: calls go through. `open`: none do, until `openFor` has passed. `half-open`: as many as `probes` at once do,
 * to see whether it works again.
 */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** Why a circuit changed its state. */
export type CircuitReason = 'failures' | 'failure-rate' | 'probe-failed' | 'waited' | 'probes-succeeded' | 'reset';

/**
 * The circuit of one origin.
 *
 * | state | a call | success | failure |
 * | --- | --- | --- | --- |
 * | closed | passes | counted; the row of failures ends | counted; perhaps → open |
 * | open | refused; after `openFor` → half-open | of a call from before: nothing | nothing |
 * | half-open | passes while fewer than `probes` are under way | of a probe: → closed after `successes` | of a probe: → open |
 *
 * What a call comes to counts only in the state in which it began: a slow call from before the circuit opened says
 * nothing of how the origin is now.
 */
export class Circuit {
  state: CircuitState = 'closed';
  /** When it opened last, by the monotonic clock. */
  openedAt = 0;
  /** What the call that opened it failed with. */
  cause: unknown;
  /** Calls that were refused since it was made. */
  refused = 0;
  /** How often it has opened. */
  opened = 0;
  private readonly _values: CircuitBreakerValues;
  private readonly _onChange: (circuit: Circuit, from: CircuitState, reason: CircuitReason) => void;
  private readonly _window: CountWindow;
  private _row = 0;
  private _probing = 0;
  private _succeeded = 0;
  /** Rises with each change of state: what began in an earlier one is told by it. */
  private _epoch = 0;

  constructor(values: CircuitBreakerValues, onChange: Circuit['_onChange']) {
    this._values = values;
    this._onChange = onChange;
    this._window = new CountWindow(values.window);
  }

  /** Lets a call through and answers with what `settle` takes for it, or refuses it with undefined. */
  enter(): number | undefined {
    if (this.state === 'open' && this.opensIn() === 0) this.change('half-open', 'waited');
    if (this.state === 'closed') return this._epoch;
    if (this.state === 'half-open' && this._probing < this._values.probes) {
      this._probing++;
      return this._epoch;
    }
    this.refused++;
    return undefined;
  }

  /** Counts what a call came to. `neither`: it says nothing of the origin, and a probe's place is free again. */
  settle(epoch: number, outcome: 'success' | 'failure' | 'neither', error?: unknown): void {
    if (epoch !== this._epoch || this.state === 'open') return;
    if (this.state === 'half-open') this._probing--;
    if (outcome === 'neither') return;
    if (this.state === 'half-open') this.settleProbe(outcome, error);
    else this.count(outcome, error);
  }

  /** Milliseconds until an open circuit lets a probe through; 0 where it would now, or is not open. */
  opensIn(): number {
    if (this.state !== 'open') return 0;
    return Math.max(0, this.openedAt + this._values.openFor - performance.now());
  }

  /** Calls of the window, and how many of them failed. */
  get calls(): number {
    return this._window.first;
  }

  get failures(): number {
    return this._window.second;
  }

  /** Closes it and forgets what it has counted. */
  reset(): void {
    this.change('closed', 'reset');
  }

  private settleProbe(outcome: 'success' | 'failure', error: unknown): void {
    if (outcome === 'failure') this.open('probe-failed', error);
    else if (++this._succeeded >= this._values.successes) this.change('closed', 'probes-succeeded');
  }

  private count(outcome: 'success' | 'failure', error: unknown): void {
    const { failures, failureRate, minCalls } = this._values;
    this._window.add(1, outcome === 'failure' ? 1 : 0);
    if (outcome === 'success') {
      this._row = 0;
      return;
    }
    this._row++;
    if (failures !== null && this._row >= failures) this.open('failures', error);
    else if (failureRate !== null && this.calls >= minCalls && this.failures / this.calls >= failureRate) {
      this.open('failure-rate', error);
    }
  }

  private open(reason: CircuitReason, error: unknown): void {
    this.openedAt = performance.now();
    this.cause = error;
    this.opened++;
    this.change('open', reason);
  }

  private change(to: CircuitState, reason: CircuitReason): void {
    const from = this.state;
    this.state = to;
    this._epoch++;
    this._row = this._probing = this._succeeded = 0;
    if (to === 'closed') {
      this.cause = undefined;
      this._window.clear();
    }
    if (from !== to) this._onChange(this, from, reason);
  }
}
