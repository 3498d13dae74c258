import { misuse } from '../errors/millrace-error.js';
import type { NativeIdentity, NativeStaple } from '../native/binding.js';
import { native } from '../native/loader.js';
import type { TlsServerOptionValues } from '../options/tls-server.generated.js';
import { accepted } from './accepted.js';
import type { Certificate } from './identity.js';
import { issuedBy } from './issuer.js';
import { loadMaterial } from './material.js';
import type { OcspSource, Stapled } from './ocsp-stapler.js';

/** Who gets the responses of a server's certificates, place by place: those of `cert`, then those of `certificates`. */
export function sourcesOf(
  { ocspResponse, certificates }: TlsServerOptionValues,
  count: number,
): (OcspSource | undefined)[] {
  const others = (certificates ?? []) as readonly Certificate[];
  const pairs = count - others.length;
  return Array.from({ length: count }, (_, place) => {
    const own = place < pairs ? undefined : others[place - pairs].ocspResponse;
    if (typeof own === 'function') return own;
    return typeof ocspResponse === 'function' ? (ocspResponse as OcspSource) : undefined;
  });
}

/**
 * Adds to identities the OCSP responses that were given as bytes, and the issuers by which responses are checked; the
 * first `pairs` of them are those of `cert`.
 */
export async function addResponses(
  owner: string,
  values: TlsServerOptionValues,
  pairs: number,
  identities: readonly NativeIdentity[],
): Promise<void> {
  const { ocspResponse, ca } = values;
  const responses =
    typeof ocspResponse === 'function' ? [] : await loadMaterial(ocspResponse, `${owner}: option 'ocspResponse'`);
  if (responses.length > 0 && responses.length !== pairs) {
    const got = `got ${responses.length} for ${pairs}`;
    const message = `${owner}: option 'ocspResponse' must have as many responses as 'cert' has certificates, ${got}`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  for (const [place, response] of responses.entries()) identities[place].ocsp = response;
  const authorities = await loadMaterial(ca, `${owner}: option 'ca'`);
  const sources = sourcesOf(values, identities.length);
  for (const [place, identity] of identities.entries()) {
    // Where a function gets them too: an issuer that is missing is told before anything is made or replaced.
    if (sources[place] === undefined && identity.ocsp === undefined) continue;
    identity.issuer = issuedBy(owner, identity.chain, authorities).issuer.raw;
  }
}

/** Those of a context's certificates whose responses a function gets; their issuers have been added. */
export function stapledOf(
  context: number,
  values: TlsServerOptionValues,
  identities: readonly NativeIdentity[],
): Stapled[] {
  return sourcesOf(values, identities.length).flatMap((source, place) => {
    const { chain, issuer } = identities[place];
    if (source === undefined || issuer === undefined) return [];
    const staple = (response: Uint8Array): NativeStaple =>
      accepted(native.tlsStaple(context, place, issuer, response)) as NativeStaple;
    return [{ ...issuedBy('TlsContext.server', chain, [issuer]), chain, source, staple }];
  });
}
