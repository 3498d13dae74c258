// Made by scripts/generate.mjs from ts/options/reconnect.json. Do not edit.
import type { AnyFunction, OptionTable } from './table.js';

/** All options of `reconnect` with their defaults filled in. */
export interface ReconnectOptionValues {
  readonly minDelay: number;
  readonly maxDelay: number;
  readonly factor: number;
  readonly jitter: 'full' | 'none';
  readonly attempts: number | null;
  readonly stableAfter: number;
  readonly maxBuffered: number;
  readonly onConnect: AnyFunction | null;
  readonly onData: AnyFunction | null;
  readonly signal: AbortSignal | null;
}

export const RECONNECT_OPTIONS: OptionTable<ReconnectOptionValues> = {
  owner: 'reconnect',
  required: [],
  exclusive: [],
  rows: [
    { name: 'minDelay', type: 'integer', min: 0, max: 2_147_483_647, default: 100 },
    { name: 'maxDelay', type: 'integer', min: 0, max: 2_147_483_647, default: 30_000 },
    { name: 'factor', type: 'number', min: 1, max: 100, default: 2 },
    { name: 'jitter', type: 'enum', values: ['full', 'none'], default: 'full' },
    { name: 'attempts', type: 'integer', min: 1, max: 1_000_000_000, nullable: true, default: null },
    { name: 'stableAfter', type: 'integer', min: 0, max: 2_147_483_647, default: 5_000 },
    { name: 'maxBuffered', type: 'integer', min: 0, max: 1_073_741_824, default: 0 },
    { name: 'onConnect', type: 'function', default: null },
    { name: 'onData', type: 'function', default: null },
    { name: 'signal', type: 'signal', default: null },
  ],
};
