// Made by scripts/generate.mjs from ts/options/connect-timeouts.json. Do not edit.
import type { OptionTable } from './table.js';

/** Per phase. */
export interface ConnectTimeouts {
  /** For the answer of the resolver. (1…2147483647, ms, default 5000) */
  dns?: number | undefined;
  /** Until a connection is there, over all addresses. (1…2147483647, ms, default 30000) */
  connect?: number | undefined;
  /** For the TLS handshake. (1…2147483647, ms, default 10000) */
  tls?: number | undefined;
  /** For the handshake with each proxy. (1…2147483647, ms, default 30000) */
  proxy?: number | undefined;
  /** From the call until the socket is open. (1…2147483647 or null, ms, default null: no limit) */
  total?: number | null | undefined;
}

/** All options of `connect timeouts` with their defaults filled in. */
export interface ConnectTimeoutValues {
  readonly dns: number;
  readonly connect: number;
  readonly tls: number;
  readonly proxy: number;
  readonly total: number | null;
}

export const CONNECT_TIMEOUTS: OptionTable<ConnectTimeoutValues> = {
  owner: 'connect timeouts',
  required: [],
  exclusive: [],
  rows: [
    { name: 'dns', type: 'integer', min: 1, max: 2_147_483_647, default: 5_000 },
    { name: 'connect', type: 'integer', min: 1, max: 2_147_483_647, default: 30_000 },
    { name: 'tls', type: 'integer', min: 1, max: 2_147_483_647, default: 10_000 },
    { name: 'proxy', type: 'integer', min: 1, max: 2_147_483_647, default: 30_000 },
    { name: 'total', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: null },
  ],
};
