import type { UserCredentials } from './auth.js';
import type { DigestChallenge, Signed } from './digest.js';
import { clientNonce, digestSecret } from './digest.js';

/**
 * A nonce of a server's and how often it was used: what requests after the first one are signed with, without being
 * challenged each (RFC 7616 §3.4, §3.6).
 */
export class DigestSession {
  readonly challenge: DigestChallenge;
  readonly #secret: string;
  readonly #cnonce: string;
  #nonce: string;
  #count = 0;

  constructor(challenge: DigestChallenge, credentials: UserCredentials) {
    this.challenge = challenge;
    this.#cnonce = clientNonce();
    this.#secret = digestSecret(challenge, credentials, this.#cnonce);
    this.#nonce = challenge.nonce;
  }

  get nonce(): string {
    return this.#nonce;
  }

  /** Uses the nonce once more. `bodyHash`: of `auth-int`. */
  sign(target: string, bodyHash: string | undefined): Signed {
    return {
      challenge: this.challenge,
      secret: this.#secret,
      nonce: this.#nonce,
      cnonce: this.#cnonce,
      count: ++this.#count,
      target,
      bodyHash,
    };
  }

  /** The server wants another nonce from now on; a session keeps the secret that it began with. */
  renew(nonce: string): void {
    if (nonce === this.#nonce) return;
    this.#nonce = nonce;
    this.#count = 0;
  }

  /** Whether a URL lies within what the server named as `domain`; all of the origin where it named none. */
  covers(url: URL): boolean {
    const { domain } = this.challenge;
    if (domain.length === 0) return true;
    return domain.some((uri) => {
      const base = parse(uri, url);
      // Of another origin we know nothing but what this one says of it.
      return base?.origin === url.origin && url.pathname.startsWith(base.pathname);
    });
  }
}

function parse(uri: string, base: URL): URL | undefined {
  try {
    return new URL(uri, base.origin);
  } catch {
    return undefined;
  }
}
