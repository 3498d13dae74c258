// Made by scripts/generate.mjs from ts/options/pool.json. Do not edit.
import type { AnyFunction, OptionTable } from './table.js';

/** All options of `ConnectionPool` with their defaults filled in. */
export interface PoolOptionValues {
  readonly maxConnections: number;
  readonly maxConnectionsPerOrigin: number;
  readonly maxQueued: number;
  readonly minIdle: number;
  readonly idleTimeout: number;
  readonly maxConnectionAge: number | null;
  readonly maxRequestsPerConnection: number | null;
  readonly validate: AnyFunction | null;
  readonly onResize: AnyFunction | null;
}

export const POOL_OPTIONS: OptionTable<PoolOptionValues> = {
  owner: 'ConnectionPool',
  required: [],
  exclusive: [],
  rows: [
    { name: 'maxConnections', type: 'integer', min: 1, max: 1_000_000, default: 1_024, reloadable: true },
    { name: 'maxConnectionsPerOrigin', type: 'integer', min: 1, max: 1_000_000, default: 128, reloadable: true },
    { name: 'maxQueued', type: 'integer', min: 0, max: 2_147_483_647, default: 10_000, reloadable: true },
    { name: 'minIdle', type: 'integer', min: 0, max: 1_000_000, default: 0, reloadable: true },
    { name: 'idleTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: 60_000, reloadable: true },
    {
      name: 'maxConnectionAge',
      type: 'integer',
      min: 1,
      max: 2_147_483_647,
      nullable: true,
      default: null,
      reloadable: true,
    },
    {
      name: 'maxRequestsPerConnection',
      type: 'integer',
      min: 1,
      max: 2_147_483_647,
      nullable: true,
      default: null,
      reloadable: true,
    },
    { name: 'validate', type: 'function', default: null, reloadable: true },
    { name: 'onResize', type: 'function', default: null, reloadable: true },
  ],
};
