// Made by scripts/generate.mjs from ts/options/tls-client.json. Do not edit.
import type { Material, OptionTable } from './table.js';

/** PEM or DER, as for servers. */
export interface TlsClientOptions {
  /**
   * The name that the server's certificate must have, and that it is told (SNI); without it the host that is connected
   * to.
   */
  servername?: string | undefined;
  /** The authorities by which servers are judged, in place of `roots`. */
  ca?: Material | readonly Material[] | undefined;
  /** Without `ca`: Node's roots with those of NODE_EXTRA_CA_CERTS, or the system's store. (default node) */
  roots?: 'node' | 'system' | undefined;
  /** A chain to show a server that asks for one. */
  cert?: Material | readonly Material[] | undefined;
  /** Its private key. */
  key?: Material | readonly Material[] | undefined;
  /** For an encrypted key. */
  passphrase?: string | undefined;
  /**
   * `false` lets any server pass, which is then whoever sits in between; each context warns once, and
   * `socket.tls.authorizationError` says what is wrong. (default true)
   */
  rejectUnauthorized?: boolean | undefined;
  /**
   * Keys of which the server's chain must have one: `sha256/` and the base64 of the SHA-256 of its
   * SubjectPublicKeyInfo.
   */
  pins?: readonly string[] | undefined;
  /** Whether a chain without a pinned key passes, and is only reported. (default false) */
  pinsReportOnly?: boolean | undefined;
  /** Application protocols, most preferred first. */
  ALPNProtocols?: readonly string[] | undefined;
  /** The lowest version spoken. (default TLSv1.2) */
  minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** The highest version spoken. (default TLSv1.3) */
  maxVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** Cipher suites by OpenSSL's or IANA's names, most preferred first; none: all that rustls has. */
  ciphers?: readonly string[] | undefined;
  /** Servers whose sessions are remembered for resumption; 0 for none. (0…65536, default 256) */
  sessions?: number | undefined;
  /**
   * CRLs of the authorities: files, bytes, or a folder of files. With any, every certificate of a server must be
   * covered by one.
   */
  crl?: Material | readonly Material[] | undefined;
  /** Reads the CRL files again: `{ interval, onRefresh? }`, the interval from 60 000 to 31 536 000 000 ms. */
  autoRefresh?: object | undefined;
  /**
   * Whether only the peer's own certificate is held against the CRLs, and not those of the authorities above it.
   * (default false)
   */
  crlEndEntityOnly?: boolean | undefined;
  /** Whether a certificate that no CRL covers passes. (default false) */
  allowUnknownRevocation?: boolean | undefined;
  /** Whether a CRL past its nextUpdate still counts. (default false) */
  allowExpiredCrl?: boolean | undefined;
  /**
   * What is made of the OCSP response that a server staples. `off`: it is not looked at. `must-staple`: a certificate
   * that demands one (RFC 7633) needs a good one, and one that says revoked is refused in any case. `require`: every
   * server needs a good one. (default must-staple)
   */
  ocsp?: 'off' | 'must-staple' | 'require' | undefined;
  /**
   * What is made of a certificate's timestamps of logs: nothing, a report in `socket.tls`, or a refusal where they do
   * not suffice. It needs `ctLogs`. (default off)
   */
  certificateTransparency?: 'off' | 'report' | 'require' | undefined;
  /**
   * The logs whose timestamps count: a file, bytes or text of JSON in the form of Google's `log_list.json`, version 3.
   * The package has none: an old list refuses good certificates.
   */
  ctLogs?: Material | readonly Material[] | undefined;
  /** A file to which key material is appended (SSLKEYLOGFILE), for debugging. */
  keyLogFile?: string | undefined;
}

/** All options of `TlsContext.client` with their defaults filled in. */
export interface TlsClientOptionValues {
  readonly servername: string | null;
  readonly ca: Material | readonly Material[] | null;
  readonly roots: 'node' | 'system';
  readonly cert: Material | readonly Material[] | null;
  readonly key: Material | readonly Material[] | null;
  readonly passphrase: string | null;
  readonly rejectUnauthorized: boolean;
  readonly pins: readonly string[];
  readonly pinsReportOnly: boolean;
  readonly ALPNProtocols: readonly string[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers: readonly string[];
  readonly sessions: number;
  readonly crl: Material | readonly Material[] | null;
  readonly autoRefresh: object | null;
  readonly crlEndEntityOnly: boolean;
  readonly allowUnknownRevocation: boolean;
  readonly allowExpiredCrl: boolean;
  readonly ocsp: 'off' | 'must-staple' | 'require';
  readonly certificateTransparency: 'off' | 'report' | 'require';
  readonly ctLogs: Material | readonly Material[] | null;
  readonly keyLogFile: string | null;
}

export const TLS_CLIENT_OPTIONS: OptionTable<TlsClientOptionValues> = {
  owner: 'TlsContext.client',
  required: [],
  exclusive: [],
  rows: [
    { name: 'servername', type: 'string', default: null },
    { name: 'ca', type: 'material', default: null },
    { name: 'roots', type: 'enum', values: ['node', 'system'], default: 'node' },
    { name: 'cert', type: 'material', default: null },
    { name: 'key', type: 'material', default: null },
    { name: 'passphrase', type: 'string', default: null },
    { name: 'rejectUnauthorized', type: 'boolean', default: true },
    { name: 'pins', type: 'list', default: [] },
    { name: 'pinsReportOnly', type: 'boolean', default: false },
    { name: 'ALPNProtocols', type: 'list', default: [] },
    { name: 'minVersion', type: 'enum', values: ['TLSv1.2', 'TLSv1.3'], default: 'TLSv1.2' },
    { name: 'maxVersion', type: 'enum', values: ['TLSv1.2', 'TLSv1.3'], default: 'TLSv1.3' },
    { name: 'ciphers', type: 'list', default: [] },
    { name: 'sessions', type: 'integer', min: 0, max: 65_536, default: 256 },
    { name: 'crl', type: 'material', default: null },
    { name: 'autoRefresh', type: 'object', default: null },
    { name: 'crlEndEntityOnly', type: 'boolean', default: false },
    { name: 'allowUnknownRevocation', type: 'boolean', default: false },
    { name: 'allowExpiredCrl', type: 'boolean', default: false },
    { name: 'ocsp', type: 'enum', values: ['off', 'must-staple', 'require'], default: 'must-staple' },
    { name: 'certificateTransparency', type: 'enum', values: ['off', 'report', 'require'], default: 'off' },
    { name: 'ctLogs', type: 'material', default: null },
    { name: 'keyLogFile', type: 'string', default: null },
  ],
};
