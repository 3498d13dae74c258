import type { NativeTrust } from '../native/binding.js';
import type { Material } from '../options/table.js';
import { loadMaterial } from './material.js';
import type { LoadedCrls } from './crl-source.js';
import { loadCrls } from './crl-source.js';

interface TrustValues {
  readonly ca: Material | readonly Material[] | null;
  readonly crl: Material | readonly Material[] | null;
  readonly crlEndEntityOnly: boolean;
  readonly allowUnknownRevocation: boolean;
  readonly allowExpiredCrl: boolean;
  readonly roots?: 'node' | 'system';
}

/** Whom to trust: what the caller gave, or a store of roots; and where its CRLs came from. */
export async function loadTrust(
  owner: string,
  values: TrustValues,
): Promise<{ trust: NativeTrust; crlPaths: LoadedCrls['paths'] }> {
  const [own, crls] = await Promise.all([
    loadMaterial(values.ca, `${owner}: option 'ca'`),
    loadCrls(values.crl, `${owner}: option 'crl'`),
  ]);
  const ca = values.ca === null ? await storedRoots(values.roots ?? 'node') : own;
  const trust = {
    ca,
    // A store holds what one cannot change, also certificates that rustls does not take.
    skipUnusableCa: values.ca === null,
    crls: crls.bytes,
    crlEndEntityOnly: values.crlEndEntityOnly,
    allowUnknownRevocation: values.allowUnknownRevocation,
    allowExpiredCrls: values.allowExpiredCrl,
  };
  return { trust, crlPaths: crls.paths };
}

type Tls = typeof import('node:tls') & { getCACertificates?(type: string): string[] };

let bundled: Promise<Uint8Array[]> | undefined;

function storedRoots(roots: 'node' | 'system'): Promise<Uint8Array[]> {
  return roots === 'system' ? systemRoots() : (bundled ??= nodeRoots());
}

/** Node's list with what NODE_EXTRA_CA_CERTS adds. */
async function nodeRoots(): Promise<Uint8Array[]> {
  const tls = (await import('node:tls')) as Tls;
  const bytes = (list: readonly string[]) => list.map((pem) => Buffer.from(pem, 'latin1'));
  if (tls.getCACertificates !== undefined) return bytes(tls.getCACertificates('default'));
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  const roots = bytes(tls.rootCertificates);
  return extra === undefined || extra === ''
    ? roots
    : [...roots, ...(await loadMaterial(extra, 'NODE_EXTRA_CA_CERTS').catch(() => []))];
}

/** Where the systems keep theirs; the first that is there. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

async function systemRoots(): Promise<Uint8Array[]> {
  const tls = (await import('node:tls')) as Tls;
  if (tls.getCACertificates !== undefined) {
    const found = tls.getCACertificates('system');
    if (found.length > 0) return found.map((pem) => Buffer.from(pem, 'latin1'));
  }
  const named = process.env.SSL_CERT_FILE;
  for (const path of named === undefined || named === '' ? SYSTEM_FILES : [named]) {
    const found = await loadMaterial(path, 'SSL_CERT_FILE').catch(() => undefined);
    if (found !== undefined) return found;
  }
  return [];
}
