import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { logRecord } from '../log/log.js';
import type { TlsClientOptionValues } from '../options/tls-client.generated.js';
import { TLS_CLIENT_OPTIONS } from '../options/tls-client.generated.js';
import type { TlsServerOptionValues } from '../options/tls-server.generated.js';
import { TLS_SERVER_OPTIONS } from '../options/tls-server.generated.js';
import { isMaterial } from '../options/shapes.js';
import type { Material } from '../options/table.js';
import { checkNames, validateOptions } from '../options/validate.js';
import { checkRefresh } from './crl-source.js';
import type { AutoRefresh } from './crl-source.js';
import type { Certificate } from './identity.js';

const CERTIFICATE_OPTIONS = new Set(['cert', 'key', 'passphrase', 'names', 'ocspResponse']);

/** Options with their defaults, and when CRLs are read again. */
export interface Checked<Values> {
  readonly values: Values;
  readonly refresh: AutoRefresh | null;
}

/**
 * Checks a server's options, each and together. What would be left out in silence is refused: CRLs of clients that are
 * not asked for a certificate, keys for tickets that are never made. Authorities that judge nobody are common where Node
 * completes chains by them: they are warned of.
 */
export function checkServerOptions(owner: string, options: object): Checked<TlsServerOptionValues> {
  const values = validateOptions<TlsServerOptionValues>(TLS_SERVER_OPTIONS, splitCiphers(options));
  for (const [place, given] of (values.certificates ?? []).entries()) {
    const where = `${owner}: option 'certificates[${place}]'`;
    checkNames(where, given, CERTIFICATE_OPTIONS);
    checkCertificate(where, given);
    const { names } = given as { names?: unknown };
    if (names !== undefined && !areNames(names)) {
      throw misuse(
        'MILLRACE_INVALID_ARGUMENT',
        `${where} must have an array of strings as 'names', got ${describeValue(names)}`,
      );
    }
  }
  if (values.cert === null && values.key !== null) throw unfit(owner, "option 'key' needs 'cert'");
  if (values.crl !== null && !values.requestCert) {
    throw unfit(owner, "option 'crl' needs 'requestCert': CRLs of a server are about its clients");
  }
  if (values.ca !== null && !values.requestCert && !hasResponses(values)) {
    const why = "is not read without 'requestCert' or 'ocspResponse'; intermediates of a chain belong to 'cert'";
    logRecord('warn', 'tls', `${owner}: option 'ca' ${why}`, {});
  }
  if (values.ticketKeys !== null && lengthOf(values.ticketKeys) !== 1) {
    throw unfit(owner, `option 'ticketKeys' must be one secret, got ${lengthOf(values.ticketKeys)}`);
  }
  if (values.ticketKeys !== null && !values.tickets) {
    throw unfit(owner, "option 'ticketKeys' cannot be used with 'tickets: false'");
  }
  if (values.maxEarlyData > 0) checkEarlyData(owner, values);
  return { values, refresh: checkRefresh(owner, values.autoRefresh, values.crl) };
}

/** Whether a certificate of a server has OCSP responses, or may come with one later. */
function hasResponses({ ocspResponse, certificates, certificateFor }: TlsServerOptionValues): boolean {
  const others = (certificates ?? []) as readonly Certificate[];
  return ocspResponse !== null || certificateFor !== null || others.some((each) => each.ocspResponse !== undefined);
}

/** Early data needs what guards it against being replayed: sessions of TLS 1.3 that are in the cache, once each. */
function checkEarlyData(owner: string, values: TlsServerOptionValues): void {
  const without = (why: string): TypeError => unfit(owner, `option 'maxEarlyData' ${why}`);
  if (values.ticketKeys !== null) throw without("cannot be used with 'ticketKeys': a ticket could be replayed");
  if (values.sessionCacheSize === 0) throw without("needs a cache of sessions, got 'sessionCacheSize: 0'");
  if (values.maxVersion === 'TLSv1.2') throw without("needs TLS 1.3, got 'maxVersion: TLSv1.2'");
}

/** Checks a client's options, each and together. */
export function checkClientOptions(owner: string, options: object): Checked<TlsClientOptionValues> {
  const values = validateOptions<TlsClientOptionValues>(TLS_CLIENT_OPTIONS, splitCiphers(options));
  if (values.cert === null && values.key !== null) throw unfit(owner, "option 'key' needs 'cert'");
  if (values.cert !== null && lengthOf(values.cert) !== 1) {
    throw unfit(owner, `option 'cert' of a client must be one chain, got ${lengthOf(values.cert)}`);
  }
  return { values, refresh: checkRefresh(owner, values.autoRefresh, values.crl) };
}

/** Checks the form of one certificate with its key. */
export function checkCertificate(where: string, given: unknown): void {
  const refuse = (what: string, value: unknown): TypeError =>
    misuse('MILLRACE_INVALID_ARGUMENT', `${where} ${what}, got ${describeValue(value)}`);
  if (typeof given !== 'object' || given === null) throw refuse('must be { cert, key }', given);
  const { cert, key, passphrase, ocspResponse } = given as Record<string, unknown>;
  for (const [name, value] of Object.entries({ cert, key })) {
    if (!isMaterial(value)) throw refuse(`needs a '${name}' as PEM text, the name of a file or bytes`, value);
  }
  if (passphrase !== undefined && typeof passphrase !== 'string') {
    throw refuse("must have a string as 'passphrase'", passphrase);
  }
  if (ocspResponse !== undefined && typeof ocspResponse !== 'function' && !isMaterial(ocspResponse)) {
    throw refuse("must have bytes, the name of a file or a function as 'ocspResponse'", ocspResponse);
  }
}

/** Node has suites as one text with colons. */
function splitCiphers(options: object): object {
  const { ciphers } = (options as { ciphers?: unknown } | null | undefined) ?? {};
  return typeof ciphers === 'string' ? { ...options, ciphers: ciphers.split(':') } : options;
}

function areNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && Array.from(value).every((name) => typeof name === 'string');
}

function lengthOf(given: Material | readonly Material[]): number {
  return Array.isArray(given) ? given.length : 1;
}

function unfit(owner: string, why: string): TypeError {
  return misuse('MILLRACE_TLS_INVALID_CONFIGURATION', `${owner}: ${why}`);
}
