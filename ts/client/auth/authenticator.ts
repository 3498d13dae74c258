import { quote } from '../../errors/escape.js';
import { MillraceError } from '../../errors/millrace-error.js';
import type { Auth, AuthFunction, AuthRequest, UserCredentials } from './auth.js';
import { basicValue, checkedAuth } from './auth.js';
import type { Challenge } from './challenge.js';
import { parseChallenges, parseParams } from './challenge.js';
import type { DigestChallenge, Signed } from './digest.js';
import { bodyHash, digestChallenge, digestValue, isProof } from './digest.js';
import { DigestSession } from './digest-session.js';

/** The fields of an answer; a `HeaderView` is one. */
export interface AnswerFields {
  getAll(name: string): string[];
}

/** Origins whose nonces are remembered; the one that was unused for longest is forgotten. */
const MAX_ORIGINS = 1_000;
/** A refused request is made again twice at most. */
const MAX_TRIES = 2;

/** What is known of an origin. */
interface Origin {
  session?: DigestSession;
  /** It has offered Digest once: from then on it gets no password over cleartext. */
  hasDigest?: boolean;
  /** Basic was asked for, and what for: this path and those below it (RFC 7617 §2.2). */
  basicPath?: string;
}

/**
 * Answers challenges of servers, or of a proxy, for one pair of credentials, and sends unasked what it may.
 *
 * For each request the client makes one `AuthRequest` and asks `header` for the field to send; on a 401 (407) it asks
 * `challenge` whether and with what to try again, and otherwise tells `accepted` the answer's fields. It asks for no
 * request that was redirected to another origin.
 *
 * Of several challenges the strongest that can be answered is chosen: Digest with SHA-512-256, with SHA-256, with MD5,
 * then, for `any`, Basic. Over cleartext Basic is not answered where that origin has ever offered Digest. An attacker on
 * the way can remove Digest from the first answer: where passwords must not travel in the clear, the type is `digest`.
 *
 * A request is made again at most twice: once for its first refusal, and once more where a nonce was only stale. Digest
 * with a nonce that was refused, or Basic and Bearer that were sent already, are not: the 401 is the caller's.
 */
export class Authenticator {
  /** Of requests: `Authorization`, or of a proxy `Proxy-Authorization`. */
  readonly field: 'Authorization' | 'Proxy-Authorization';
  /** What is answered: 401, or of a proxy 407. */
  readonly status: 401 | 407;
  readonly #auth: Auth;
  readonly #isProxy: boolean;
  readonly #origins = new Map<string, Origin>();
  readonly #sent = new WeakMap<AuthRequest, Signed>();
  #fixed: string | undefined;

  constructor(auth: unknown, { proxy = false }: { proxy?: boolean } = {}) {
    this.#auth = checkedAuth(auth);
    this.#isProxy = proxy;
    this.field = proxy ? 'Proxy-Authorization' : 'Authorization';
    this.status = proxy ? 407 : 401;
    if (typeof this.#auth === 'function') return;
    if (this.#auth.type === 'basic') this.#fixed = basicValue(this.#auth);
    if (this.#auth.type === 'bearer') this.#fixed = `Bearer ${this.#auth.token}`;
  }

  /** The value to send without being asked; undefined for none. A promise only where one is needed. */
  header(request: AuthRequest): string | undefined | PromiseLike<string | undefined> {
    if (this.#fixed !== undefined) return this.#fixed;
    const auth = this.#auth;
    if (typeof auth === 'function') return auth(request);
    if (auth.type === 'bearer') return undefined;
    const origin = this.#origins.get(originOf(request));
    if (origin?.session !== undefined && (this.#isProxy || origin.session.covers(request.url))) {
      return this.#sign(origin.session, request, auth);
    }
    if (origin?.basicPath !== undefined && request.url.pathname.startsWith(origin.basicPath)) return basicValue(auth);
    return undefined;
  }

  /**
   * The value to try a refused request with again; null where the refusal is the caller's. `attempt` is how often this
   * request was refused, from 1 on.
   *
   * Throws `MILLRACE_AUTHENTICATION_UNSUPPORTED` where the server takes NTLM or Negotiate alone.
   */
  async challenge(request: AuthRequest, status: number, fields: AnswerFields, attempt: number): Promise<string | null> {
    if (status !== this.status || attempt > MAX_TRIES) return null;
    const challenges = parseChallenges(fields.getAll(this.#isProxy ? 'proxy-authenticate' : 'www-authenticate'));
    const auth = this.#auth;
    if (typeof auth === 'function') return this.#ask(auth, request, { status, challenges, attempt });
    const answer = await this.#answer(auth, request, challenges, attempt);
    if (answer === null) refuseUnsupported(challenges);
    return answer;
  }

  /**
   * Takes note of an answer that was no refusal: the server's next nonce. Throws `MILLRACE_AUTHENTICATION_UNPROVEN` where
   * it had to prove that it knows the password (`rspauth`) and did not.
   */
  accepted(request: AuthRequest, fields: AnswerFields): void {
    const signed = this.#sent.get(request);
    if (signed === undefined) return;
    this.#sent.delete(request);
    const info = fields.getAll(this.#isProxy ? 'proxy-authentication-info' : 'authentication-info');
    if (info.length === 0) return;
    const params = parseParams(info);
    const proof = params.get('rspauth');
    // That of `auth-int` covers the body of the answer, which has yet to come.
    if (proof !== undefined && params.get('qop')?.toLowerCase() !== 'auth-int' && !isProof(signed, proof)) {
      throw new MillraceError('MILLRACE_AUTHENTICATION_UNPROVEN');
    }
    const next = params.get('nextnonce');
    if (next === undefined) return;
    const session = this.#origins.get(originOf(request))?.session;
    if (session?.challenge === signed.challenge) session.renew(next);
  }

  /** Forgets nonces and what servers asked for. */
  clear(): void {
    this.#origins.clear();
  }

  toJSON(): object {
    const type = typeof this.#auth === 'function' ? 'function' : this.#auth.type;
    return { type, field: this.field };
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Authenticator ${JSON.stringify(this.toJSON())}`;
  }

  async #ask(auth: AuthFunction, request: AuthRequest, refusal: Parameters<AuthFunction>[1]): Promise<string | null> {
    return (await auth(request, refusal)) ?? null;
  }

  async #answer(
    auth: Exclude<Auth, AuthFunction>,
    request: AuthRequest,
    challenges: readonly Challenge[],
    attempt: number,
  ): Promise<string | null> {
    // Those that were sent unasked, and refused.
    if (auth.type === 'basic' || auth.type === 'bearer') return null;
    const origin = this.#originOf(request);
    if (challenges.some(({ scheme }) => scheme === 'digest')) origin.hasDigest = true;
    const digest = strongest(challenges, request.body !== undefined);
    if (digest !== undefined) {
      if (!this.#isWorthTrying(request, digest, attempt)) return null;
      origin.session = new DigestSession(digest, auth);
      return (await this.#sign(origin.session, request, auth)) ?? null;
    }
    if (auth.type === 'digest' || attempt > 1 || !challenges.some(({ scheme }) => scheme === 'basic')) return null;
    const isCleartext = request.url.protocol !== 'https:';
    if (isCleartext && origin.hasDigest === true) return null;
    const isRefused = origin.basicPath !== undefined && request.url.pathname.startsWith(origin.basicPath);
    if (isRefused) return null;
    origin.basicPath = this.#isProxy ? '/' : request.url.pathname.replace(/[^/]*$/, '');
    return basicValue(auth);
  }

  /** With the same nonce, or a second time, only where the server says that nothing but the nonce was wrong. */
  #isWorthTrying(request: AuthRequest, digest: DigestChallenge, attempt: number): boolean {
    const sent = this.#sent.get(request);
    if (sent === undefined || digest.stale) return true;
    return attempt === 1 && sent.nonce !== digest.nonce;
  }

  #sign(session: DigestSession, request: AuthRequest, auth: UserCredentials): string | undefined | Promise<string> {
    const { quality, hash } = session.challenge;
    const finish = (body?: string): string => {
      const signed = session.sign(request.target, body);
      this.#sent.set(request, signed);
      return digestValue(signed, request.method, auth);
    };
    if (quality !== 'auth-int') return finish();
    if (request.body === undefined) return undefined;
    return bodyHash(hash, request.body?.() ?? nothing()).then(finish);
  }

  #originOf(request: AuthRequest): Origin {
    const name = originOf(request);
    const origin = this.#origins.get(name) ?? {};
    this.#origins.delete(name);
    this.#origins.set(name, origin);
    if (this.#origins.size > MAX_ORIGINS) this.#origins.delete(this.#origins.keys().next().value as string);
    return origin;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // no body
}

function originOf({ url }: AuthRequest): string {
  return url.origin;
}

function strongest(challenges: readonly Challenge[], canHash: boolean): DigestChallenge | undefined {
  let best: DigestChallenge | undefined;
  for (const challenge of challenges) {
    if (challenge.scheme !== 'digest') continue;
    const digest = digestChallenge(challenge, canHash);
    if (digest !== undefined && (best === undefined || digest.strength > best.strength)) best = digest;
  }
  return best;
}

/** Its own name: what the caller has to know is not that a password was wrong, but that nobody asked for one. */
function refuseUnsupported(challenges: readonly Challenge[]): void {
  const schemes = challenges.map(({ scheme }) => scheme);
  if (schemes.length === 0 || !schemes.every((scheme) => scheme === 'ntlm' || scheme === 'negotiate')) return;
  const names = [...new Set(schemes)].map((scheme) => quote(scheme)).join(' and ');
  const message = `the server takes ${names} alone, which millrace does not speak: a proxy that does (as px or cntlm) may stand between`;
  throw new MillraceError('MILLRACE_AUTHENTICATION_UNSUPPORTED', message);
}
