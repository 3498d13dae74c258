// Made by scripts/generate.mjs from ts/options/circuit-breaker.json. Do not edit.
import type { AnyFunction, OptionTable } from './table.js';

/** All options of `CircuitBreaker` with their defaults filled in. */
export interface CircuitBreakerValues {
  readonly failures: number | null;
  readonly failureRate: number | null;
  readonly minCalls: number;
  readonly window: number;
  readonly openFor: number;
  readonly probes: number;
  readonly successes: number;
  readonly maxOrigins: number;
  readonly isFailure: AnyFunction | null;
}

export const CIRCUIT_BREAKER_OPTIONS: OptionTable<CircuitBreakerValues> = {
  owner: 'CircuitBreaker',
  required: [],
  exclusive: [],
  rows: [
    { name: 'failures', type: 'integer', min: 1, max: 1_000_000, nullable: true, default: 5 },
    { name: 'failureRate', type: 'number', min: 0.01, max: 1, nullable: true, default: 0.5 },
    { name: 'minCalls', type: 'integer', min: 1, max: 1_000_000, default: 20 },
    { name: 'window', type: 'integer', min: 100, max: 3_600_000, default: 10_000 },
    { name: 'openFor', type: 'integer', min: 1, max: 2_147_483_647, default: 30_000 },
    { name: 'probes', type: 'integer', min: 1, max: 1_000, default: 1 },
    { name: 'successes', type: 'integer', min: 1, max: 1_000, default: 1 },
    { name: 'maxOrigins', type: 'integer', min: 1, max: 1_000_000, default: 1_000 },
    { name: 'isFailure', type: 'function', default: null },
  ],
};
