// Made by scripts/generate.mjs from ts/options/http-agent.json. Do not edit.
import type { AnyFunction, OptionTable } from './table.js';

/** All options of `HttpAgent` with their defaults filled in. */
export interface HttpAgentOptionValues {
  readonly keepAlive: boolean;
  readonly keepAliveMsecs: number | null;
  readonly agentKeepAliveTimeoutBuffer: number | null;
  readonly maxSockets: number | null;
  readonly maxTotalSockets: number | null;
  readonly maxFreeSockets: number | null;
  readonly scheduling: 'fifo' | 'lifo';
  readonly timeout: number | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly socketPath: string | null;
  readonly localAddress: string | null;
  readonly family: 0 | 4 | 6;
  readonly lookup: AnyFunction | null;
  readonly noDelay: boolean;
  readonly defaultPort: number | null;
  readonly protocol: string | null;
  readonly proxy: string | object | null;
  readonly timeouts: object | null;
  readonly userTimeout: number | null;
}

export const HTTP_AGENT_OPTIONS: OptionTable<HttpAgentOptionValues> = {
  owner: 'HttpAgent',
  required: [],
  exclusive: [],
  rows: [
    { name: 'keepAlive', type: 'boolean', default: false },
    { name: 'keepAliveMsecs', type: 'number', min: 0, max: 2_147_483_647, default: null },
    { name: 'agentKeepAliveTimeoutBuffer', type: 'number', min: 0, max: 2_147_483_647, default: null },
    { name: 'maxSockets', type: 'number', min: 1, max: 9_007_199_254_740_991, default: null },
    { name: 'maxTotalSockets', type: 'number', min: 1, max: 9_007_199_254_740_991, default: null },
    { name: 'maxFreeSockets', type: 'number', min: 0, max: 9_007_199_254_740_991, default: null },
    { name: 'scheduling', type: 'enum', values: ['fifo', 'lifo'], default: 'lifo' },
    { name: 'timeout', type: 'number', min: 0, max: 2_147_483_647, default: null },
    { name: 'host', type: 'string', default: null },
    { name: 'port', type: 'integer', min: 1, max: 65_535, default: null },
    { name: 'socketPath', type: 'string', default: null },
    { name: 'localAddress', type: 'string', default: null },
    { name: 'family', type: 'enum', values: [0, 4, 6], default: 0 },
    { name: 'lookup', type: 'function', default: null },
    { name: 'noDelay', type: 'boolean', default: true },
    { name: 'defaultPort', type: 'integer', min: 1, max: 65_535, default: null },
    { name: 'protocol', type: 'string', default: null },
    { name: 'proxy', type: 'route', default: null },
    { name: 'timeouts', type: 'object', default: null },
    { name: 'userTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: null },
  ],
};
