// Made by scripts/generate.mjs from ts/options/client.json. Do not edit.
import type { AnyFunction, OptionTable } from './table.js';

/** All options of `Client` with their defaults filled in. */
export interface ClientOptionValues {
  readonly headers: object | null;
  readonly timeouts: object | null;
  readonly proxy: string | object | null;
  readonly isolationKey: string | null;
  readonly idempotent: boolean | null;
  readonly maxRedirects: number;
  readonly maxResponseSize: number | null;
  readonly maxMemoryPerRequest: number | null;
  readonly decompress: boolean;
  readonly maxExpansion: number | null;
  readonly retry: boolean | object;
  readonly throwOnError: boolean;
  readonly expectContinue: number | null;
  readonly onInformational: AnyFunction | null;
  readonly traceparent: boolean;
  readonly pool: object | null;
  readonly pipelining: number;
  readonly maxHeaderSize: number;
  readonly maxHeaderFields: number;
  readonly tls: boolean | object | null;
  readonly family: 0 | 4 | 6;
  readonly resolver: object | AnyFunction | null;
  readonly localAddress: string | null;
  readonly socketPath: string | null;
  readonly auth: object | AnyFunction | null;
  readonly jar: object | null;
  readonly breaker: boolean | object;
  readonly dispatch: AnyFunction | null;
  readonly origins: object | null;
}

export const CLIENT_OPTIONS: OptionTable<ClientOptionValues> = {
  owner: 'Client',
  required: [],
  exclusive: [],
  rows: [
    { name: 'headers', type: 'object', default: null },
    { name: 'timeouts', type: 'object', default: null },
    { name: 'proxy', type: 'route', default: null },
    { name: 'isolationKey', type: 'string', default: null },
    { name: 'idempotent', type: 'boolean', default: null },
    { name: 'maxRedirects', type: 'integer', min: 0, max: 1_000, default: 10 },
    {
      name: 'maxResponseSize',
      type: 'integer',
      min: 0,
      max: 9_007_199_254_740_991,
      nullable: true,
      default: 10_485_760,
    },
    {
      name: 'maxMemoryPerRequest',
      type: 'integer',
      min: 1_024,
      max: 9_007_199_254_740_991,
      nullable: true,
      default: null,
    },
    { name: 'decompress', type: 'boolean', default: true },
    { name: 'maxExpansion', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: 1_000 },
    { name: 'retry', type: 'settings', default: false },
    { name: 'throwOnError', type: 'boolean', default: false },
    { name: 'expectContinue', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: null },
    { name: 'onInformational', type: 'function', default: null },
    { name: 'traceparent', type: 'boolean', default: false },
    { name: 'pool', type: 'object', default: null },
    { name: 'pipelining', type: 'integer', min: 1, max: 1_024, default: 1 },
    { name: 'maxHeaderSize', type: 'integer', min: 256, max: 16_777_216, default: 65_536 },
    { name: 'maxHeaderFields', type: 'integer', min: 1, max: 65_536, default: 128 },
    { name: 'tls', type: 'settings', default: null },
    { name: 'family', type: 'enum', values: [0, 4, 6], default: 0 },
    { name: 'resolver', type: 'service', default: null },
    { name: 'localAddress', type: 'string', default: null },
    { name: 'socketPath', type: 'string', default: null },
    { name: 'auth', type: 'service', default: null },
    { name: 'jar', type: 'object', default: null },
    { name: 'breaker', type: 'settings', default: false },
    { name: 'dispatch', type: 'function', default: null },
    { name: 'origins', type: 'object', default: null },
  ],
};
