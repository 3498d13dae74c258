import type { NativeTlsServer } from '../native/binding.js';
import type { TlsServerOptionValues } from '../options/tls-server.generated.js';
import type { LoadedCrls } from './crl-source.js';
import type { Certificate } from './identity.js';
import { loadCertificate, loadCertificates } from './identity.js';
import { keyLogOf } from './key-log.js';
import { loadMaterial } from './material.js';
import { addResponses } from './ocsp-responses.js';
import { loadTrust } from './trust.js';

/** A server's options as the native core takes them, with all files read; and where its CRLs came from. */
export async function serverOptions(
  values: TlsServerOptionValues,
): Promise<{ given: NativeTlsServer; crlPaths: LoadedCrls['paths'] }> {
  const owner = 'TlsContext.server';
  const certificates = (values.certificates ?? []) as readonly Certificate[];
  const [first, others, keys, trust] = await Promise.all([
    loadCertificates(owner, values.cert, values.key, values.passphrase),
    Promise.all(certificates.map((certificate) => loadCertificate(owner, certificate))),
    loadMaterial(values.ticketKeys, `${owner}: option 'ticketKeys'`),
    values.requestCert ? loadTrust(owner, values) : undefined,
  ]);
  const identities = [...first, ...others];
  await addResponses(owner, values, first.length, identities);
  const given = {
    identities,
    askForCertificate: values.certificateFor !== null,
    alpn: [...values.ALPNProtocols],
    minVersion: values.minVersion,
    maxVersion: values.maxVersion,
    ciphers: [...values.ciphers],
    honorCipherOrder: values.honorCipherOrder,
    requestCert: values.requestCert,
    rejectUnauthorized: values.rejectUnauthorized,
    ...(trust === undefined ? null : { trust: trust.trust }),
    tickets: values.tickets,
    ...(keys.length === 0 ? null : { ticketKeys: keys[0] }),
    sessionTimeout: values.sessionTimeout,
    sessionCacheSize: values.sessionCacheSize,
    maxEarlyData: values.maxEarlyData,
    ...(await keyLogOf(owner, values.keyLogFile)),
  };
  return { given, crlPaths: trust?.crlPaths ?? [] };
}
