// Made by scripts/generate.mjs from ts/options/https-agent.json. Do not edit.
import type { OptionTable } from './table.js';

/** All options of `HttpsAgent` with their defaults filled in. */
export interface HttpsAgentOptionValues {
  readonly maxCachedSessions: number | null;
  readonly tls: object | null;
  readonly ca: unknown;
  readonly cert: unknown;
  readonly key: unknown;
  readonly passphrase: unknown;
  readonly crl: unknown;
  readonly rejectUnauthorized: unknown;
  readonly servername: unknown;
  readonly ciphers: unknown;
  readonly minVersion: unknown;
  readonly maxVersion: unknown;
  readonly ALPNProtocols: unknown;
  readonly checkServerIdentity: unknown;
  readonly pfx: unknown;
  readonly secureContext: unknown;
  readonly secureProtocol: unknown;
  readonly sigalgs: unknown;
  readonly ecdhCurve: unknown;
  readonly pskCallback: unknown;
  readonly requestOCSP: unknown;
  readonly privateKeyEngine: unknown;
  readonly privateKeyIdentifier: unknown;
  readonly clientCertEngine: unknown;
  readonly allowPartialTrustChain: unknown;
}

export const HTTPS_AGENT_OPTIONS: OptionTable<HttpsAgentOptionValues> = {
  owner: 'HttpsAgent',
  required: [],
  exclusive: [],
  rows: [
    { name: 'maxCachedSessions', type: 'number', min: 0, max: 9_007_199_254_740_991, default: null },
    { name: 'tls', type: 'object', default: null },
    { name: 'ca', type: 'any', default: null },
    { name: 'cert', type: 'any', default: null },
    { name: 'key', type: 'any', default: null },
    { name: 'passphrase', type: 'any', default: null },
    { name: 'crl', type: 'any', default: null },
    { name: 'rejectUnauthorized', type: 'any', default: null },
    { name: 'servername', type: 'any', default: null },
    { name: 'ciphers', type: 'any', default: null },
    { name: 'minVersion', type: 'any', default: null },
    { name: 'maxVersion', type: 'any', default: null },
    { name: 'ALPNProtocols', type: 'any', default: null },
    { name: 'checkServerIdentity', type: 'any', default: null },
    { name: 'pfx', type: 'any', default: null },
    { name: 'secureContext', type: 'any', default: null },
    { name: 'secureProtocol', type: 'any', default: null },
    { name: 'sigalgs', type: 'any', default: null },
    { name: 'ecdhCurve', type: 'any', default: null },
    { name: 'pskCallback', type: 'any', default: null },
    { name: 'requestOCSP', type: 'any', default: null },
    { name: 'privateKeyEngine', type: 'any', default: null },
    { name: 'privateKeyIdentifier', type: 'any', default: null },
    { name: 'clientCertEngine', type: 'any', default: null },
    { name: 'allowPartialTrustChain', type: 'any', default: null },
  ],
};
