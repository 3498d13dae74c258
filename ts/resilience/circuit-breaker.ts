import { EventEmitter } from 'node:events';

import { quote } from '../errors/escape.js';
import { MillraceError } from '../errors/millrace-error.js';
import { COUNTERS } from '../metrics/catalogue.generated.js';
import { native } from '../native/loader.js';
import type { CircuitBreakerValues } from '../options/circuit-breaker.generated.js';
import { CIRCUIT_BREAKER_OPTIONS } from '../options/circuit-breaker.generated.js';
import { validateOptions } from '../options/validate.js';
import type { CircuitReason, CircuitState } from './circuit.js';
import { Circuit } from './circuit.js';
import { tell } from './tell.js';

const REFUSED = COUNTERS.findIndex(({ key }) => key === 'millrace_circuit_breaker_refused_total');

/** When it opens and how it closes again; docs/options.md has ranges and defaults. */
export interface BreakerOptions {
  failures?: number | null | undefined;
  failureRate?: number | null | undefined;
  minCalls?: number | undefined;
  window?: number | undefined;
  openFor?: number | undefined;
  probes?: number | undefined;
  successes?: number | undefined;
  maxOrigins?: number | undefined;
  isFailure?: ((error: unknown) => boolean) | undefined;
}

/** A circuit changed its state: the event `change`. */
export interface BreakerChange {
  readonly origin: string;
  readonly from: CircuitState;
  readonly to: CircuitState;
  readonly reason: CircuitReason;
  /** What the last call failed with, where the circuit opened. */
  readonly error?: unknown;
}

/** The circuit of one origin. */
export interface OriginStats {
  readonly state: CircuitState;
  /** Calls of the window and those of them that failed. */
  readonly calls: number;
  readonly failures: number;
  /** Calls that were refused, and how often the circuit has opened, since it is remembered. */
  readonly refused: number;
  readonly opened: number;
  /** Milliseconds until an open circuit lets a probe through. */
  readonly opensIn: number;
}

export interface BreakerStats {
  /** Circuits in each state. */
  readonly closed: number;
  readonly open: number;
  readonly halfOpen: number;
  /** Calls that were refused since the breaker was made. */
  readonly refused: number;
  readonly origins: Readonly<Record<string, OriginStats>>;
}

/** A call that was let through: exactly one of its methods is to be called, once; more do nothing. */
export interface BreakerPass {
  succeed(): void;
  /** With what it failed; what is no failure of the origin (`isFailure`) counts as neither. */
  fail(error: unknown): void;
  /** The call came to nothing that says how the origin is. */
  forget(): void;
}

/**
 * Circuit breakers, one for each origin: who has failed five times in a row, or too often of late, is not asked for a
 * while, which spares the origin the load and its callers the wait. Then a probe goes through, and by that it closes or
 * stays open.
 *
 * Its one event is `change`, with a `BreakerChange`. Circuits are made when first asked for; of more than `maxOrigins`
 * the closed one that was unused for longest is forgotten, and if none is closed, the one that was unused for longest.
 */
export class CircuitBreaker extends EventEmitter {
  private readonly _values: CircuitBreakerValues;
  private readonly _isFailure: (error: unknown) => boolean;
  /** In the order of last use, the longest unused first. */
  private readonly _circuits = new Map<string, Circuit>();
  private _refused = 0;

  constructor(options: BreakerOptions = {}) {
    super();
    this._values = validateOptions(CIRCUIT_BREAKER_OPTIONS, options);
    this._isFailure = options.isFailure ?? isFailureOfOrigin;
  }

  /** Calls `fn` for an origin and counts what it comes to; throws `MILLRACE_CIRCUIT_OPEN` where the circuit is open. */
  async run<T>(origin: string, fn: () => T | PromiseLike<T>): Promise<Awaited<T>> {
    const pass = this.enter(origin);
    let value: Awaited<T>;
    try {
      value = await fn();
    } catch (error) {
      pass.fail(error);
      throw error;
    }
    pass.succeed();
    return value;
  }

  /** Lets a call to an origin through; throws `MILLRACE_CIRCUIT_OPEN` where the circuit is open. */
  enter(origin: string): BreakerPass {
    const circuit = this.circuitOf(origin);
    let epoch = circuit.enter();
    if (epoch === undefined) {
      this._refused++;
      native.count(REFUSED, 1);
      throw openError(origin, circuit);
    }
    const settle = (outcome: 'success' | 'failure' | 'neither', error?: unknown): void => {
      if (epoch === undefined) return;
      const began = epoch;
      epoch = undefined;
      circuit.settle(began, outcome, error);
    };
    return {
      succeed: () => settle('success'),
      fail: (error) => settle(this._isFailure(error) ? 'failure' : 'neither', error),
      forget: () => settle('neither'),
    };
  }

  /** The state of an origin's circuit; `closed` for one that was never asked for. */
  state(origin: string): CircuitState {
    return this._circuits.get(origin)?.state ?? 'closed';
  }

  /** Closes the circuit of an origin, or of all, and forgets what was counted. */
  reset(origin?: string): void {
    if (origin !== undefined) this._circuits.get(origin)?.reset();
    else for (const circuit of this._circuits.values()) circuit.reset();
  }

  stats(): BreakerStats {
    const origins: Record<string, OriginStats> = Object.create(null) as Record<string, OriginStats>;
    const counts = { closed: 0, open: 0, 'half-open': 0 };
    for (const [origin, circuit] of this._circuits) {
      const { state, calls, failures, refused, opened } = circuit;
      counts[state]++;
      origins[origin] = { state, calls, failures, refused, opened, opensIn: circuit.opensIn() };
    }
    return {
      closed: counts.closed,
      open: counts.open,
      halfOpen: counts['half-open'],
      refused: this._refused,
      origins,
    };
  }

  private circuitOf(origin: string): Circuit {
    let circuit = this._circuits.get(origin);
    if (circuit === undefined) {
      if (this._circuits.size >= this._values.maxOrigins) this.forgetOne();
      circuit = new Circuit(this._values, ({ state, cause }, from, reason) => {
        const error = state === 'open' ? { error: cause } : null;
        tell(this, 'change', { origin, from, to: state, reason, ...error } satisfies BreakerChange);
      });
    } else {
      this._circuits.delete(origin);
    }
    this._circuits.set(origin, circuit);
    return circuit;
  }

  private forgetOne(): void {
    let victim: string | undefined;
    for (const [origin, { state }] of this._circuits) {
      victim ??= origin;
      if (state !== 'closed') continue;
      victim = origin;
      break;
    }
    if (victim !== undefined) this._circuits.delete(victim);
  }
}

/** Not what the caller got wrong, and not what it gave up. */
function isFailureOfOrigin(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return true;
  const { name, code } = error as { name?: unknown; code?: unknown };
  if (name === 'AbortError' || code === 'ABORT_ERR') return false;
  return !(error instanceof MillraceError && error.kind === 'misuse');
}

function openError(origin: string, circuit: Circuit): MillraceError {
  const opensIn = Math.ceil(circuit.opensIn());
  const when = circuit.state === 'open' ? `it is tried again in ${opensIn} ms` : 'a probe is under way';
  const message = `the circuit breaker of ${quote(origin)} is open: ${when} (the option "breaker" changes it)`;
  return new MillraceError('MILLRACE_CIRCUIT_OPEN', message, { cause: circuit.cause });
}
