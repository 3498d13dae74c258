import { createHash } from 'node:crypto';
import { checkServerIdentity } from 'node:tls';

import type { TlsClientOptions } from '../../index.js';
import { MillraceError, TlsContext } from '../../index.js';
import type { ConnectionRequest } from './dialler.js';

/** Node's options of TLS that `TlsContext.client` has too. */
const TAKEN = [
  ...['ca', 'cert', 'key', 'passphrase', 'crl', 'rejectUnauthorized', 'servername'],
  ...['ciphers', 'minVersion', 'maxVersion', 'ALPNProtocols'],
] as const;

/** Those that would be missed by whoever set them. */
const REFUSED = [
  ...['checkServerIdentity', 'pfx', 'secureContext', 'secureProtocol', 'sigalgs', 'ecdhCurve', 'pskCallback'],
  ...['requestOCSP', 'privateKeyEngine', 'privateKeyIdentifier', 'clientCertEngine', 'allowPartialTrustChain'],
] as const;

/** Node's defaults, which ask for nothing more. */
const NOTHING = new Set<unknown>([undefined, null, false, '', 'auto', checkServerIdentity]);

/** Contexts that are kept: of one agent there are as many as there are different options of its requests. */
const MAX_CONTEXTS = 64;

/** The most that a context takes for `sessions`. */
const MAX_SESSIONS = 65_536;

/** The TLS contexts of an agent, made of Node's options and used again: sessions are resumed. */
export class TlsChooser {
  readonly #given: TlsContext | undefined;
  readonly #contexts = new Map<string, Promise<TlsContext>>();

  constructor(given: TlsContext | undefined) {
    if (given !== undefined && !(given instanceof TlsContext && given.kind === 'client')) {
      throw new MillraceError('MILLRACE_INVALID_ARGUMENT', "HttpsAgent: option 'tls' must be a client's TlsContext");
    }
    this.#given = given;
  }

  /** Throws for options that cannot be kept. */
  check(options: object): void {
    const refused = REFUSED.find((name) => !NOTHING.has((options as Record<string, unknown>)[name]));
    if (refused === undefined) return;
    const instead = "use the option 'tls' with a TlsContext";
    throw new MillraceError('MILLRACE_INVALID_ARGUMENT', `HttpsAgent: '${refused}' of Node is not taken; ${instead}`);
  }

  async contextFor(request: ConnectionRequest): Promise<TlsContext> {
    this.check(request);
    if (this.#given !== undefined) return this.#given;
    const options = optionsOf(request);
    const key = keyOf(options);
    const known = this.#contexts.get(key);
    if (known !== undefined) this.#contexts.delete(key);
    const context = known ?? TlsContext.client(options);
    this.#contexts.set(key, context);
    const [oldest] = this.#contexts.keys();
    if (this.#contexts.size > MAX_CONTEXTS && oldest !== undefined) this.#contexts.delete(oldest);
    try {
      return await context;
    } catch (error) {
      this.#contexts.delete(key);
      throw error;
    }
  }
}

function optionsOf(request: ConnectionRequest): TlsClientOptions {
  const all = request as Readonly<Record<string, unknown>>;
  const taken = TAKEN.filter((name) => all[name] !== undefined && all[name] !== null).map((name) => [name, all[name]]);
  const options = Object.fromEntries(taken) as Record<string, unknown>;
  // Node's agent writes the name of the field Host here, which is that of the URL unless somebody changed it.
  if (!options['servername'] || options['servername'] === (request.host || 'localhost')) delete options['servername'];
  const { maxCachedSessions: sessions } = all;
  if (typeof sessions === 'number') options['sessions'] = Math.min(Math.floor(sessions), MAX_SESSIONS);
  const { ALPNProtocols: protocols } = options;
  if (protocols !== undefined) options['ALPNProtocols'] = namesOf(protocols);
  return options;
}

/** ALPN as names: Node also takes what is on the wire, each name behind its length (RFC 7301 §3.1). */
function namesOf(given: unknown): string[] {
  if (Array.isArray(given))
    return (given as unknown[]).map((name) => (name instanceof Uint8Array ? latin1(name) : String(name)));
  if (!(given instanceof Uint8Array)) return [String(given)];
  const names: string[] = [];
  for (let at = 0; at < given.length; at += 1 + given[at]) {
    names.push(latin1(given.subarray(at + 1, at + 1 + given[at])));
  }
  return names;
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Stands for the options without holding a private key. */
function keyOf(options: object): string {
  const hash = createHash('sha256');
  for (const [name, value] of Object.entries(options)) {
    for (const part of [name, ...(Array.isArray(value) ? (value as unknown[]) : [value as unknown])]) {
      const bytes = part instanceof Uint8Array ? part : String(part);
      hash.update(`${typeof part}:${bytes.length}:`).update(bytes);
    }
  }
  return hash.digest('base64');
}
