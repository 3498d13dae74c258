import type { UserCredentials } from './auth.js';
import type { Challenge } from './challenge.js';

type Crypto = typeof import('node:crypto');
let loaded: Crypto | undefined;

/** `node:crypto`, loaded when first asked for. */
function crypto(): Crypto {
  return (loaded ??= process.getBuiltinModule('node:crypto'));
}

/** The algorithms, the weakest first: their strength is their place. RFC 7616 §3.3, §6.1 */
const ALGORITHMS: readonly (readonly [name: string, hash: string])[] = [
  ['MD5', 'md5'],
  ['SHA-256', 'sha256'],
  ['SHA-512-256', 'sha512-256'],
];

/** What is protected: the request's head, its body too, or (RFC 2069) the head without a nonce of ours. */
export type Quality = 'auth' | 'auth-int' | null;

/** A Digest challenge that can be answered. */
export interface DigestChallenge {
  /** The greater, the stronger. */
  readonly strength: number;
  readonly hash: string;
  /** As the server wrote it; undefined where it did not. */
  readonly algorithm: string | undefined;
  readonly isSession: boolean;
  readonly quality: Quality;
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly userhash: boolean;
  readonly utf8: boolean;
  readonly stale: boolean;
  /** Where else the credentials go, as the server says; relative URLs. */
  readonly domain: readonly string[];
}

/**
 * Reads a challenge; undefined where a parameter is missing or one that must be understood is not. `canHash`: whether the
 * request's body can be read for `auth-int`, which is chosen only where the server offers nothing else.
 */
export function digestChallenge({ params }: Challenge, canHash: boolean): DigestChallenge | undefined {
  const algorithm = params.get('algorithm');
  // Without the parameter: MD5 (RFC 7616 §3.3).
  const [, name, session] = /^(.*?)(-sess)?$/i.exec(algorithm ?? 'MD5') as unknown as [string, string, string?];
  const strength = ALGORITHMS.findIndex(([known]) => known === name.toUpperCase());
  const realm = params.get('realm');
  const nonce = params.get('nonce');
  const quality = qualityOf(params.get('qop'), canHash);
  const isSession = session !== undefined;
  if (strength < 0 || realm === undefined || nonce === undefined || quality === undefined) return undefined;
  // A session needs a nonce of ours, for which RFC 2069's form has no place.
  if (isSession && quality === null) return undefined;
  const hash = ALGORITHMS[strength][1];
  if (
    !crypto()
      .getHashes()
      .some((known) => known.toLowerCase() === hash)
  )
    return undefined;
  return {
    strength,
    hash,
    algorithm,
    isSession,
    quality,
    realm,
    nonce,
    opaque: params.get('opaque'),
    userhash: isTrue(params.get('userhash')),
    utf8: params.get('charset')?.toUpperCase() === 'UTF-8',
    stale: isTrue(params.get('stale')),
    domain: (params.get('domain') ?? '').split(/[ \t]+/).filter((uri) => uri !== ''),
  };
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}

function qualityOf(offer: string | undefined, canHash: boolean): Quality | undefined {
  if (offer === undefined) return null;
  const offered = offer.split(',').map((item) => item.trim().toLowerCase());
  if (offered.includes('auth')) return 'auth';
  return offered.includes('auth-int') && canHash ? 'auth-int' : undefined;
}

/** Hex of the hash of the parts, joined by colons. They are bytes, one to a character, as fields are. */
function hashOf(hash: string, ...parts: string[]): string {
  return crypto().createHash(hash).update(parts.join(':'), 'latin1').digest('hex');
}

/** The bytes, one to a character, of a name or password in UTF-8. */
function bytesOf(text: string): string {
  return Buffer.from(text.normalize('NFC'), 'utf8').toString('latin1');
}

/** A nonce of ours: 144 random bits. */
export function clientNonce(): string {
  return crypto().randomBytes(18).toString('base64');
}

/** Hex of the hash of a body. */
export async function bodyHash(hash: string, chunks: AsyncIterable<Uint8Array | string>): Promise<string> {
  const body = crypto().createHash(hash);
  for await (const chunk of chunks) body.update(chunk);
  return body.digest('hex');
}

/** Hex of H(A1), which stands for the password (RFC 7616 §3.4.2): of a session, with the nonces that began it. */
export function digestSecret(challenge: DigestChallenge, credentials: UserCredentials, cnonce: string): string {
  const { hash, realm, nonce, isSession } = challenge;
  const secret = hashOf(hash, bytesOf(credentials.username), realm, bytesOf(credentials.password));
  return isSession ? hashOf(hash, secret, nonce, cnonce) : secret;
}

/** What a request is signed with. */
export interface Signed {
  readonly challenge: DigestChallenge;
  readonly secret: string;
  /** That of the challenge, or the server's `nextnonce`. */
  readonly nonce: string;
  readonly cnonce: string;
  /** How often the nonce has been used, this time included. */
  readonly count: number;
  readonly target: string;
  /** Of `auth-int`. */
  readonly bodyHash: string | undefined;
}

/** The response (RFC 7616 §3.4.1); with an empty method, what the server proves itself with (§3.5). */
export function digestResponse(signed: Signed, method: string): string {
  const { challenge, secret, nonce, cnonce, count, target } = signed;
  const { hash, quality } = challenge;
  const parts = [method, target];
  if (quality === 'auth-int') parts.push(signed.bodyHash ?? '');
  const request = hashOf(hash, ...parts);
  if (quality === null) return hashOf(hash, secret, nonce, request);
  return hashOf(hash, secret, nonce, hex(count), cnonce, quality, request);
}

/** Whether a server's `rspauth` is what only somebody who knows the password can make (RFC 7616 §3.5). */
export function isProof(signed: Signed, proof: string): boolean {
  const expected = Buffer.from(digestResponse(signed, ''), 'latin1');
  const given = Buffer.from(proof.toLowerCase(), 'latin1');
  return expected.length === given.length && crypto().timingSafeEqual(expected, given);
}

/** The value of Authorization (RFC 7616 §3.4). */
export function digestValue(signed: Signed, method: string, { username }: UserCredentials): string {
  const { challenge, nonce, cnonce, count, target } = signed;
  const { realm, algorithm, opaque, quality, userhash, hash } = challenge;
  const fields = [
    userhash ? `username=${quoted(hashOf(hash, bytesOf(username), realm))}` : nameOf(username, challenge),
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(target)}`,
    `response=${quoted(digestResponse(signed, method))}`,
  ];
  if (algorithm !== undefined) fields.push(`algorithm=${algorithm}`);
  if (opaque !== undefined) fields.push(`opaque=${quoted(opaque)}`);
  if (quality !== null) fields.push(`qop=${quality}`, `nc=${hex(count)}`, `cnonce=${quoted(cnonce)}`);
  if (userhash) fields.push('userhash=true');
  return `Digest ${fields.join(', ')}`;
}

const hex = (count: number): string => count.toString(16).padStart(8, '0');

/** What the server sent is Latin-1 already, and goes back as it came. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** A name beyond ASCII as RFC 8187 has it where the server takes UTF-8, and else, as curl does, its bytes. */
function nameOf(username: string, { utf8 }: DigestChallenge): string {
  const name = username.normalize('NFC');
  if (/^[ -~]*$/.test(name)) return `username=${quoted(name)}`;
  if (!utf8) return `username=${quoted(bytesOf(name))}`;
  const text = encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `username*=UTF-8''${text}`;
}
