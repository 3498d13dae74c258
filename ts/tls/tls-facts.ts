import type { X509Certificate } from 'node:crypto';

import { errorFromNative } from '../errors/native-error.js';
import type { MillraceError } from '../errors/millrace-error.js';
import { native } from '../native/loader.js';
import type { CtFacts, OcspFacts } from './evidence-facts.js';
import { ctFacts, OCSP_PARTS, ocspFacts } from './evidence-facts.js';

/** What is known of the TLS session under an exchange or a socket. */
export class TlsFacts {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** The suite, as OpenSSL and Node name it. */
  readonly cipher: string;
  /** The application protocol agreed on. */
  readonly alpn: string | null;
  /** The name that the client asked for. */
  readonly servername: string | null;
  /** Whether an earlier session was resumed. */
  readonly resumed: boolean;
  /** Whether early data was taken. */
  readonly earlyData: boolean;
  /** What is wrong with the peer's certificate, where `rejectUnauthorized: false` let it pass. */
  readonly authorizationError: MillraceError | null;
  /** What the OCSP response that the server stapled says; null where none is asked for, and in a resumed session. */
  readonly ocsp: OcspFacts | null;
  /** What the timestamps of the server's certificate come to; null where they are not judged, and in a resumed session. */
  readonly certificateTransparency: CtFacts | null;
  readonly #chain: Uint8Array[];
  #certificates: X509Certificate[] | undefined;

  /** @internal */
  constructor(parts: readonly string[], chain: Uint8Array[]) {
    const [version, cipher, alpn, servername, resumed, early, code, detail, ...evidence] = parts;
    this.version = version as 'TLSv1.2' | 'TLSv1.3';
    this.cipher = cipher;
    this.alpn = alpn || null;
    this.servername = servername || null;
    this.resumed = resumed !== '';
    this.earlyData = early !== '';
    this.authorizationError = code === '' ? null : errorFromNative(Number(code), { got: detail });
    this.ocsp = ocspFacts(evidence);
    this.certificateTransparency = ctFacts(evidence.slice(OCSP_PARTS));
    this.#chain = chain;
  }

  /** The peer's certificate; null when it showed none. */
  peerCertificate(): X509Certificate | null {
    return this.peerCertificates()[0] ?? null;
  }

  /** The peer's chain, its own certificate first. */
  peerCertificates(): readonly X509Certificate[] {
    return (this.#certificates ??= this.#chain.map((der) => new (certificateClass())(der)));
  }
}

let known: typeof X509Certificate | undefined;

/** Loaded when a certificate is looked at: it takes a part of the package's own time to load. */
function certificateClass(): typeof X509Certificate {
  return (known ??= process.getBuiltinModule('node:crypto').X509Certificate);
}

/** The facts of the session under a stream; null on a plain connection or when it is gone. */
export function tlsFactsOf(id: number): TlsFacts | null {
  const text = native.tlsFacts(id);
  if (text === '') return null;
  const chain: Uint8Array[] = [];
  for (;;) {
    const der = native.tlsCertificate(id, chain.length);
    if (der === undefined) return new TlsFacts(text.split('\0'), chain);
    chain.push(der);
  }
}
