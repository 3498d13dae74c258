// Made by scripts/generate.mjs from ts/options/connect.json. Do not edit.
import type { AnyFunction, OptionTable } from './table.js';

/** All options of `connect` with their defaults filled in. */
export interface ConnectOptionValues {
  readonly host: string;
  readonly port: number | null;
  readonly path: string | null;
  readonly over: object | null;
  readonly family: 0 | 4 | 6;
  readonly resolver: object | AnyFunction | null;
  readonly localAddress: string | null;
  readonly proxy: string | object | null;
  readonly tls: boolean | object;
  readonly timeouts: object | null;
  readonly signal: AbortSignal | null;
  readonly noDelay: boolean;
  readonly keepAlive: boolean | object;
  readonly userTimeout: number | null;
  readonly fastOpen: boolean;
}

export const CONNECT_OPTIONS: OptionTable<ConnectOptionValues> = {
  owner: 'connect',
  required: [['port', 'path', 'over']],
  exclusive: [['port', 'path'], ['host', 'path'], ['port', 'over'], ['path', 'over'], ['path', 'proxy']],
  rows: [
    { name: 'host', type: 'string', default: 'localhost' },
    { name: 'port', type: 'integer', min: 1, max: 65_535, default: null },
    { name: 'path', type: 'string', default: null },
    { name: 'over', type: 'object', default: null },
    { name: 'family', type: 'enum', values: [0, 4, 6], default: 0 },
    { name: 'resolver', type: 'service', default: null },
    { name: 'localAddress', type: 'string', default: null },
    { name: 'proxy', type: 'route', default: null },
    { name: 'tls', type: 'settings', default: false },
    { name: 'timeouts', type: 'object', default: null },
    { name: 'signal', type: 'signal', default: null },
    { name: 'noDelay', type: 'boolean', default: true },
    { name: 'keepAlive', type: 'settings', default: true },
    { name: 'userTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: null },
    { name: 'fastOpen', type: 'boolean', default: false },
  ],
};
