import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';

import type { X509CrlEntryParams } from '@peculiar/x509';
import {
  AuthorityInfoAccessExtension,
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509';

type CryptoKey = webcrypto.CryptoKey;
type CryptoKeyPair = webcrypto.CryptoKeyPair;

cryptoProvider.set(webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0]);

type Kind = 'ecdsa' | 'rsa' | 'rsa1024';

const HOUR = 3_600_000;
const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const RSA = { name: 'RSASSA-PKCS1-v1_5', publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' } as const;

/** What a certificate is to be; without anything: a server's, for `localhost` and 127.0.0.1, valid now. */
export interface LeafOptions {
  /** DNS names; addresses are told by their form. */
  readonly names?: readonly string[];
  readonly commonName?: string;
  readonly kind?: Kind;
  /** In hours from now. */
  readonly from?: number;
  readonly to?: number;
  readonly purpose?: 'server' | 'client' | 'codeSigning';
  readonly hash?: 'SHA-256' | 'SHA-1';
  /** Whether it demands a staple (TLS Feature, RFC 7633). */
  readonly mustStaple?: boolean;
  /** Addresses of its OCSP responders. */
  readonly responders?: readonly string[];
  /** Gives the list of timestamps (RFC 6962 §3.3) for the signed bytes without it, and the key of the issuer. */
  readonly timestamps?: (tbs: Uint8Array, issuer: Uint8Array) => Uint8Array;
}

/** A certificate with its key, in PEM. */
export class Issued {
  /** The certificate alone. */
  readonly own: string;
  /** With those that lead to the root, which is left out. */
  readonly cert: string;
  readonly key: string;
  readonly x509: X509Certificate;
  /** The key in PKCS#8, DER. */
  readonly pkcs8: Uint8Array;

  constructor(x509: X509Certificate, between: readonly X509Certificate[], pkcs8: ArrayBuffer) {
    this.x509 = x509;
    this.own = pem(x509);
    this.cert = [x509, ...between].map(pem).join('');
    this.pkcs8 = new Uint8Array(pkcs8);
    this.key = `${PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`;
  }

  get der(): Uint8Array {
    return new Uint8Array(this.x509.rawData);
  }

  /** As `pins` has it. */
  get pin(): string {
    return pinOf(this.x509);
  }
}

/** A certificate authority: a root, or one below another. */
export class Authority {
  readonly x509: X509Certificate;
  readonly #keys: CryptoKeyPair;
  readonly #between: readonly X509Certificate[];

  private constructor(x509: X509Certificate, keys: CryptoKeyPair, between: readonly X509Certificate[]) {
    this.x509 = x509;
    this.#keys = keys;
    this.#between = between;
  }

  static async root(name = 'Test Root', kind: Kind = 'ecdsa'): Promise<Authority> {
    const keys = await makeKeys(kind);
    const extensions = await authorityExtensions(keys, keys, []);
    const x509 = await sign(`CN=${name}`, `CN=${name}`, keys.publicKey, keys, extensions, {});
    return new Authority(x509, keys, []);
  }

  /** An authority below this one; `permitted`: the only DNS names that it may vouch for. */
  async intermediate(name = 'Test Intermediate', permitted?: string): Promise<Authority> {
    const keys = await makeKeys('ecdsa');
    const more = permitted === undefined ? [] : [nameConstraints(permitted)];
    const extensions = await authorityExtensions(keys, this.#keys, more);
    const x509 = await sign(this.x509.subject, `CN=${name}`, keys.publicKey, this.#keys, extensions, {});
    return new Authority(x509, keys, [x509, ...this.#between]);
  }

  /** The certificate in PEM. */
  get cert(): string {
    return pem(this.x509);
  }

  get pin(): string {
    return pinOf(this.x509);
  }

  /** The private key in PEM. */
  async key(): Promise<string> {
    return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', this.#keys.privateKey), 'PRIVATE KEY')}\n`;
  }

  async issue(options: LeafOptions = {}): Promise<Issued> {
    const keys = await makeKeys(options.kind ?? 'ecdsa');
    const extensions = await leafExtensions(keys, this.#keys, options);
    const subject = `CN=${options.commonName ?? options.names?.[0] ?? 'localhost'}`;
    const x509 = await sign(this.x509.subject, subject, keys.publicKey, this.#keys, extensions, options);
    return new Issued(x509, this.#between, await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  }

  /** A CRL in PEM with the certificates given. */
  async crl(
    revoked: readonly Issued[] = [],
    { from = -1, to = 24 }: { from?: number; to?: number } = {},
  ): Promise<string> {
    const entries: X509CrlEntryParams[] = revoked.map(({ x509 }) => ({
      serialNumber: x509.serialNumber,
      revocationDate: new Date(Date.now() - HOUR),
    }));
    const crl = await X509CrlGenerator.create({
      issuer: this.x509.subject,
      thisUpdate: new Date(Date.now() + from * HOUR),
      nextUpdate: new Date(Date.now() + to * HOUR),
      entries,
      extensions: [
        await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
        // The CRL number, which RFC 5280 §5.2.3 wants.
        new Extension('2.5.29.20', false, new Uint8Array([2, 2, 1, ++serials & 0x7f])),
      ],
      signingAlgorithm: signing(this.#keys, 'SHA-256'),
      signingKey: this.#keys.privateKey,
    });
    return `${PemConverter.encode(crl.rawData, 'X509 CRL')}\n`;
  }
}

/** A certificate that no authority has signed. */
export async function selfSigned(options: LeafOptions = {}): Promise<Issued> {
  const keys = await makeKeys(options.kind ?? 'ecdsa');
  const name = `CN=${options.commonName ?? options.names?.[0] ?? 'localhost'}`;
  const x509 = await sign(name, name, keys.publicKey, keys, await leafExtensions(keys, keys, options), options);
  return new Issued(x509, [], await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
}

let serials = Math.floor(Math.random() * 2 ** 24);

function makeKeys(kind: Kind): Promise<CryptoKeyPair> {
  const algorithm = kind === 'ecdsa' ? EC : { ...RSA, modulusLength: kind === 'rsa' ? 2048 : 1024 };
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function signing({ privateKey }: CryptoKeyPair, hash: string): { name: string; hash: string } {
  return { name: privateKey.algorithm.name, hash };
}

async function sign(
  issuer: string,
  subject: string,
  publicKey: CryptoKey,
  by: CryptoKeyPair,
  extensions: Extension[],
  { from = -2, to = 48, hash = 'SHA-256', timestamps }: Pick<LeafOptions, 'from' | 'to' | 'hash' | 'timestamps'>,
): Promise<X509Certificate> {
  serials++;
  // SHA-1 is a matter of the key in WebCrypto, where it is RSA.
  const signingKey =
    hash === 'SHA-1' && by.privateKey.algorithm.name === RSA.name ? await withHash(by.privateKey, hash) : by.privateKey;
  const params = {
    serialNumber: `01${serials.toString(16).padStart(8, '0')}`,
    issuer,
    subject,
    notBefore: new Date(Date.now() + from * HOUR),
    notAfter: new Date(Date.now() + to * HOUR),
    publicKey,
    signingKey,
    signingAlgorithm: signing(by, hash),
    extensions,
  };
  const certificate = await X509CertificateGenerator.create(params);
  if (timestamps === undefined) return certificate;
  const issuerKey = new Uint8Array(await webcrypto.subtle.exportKey('spki', by.publicKey));
  const list = timestamps(tbsOf(new Uint8Array(certificate.rawData)), issuerKey);
  const sized = Buffer.from([4, 0x82, list.length >> 8, list.length & 0xff, ...list]);
  const embedded = new Extension('1.3.6.1.4.1.11129.2.4.2', false, list.length < 256 ? tlv(4, list) : sized);
  return X509CertificateGenerator.create({ ...params, extensions: [...extensions, embedded] });
}

/** The signed part of a certificate: the first element in its outer sequence. */
function tbsOf(certificate: Uint8Array): Uint8Array {
  const inside = certificate.subarray(headOf(certificate).size);
  const { size, length } = headOf(inside);
  return inside.subarray(0, size + length);
}

/** The size of an element's tag and length, and the length of its content. */
function headOf(bytes: Uint8Array): { size: number; length: number } {
  if (bytes[1] < 0x80) return { size: 2, length: bytes[1] };
  const digits = bytes.subarray(2, 2 + (bytes[1] & 0x7f));
  return { size: 2 + digits.length, length: digits.reduce((sum, digit) => sum * 256 + digit, 0) };
}

/** An element of less than 256 bytes. */
function tlv(tag: number, content: Uint8Array): Uint8Array {
  return Buffer.from(
    content.length < 128 ? [tag, content.length, ...content] : [tag, 0x81, content.length, ...content],
  );
}

async function withHash(key: CryptoKey, hash: string): Promise<CryptoKey> {
  const { subtle } = webcrypto;
  const bytes = await subtle.exportKey('pkcs8', key);
  return subtle.importKey('pkcs8', bytes, { name: RSA.name, hash }, true, ['sign']);
}

async function authorityExtensions(keys: CryptoKeyPair, by: CryptoKeyPair, more: Extension[]): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(true, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
    await SubjectKeyIdentifierExtension.create(keys.publicKey),
    await AuthorityKeyIdentifierExtension.create(by.publicKey),
    ...more,
  ];
}

async function leafExtensions(keys: CryptoKeyPair, by: CryptoKeyPair, options: LeafOptions): Promise<Extension[]> {
  const { names = ['localhost', '127.0.0.1'], purpose = 'server' } = options;
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([
      {
        server: ExtendedKeyUsage.serverAuth,
        client: ExtendedKeyUsage.clientAuth,
        codeSigning: ExtendedKeyUsage.codeSigning,
      }[purpose],
    ]),
    await SubjectKeyIdentifierExtension.create(keys.publicKey),
    await AuthorityKeyIdentifierExtension.create(by.publicKey),
  ];
  // RFC 7633: a sequence of the one feature status_request.
  if (options.mustStaple) extensions.push(new Extension('1.3.6.1.5.5.7.1.24', false, Buffer.of(0x30, 3, 2, 1, 5)));
  if (options.responders !== undefined) {
    extensions.push(new AuthorityInfoAccessExtension({ ocsp: [...options.responders] }));
  }
  if (names.length > 0) {
    const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name);
    extensions.push(
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isAddress(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
    );
  }
  return extensions;
}

/** RFC 5280 §4.2.1.10: permittedSubtrees with one dNSName. */
function nameConstraints(permitted: string): Extension {
  const tagged = (tag: number, content: Uint8Array): Uint8Array =>
    Buffer.concat([Buffer.of(tag, content.length), content]);
  const general = tagged(0x82, Buffer.from(permitted, 'latin1'));
  return new Extension('2.5.29.30', true, tagged(0x30, tagged(0xa0, tagged(0x30, general))));
}

function pinOf({ publicKey }: X509Certificate): string {
  return `sha256/${createHash('sha256').update(new Uint8Array(publicKey.rawData)).digest('base64')}`;
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}
