import { native } from '../native/loader.js';

/** What a CRL that is in force says of itself. */
export interface CrlFacts {
  /** Who issued it, as a distinguished name. */
  readonly issuer: string;
  readonly thisUpdate: Date;
  /** From when on it does not count, unless `allowExpiredCrl` lets it. */
  readonly nextUpdate: Date;
  /** How many certificates it revokes. */
  readonly revoked: number;
  /** The file that it was read from; null where bytes were given. */
  readonly path: string | null;
}

const dateOf = (seconds: number): Date => new Date(seconds * 1000);

/** @internal The CRLs of a context, the newest first; `paths`: where each of the pieces came from. */
export function crlFactsOf(context: number, paths: readonly (string | null)[]): readonly CrlFacts[] {
  return native.tlsCrlFacts(context).map(({ issuer, thisUpdate, nextUpdate, revoked, source }) => ({
    issuer,
    thisUpdate: dateOf(thisUpdate),
    nextUpdate: dateOf(nextUpdate),
    revoked,
    path: paths[source] ?? null,
  }));
}
