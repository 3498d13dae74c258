// Made by scripts/generate.mjs from ts/options/relay.json. Do not edit.
import type { OptionTable } from './table.js';

/** How long two sockets stay joined. */
export interface RelayOptions {
  /** Without a byte either way, until both sockets are cut. (1…2147483647 or null, ms, default 300000) */
  idleTimeout?: number | null | undefined;
  /** For all of it. (1…2147483647 or null, ms, default null: no limit) */
  totalTimeout?: number | null | undefined;
  /** Aborting it cuts both sockets. */
  signal?: AbortSignal | undefined;
}

/** All options of `pipeTo` with their defaults filled in. */
export interface RelayOptionValues {
  readonly idleTimeout: number | null;
  readonly totalTimeout: number | null;
  readonly signal: AbortSignal | null;
}

export const RELAY_OPTIONS: OptionTable<RelayOptionValues> = {
  owner: 'pipeTo',
  required: [],
  exclusive: [],
  rows: [
    { name: 'idleTimeout', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: 300_000 },
    { name: 'totalTimeout', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: null },
    { name: 'signal', type: 'signal', default: null },
  ],
};
