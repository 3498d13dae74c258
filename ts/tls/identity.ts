import { misuse } from '../errors/millrace-error.js';
import type { NativeIdentity } from '../native/binding.js';
import type { Material } from '../options/table.js';
import { loadMaterial, loadPiece } from './material.js';
import type { OcspSource } from './ocsp-stapler.js';

/** A certificate chain with its key. */
export interface Certificate {
  /** The chain, its own certificate first. */
  cert: Material;
  key: Material;
  /** For an encrypted key. */
  passphrase?: string | undefined;
  /** In place of the certificate's own names: whole, or with `*.` first. */
  names?: readonly string[] | undefined;
  /**
   * An OCSP response in DER to staple until it ends, or who gets them, again and again: `fetchOcsp`, for instance. The
   * chain must have the issuer.
   */
  ocspResponse?: Material | OcspSource | undefined;
}

/** Reads one certificate with its key. */
export async function loadCertificate(owner: string, given: Certificate): Promise<NativeIdentity> {
  const [chain, key] = await Promise.all([
    loadPiece(given.cert, `${owner}: 'cert' of a certificate`),
    loadPiece(given.key, `${owner}: 'key' of a certificate`),
  ]);
  const response = typeof given.ocspResponse === 'function' ? undefined : given.ocspResponse;
  return {
    chain,
    key: await plainKey(owner, key, given.passphrase ?? null),
    ...(response === undefined
      ? null
      : { ocsp: await loadPiece(response, `${owner}: 'ocspResponse' of a certificate`) }),
    ...(given.names === undefined ? null : { names: [...given.names] }),
  };
}

/** Reads certificates and keys that were given as lists, in the same order. */
export async function loadCertificates(
  owner: string,
  cert: Material | readonly Material[] | null,
  key: Material | readonly Material[] | null,
  passphrase: string | null,
): Promise<NativeIdentity[]> {
  if (cert === null) return [];
  const [chains, keys] = await Promise.all([
    loadMaterial(cert, `${owner}: option 'cert'`),
    loadMaterial(key, `${owner}: option 'key'`),
  ]);
  if (chains.length !== keys.length) {
    const message = `${owner}: options 'cert' and 'key' must come in pairs, got ${chains.length} and ${keys.length}`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  return Promise.all(
    chains.map(async (chain, place) => ({ chain, key: await plainKey(owner, keys[place], passphrase) })),
  );
}

/** An encrypted key is opened by node:crypto; the native core takes plain ones. */
async function plainKey(owner: string, key: Uint8Array, passphrase: string | null): Promise<Uint8Array> {
  const text = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1', 0, 4096);
  if (!text.includes('ENCRYPTED') && !(passphrase !== null && !text.includes('-----BEGIN'))) return key;
  if (passphrase === null) {
    throw misuse('MILLRACE_TLS_INVALID_CONFIGURATION', `${owner}: the private key is encrypted: give 'passphrase'`);
  }
  const { createPrivateKey } = await import('node:crypto');
  try {
    const isText = text.includes('-----BEGIN');
    const opened = createPrivateKey(
      isText
        ? { key: Buffer.from(key), format: 'pem', passphrase }
        : { key: Buffer.from(key), format: 'der', type: 'pkcs8', passphrase },
    );
    return opened.export({ type: 'pkcs8', format: 'der' });
  } catch (cause) {
    const message = `${owner}: the private key cannot be opened with this 'passphrase'`;
    throw misuse('MILLRACE_TLS_INVALID_CONFIGURATION', message, { cause });
  }
}
