import { misuse } from '../errors/millrace-error.js';
import type { NativeIdentity } from '../native/binding.js';
import type { TlsServerOptionValues } from '../options/tls-server.generated.js';
import { issuedBy } from './issuer.js';
import { loadMaterial } from './material.js';

/**
 * Adds to identities the OCSP responses that were given as bytes, and the issuers by which responses are checked; the
 * first `pairs` of them are those of `cert`.
 */
export async function addResponses(
  owner: string,
  { ocspResponse, ca }: TlsServerOptionValues,
  pairs: number,
  identities: readonly NativeIdentity[],
): Promise<void> {
  const isSource = typeof ocspResponse === 'function';
  const responses = isSource ? [] : await loadMaterial(ocspResponse);
  if (responses.length > pairs) {
    const got = `got ${responses.length} for ${pairs}`;
    const message = `${owner}: option 'ocspResponse' must have no more responses than 'cert' has certificates, ${got}`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  for (const [place, response] of responses.entries()) identities[place].ocsp = response;
  const authorities = await loadMaterial(ca);
  for (const identity of identities) {
    // Where a function gets them too: an issuer that is missing is told before anything is made or replaced.
    if (!isSource && identity.ocsp === undefined) continue;
    identity.issuer = issuedBy(owner, identity.chain, authorities).issuer.raw;
  }
}
