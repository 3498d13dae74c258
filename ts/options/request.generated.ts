// Made by scripts/generate.mjs from ts/options/request.json. Do not edit.
import type { AnyFunction, OptionTable } from './table.js';

/** All options of `request` with their defaults filled in. */
export interface RequestOptionValues {
  readonly method: string;
  readonly body: object | null;
  readonly query: object | null;
  readonly signal: AbortSignal | null;
  readonly headers: object | null;
  readonly timeouts: object | null;
  readonly proxy: string | object | null;
  readonly isolationKey: string | null;
  readonly idempotent: boolean | null;
  readonly maxRedirects: number | null;
  readonly maxResponseSize: number | null;
  readonly maxMemoryPerRequest: number | null;
  readonly decompress: boolean | null;
  readonly maxExpansion: number | null;
  readonly retry: boolean | object | null;
  readonly throwOnError: boolean | null;
  readonly traceparent: boolean | null;
  readonly expectContinue: number | null;
  readonly onInformational: AnyFunction | null;
}

export const REQUEST_OPTIONS: OptionTable<RequestOptionValues> = {
  owner: 'request',
  required: [],
  exclusive: [],
  rows: [
    { name: 'method', type: 'string', default: 'GET' },
    { name: 'body', type: 'object', default: null },
    { name: 'query', type: 'object', default: null },
    { name: 'signal', type: 'signal', default: null },
    { name: 'headers', type: 'object', default: null },
    { name: 'timeouts', type: 'object', default: null },
    { name: 'proxy', type: 'route', default: null },
    { name: 'isolationKey', type: 'string', default: null },
    { name: 'idempotent', type: 'boolean', default: null },
    { name: 'maxRedirects', type: 'integer', min: 0, max: 1_000, default: null },
    { name: 'maxResponseSize', type: 'integer', min: 0, max: 9_007_199_254_740_991, nullable: true, default: null },
    {
      name: 'maxMemoryPerRequest',
      type: 'integer',
      min: 1_024,
      max: 9_007_199_254_740_991,
      nullable: true,
      default: null,
    },
    { name: 'decompress', type: 'boolean', default: null },
    { name: 'maxExpansion', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: null },
    { name: 'retry', type: 'settings', default: null },
    { name: 'throwOnError', type: 'boolean', default: null },
    { name: 'traceparent', type: 'boolean', default: null },
    { name: 'expectContinue', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: null },
    { name: 'onInformational', type: 'function', default: null },
  ],
};
