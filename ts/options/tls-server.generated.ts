// Made by scripts/generate.mjs from ts/options/tls-server.json. Do not edit.
import type { AnyFunction, Material, OptionTable } from './table.js';

/** All options of `TlsContext.server` with their defaults filled in. */
export interface TlsServerOptionValues {
  readonly cert: Material | readonly Material[] | null;
  readonly key: Material | readonly Material[] | null;
  readonly passphrase: string | null;
  readonly certificates: readonly object[] | null;
  readonly certificateFor: AnyFunction | null;
  readonly ocspResponse: Material | readonly Material[] | AnyFunction | null;
  readonly ca: Material | readonly Material[] | null;
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  readonly ALPNProtocols: readonly string[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers: readonly string[];
  readonly honorCipherOrder: boolean;
  readonly tickets: boolean;
  readonly ticketKeys: Material | readonly Material[] | null;
  readonly sessionTimeout: number;
  readonly sessionCacheSize: number;
  readonly maxEarlyData: number;
  readonly crl: Material | readonly Material[] | null;
  readonly autoRefresh: object | null;
  readonly crlEndEntityOnly: boolean;
  readonly allowUnknownRevocation: boolean;
  readonly allowExpiredCrl: boolean;
  readonly keyLogFile: string | null;
}

export const TLS_SERVER_OPTIONS: OptionTable<TlsServerOptionValues> = {
  owner: 'TlsContext.server',
  required: [['cert', 'certificates', 'certificateFor']],
  exclusive: [],
  rows: [
    { name: 'cert', type: 'material', default: null },
    { name: 'key', type: 'material', default: null },
    { name: 'passphrase', type: 'string', default: null },
    { name: 'certificates', type: 'objects', default: null },
    { name: 'certificateFor', type: 'function', default: null },
    { name: 'ocspResponse', type: 'responses', default: null },
    { name: 'ca', type: 'material', default: null },
    { name: 'requestCert', type: 'boolean', default: false },
    { name: 'rejectUnauthorized', type: 'boolean', default: true },
    { name: 'ALPNProtocols', type: 'list', default: ['http/1.1', 'http/1.0'] },
    { name: 'minVersion', type: 'enum', values: ['TLSv1.2', 'TLSv1.3'], default: 'TLSv1.2' },
    { name: 'maxVersion', type: 'enum', values: ['TLSv1.2', 'TLSv1.3'], default: 'TLSv1.3' },
    { name: 'ciphers', type: 'list', default: [] },
    { name: 'honorCipherOrder', type: 'boolean', default: true },
    { name: 'tickets', type: 'boolean', default: true },
    { name: 'ticketKeys', type: 'material', default: null },
    { name: 'sessionTimeout', type: 'integer', min: 1, max: 604_800, default: 300 },
    { name: 'sessionCacheSize', type: 'integer', min: 0, max: 1_048_576, default: 20_480 },
    { name: 'maxEarlyData', type: 'integer', min: 0, max: 1_048_576, default: 0 },
    { name: 'crl', type: 'material', default: null },
    { name: 'autoRefresh', type: 'object', default: null },
    { name: 'crlEndEntityOnly', type: 'boolean', default: false },
    { name: 'allowUnknownRevocation', type: 'boolean', default: false },
    { name: 'allowExpiredCrl', type: 'boolean', default: false },
    { name: 'keyLogFile', type: 'string', default: null },
  ],
};
