import type { NativeTlsClient } from '../native/binding.js';
import type { TlsClientOptionValues } from '../options/tls-client.generated.js';
import type { LoadedCrls } from './crl-source.js';
import { loadCtLogs } from './ct-logs.js';
import { loadCertificates } from './identity.js';
import { keyLogOf } from './key-log.js';
import { loadTrust } from './trust.js';

/** A client's options as the native core takes them, with all files read; and where its CRLs came from. */
export async function clientOptions(
  owner: string,
  values: TlsClientOptionValues,
): Promise<{ given: NativeTlsClient; crlPaths: LoadedCrls['paths'] }> {
  const identities = await loadCertificates(owner, values.cert, values.key, values.passphrase);
  const ctLogs = await loadCtLogs(values.ctLogs, `${owner}: option 'ctLogs'`);
  const { trust, crlPaths } = await loadTrust(owner, values);
  const given = {
    trust,
    ...(values.servername === null ? null : { servername: values.servername }),
    rejectUnauthorized: values.rejectUnauthorized,
    pins: [...values.pins],
    pinsReportOnly: values.pinsReportOnly,
    ocsp: values.ocsp,
    certificateTransparency: values.certificateTransparency,
    ctLogs,
    ...(identities.length === 0 ? null : { identity: identities[0] }),
    alpn: [...values.ALPNProtocols],
    minVersion: values.minVersion,
    maxVersion: values.maxVersion,
    ciphers: [...values.ciphers],
    sessions: values.sessions,
    earlyData: false,
    ...(await keyLogOf(owner, values.keyLogFile)),
  };
  return { given, crlPaths };
}
