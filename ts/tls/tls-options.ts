import type { AutoRefresh } from './crl-source.js';
import type { Certificate } from './identity.js';
import type { OcspSource } from './ocsp-stapler.js';
import type { Material } from '../options/table.js';

export type { TlsClientOptions } from '../options/tls-client.generated.js';

/** What a client said before it was shown a certificate. */
export interface ClientHello {
  /** Application protocols that it offers, most preferred first. */
  alpn: string[];
  /** Whether it can verify ECDSA signatures; one that cannot needs an RSA certificate. */
  ecdsa: boolean;
}

/** A server's certificates and rules; docs/options.md has ranges and defaults. PEM or DER, files or bytes. */
export interface TlsServerOptions {
  /** The chain; with several, as many keys in the same order. */
  cert?: Material | readonly Material[] | undefined;
  key?: Material | readonly Material[] | undefined;
  /** For encrypted keys. */
  passphrase?: string | undefined;
  /** Further certificates, with names in place of their own where given. */
  certificates?: readonly Certificate[] | undefined;
  /** Asked for a server name that no certificate has; nothing stands for the default. */
  certificateFor?(
    servername: string | null,
    hello: ClientHello,
  ): Certificate | null | undefined | Promise<Certificate | null | undefined>;
  /** OCSP responses to staple, in the order of `cert`, or who gets them: `fetchOcsp`, for instance. */
  ocspResponse?: Material | readonly Material[] | OcspSource | undefined;
  /** The authorities by which clients are judged. */
  ca?: Material | readonly Material[] | undefined;
  requestCert?: boolean | undefined;
  rejectUnauthorized?: boolean | undefined;
  ALPNProtocols?: readonly string[] | undefined;
  minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  maxVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  ciphers?: readonly string[] | undefined;
  honorCipherOrder?: boolean | undefined;
  tickets?: boolean | undefined;
  /** 48 secret bytes that a fleet shares. */
  ticketKeys?: Material | undefined;
  /** In seconds. */
  sessionTimeout?: number | undefined;
  sessionCacheSize?: number | undefined;
  /** In bytes; 0: none. */
  maxEarlyData?: number | undefined;
  crl?: Material | readonly Material[] | undefined;
  autoRefresh?: AutoRefresh | undefined;
  crlEndEntityOnly?: boolean | undefined;
  allowUnknownRevocation?: boolean | undefined;
  allowExpiredCrl?: boolean | undefined;
  /** For debugging: whoever reads it can read the traffic. */
  keyLogFile?: string | undefined;
}
