// Made by scripts/generate.mjs from ts/options/timeouts.json. Do not edit.
import type { OptionTable } from './table.js';

/** On a client for all its requests, on a request for itself. */
export interface Timeouts {
  /** Until a connection of the pool is free. (1…2147483647, ms, default 30000) */
  acquire?: number | undefined;
  /** For the answer of the resolver. (1…2147483647, ms, default 5000) */
  dns?: number | undefined;
  /** Until a connection is there, over all addresses. (1…2147483647, ms, default 30000) */
  connect?: number | undefined;
  /** For the TLS handshake. (1…2147483647, ms, default 10000) */
  tls?: number | undefined;
  /** For the handshake with a proxy. (1…2147483647, ms, default 30000) */
  proxy?: number | undefined;
  /** While the server takes no byte of the request. (1…2147483647 or null, ms, default 30000) */
  send?: number | null | undefined;
  /** From the request's last byte to the end of the response's head. (1…2147483647 or null, ms, default 300000) */
  headers?: number | null | undefined;
  /**
   * Between bytes of the response's body; it stands still while nobody reads. (1…2147483647 or null, ms, default
   * 300000)
   */
  body?: number | null | undefined;
  /** From the call to the last byte of the response's body. (1…2147483647 or null, ms, default null: no limit) */
  total?: number | null | undefined;
}

/** All options of `timeouts` with their defaults filled in. */
export interface TimeoutValues {
  readonly acquire: number;
  readonly dns: number;
  readonly connect: number;
  readonly tls: number;
  readonly proxy: number;
  readonly send: number | null;
  readonly headers: number | null;
  readonly body: number | null;
  readonly total: number | null;
}

export const TIMEOUTS: OptionTable<TimeoutValues> = {
  owner: 'timeouts',
  required: [],
  exclusive: [],
  rows: [
    { name: 'acquire', type: 'integer', min: 1, max: 2_147_483_647, default: 30_000 },
    { name: 'dns', type: 'integer', min: 1, max: 2_147_483_647, default: 5_000 },
    { name: 'connect', type: 'integer', min: 1, max: 2_147_483_647, default: 30_000 },
    { name: 'tls', type: 'integer', min: 1, max: 2_147_483_647, default: 10_000 },
    { name: 'proxy', type: 'integer', min: 1, max: 2_147_483_647, default: 30_000 },
    { name: 'send', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: 30_000 },
    { name: 'headers', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: 300_000 },
    { name: 'body', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: 300_000 },
    { name: 'total', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: null },
  ],
};
