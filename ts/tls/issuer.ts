import type { X509Certificate } from 'node:crypto';

import { misuse } from '../errors/millrace-error.js';

/** A certificate and who issued it. */
export interface IssuedBy {
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The first certificate of a chain and its issuer, which is looked for in the chain, then among the authorities. */
export function issuedBy(owner: string, chain: Uint8Array, authorities: readonly Uint8Array[]): IssuedBy {
  const [certificate, ...others] = certificatesOf(chain);
  const isIssuer = (other: X509Certificate): boolean =>
    certificate.checkIssued(other) && certificate.verify(other.publicKey);
  const issuer = others.find(isIssuer) ?? authorities.flatMap(certificatesOf).find(isIssuer);
  if (issuer === undefined) {
    const whose = `the certificate "${nameOf(certificate)}"`;
    const message = `${owner}: option 'ocspResponse' needs the issuer of ${whose} in 'cert' or 'ca'`;
    throw misuse('MILLRACE_TLS_INVALID_CONFIGURATION', message);
  }
  return { certificate, issuer };
}

/** A name in one line. */
export function nameOf(certificate: X509Certificate): string {
  return certificate.subject.split('\n').join(', ');
}

/** Reads PEM, of which there may be several, or DER. */
function certificatesOf(bytes: Uint8Array): X509Certificate[] {
  const { X509Certificate: Certificate } = process.getBuiltinModule('node:crypto');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const blocks = text.match(BLOCK) ?? [bytes];
  try {
    return blocks.map((block) => new Certificate(block));
  } catch (cause) {
    throw misuse('MILLRACE_TLS_INVALID_CONFIGURATION', 'a certificate is malformed', { cause });
  }
}
