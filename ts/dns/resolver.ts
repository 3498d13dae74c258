import { isIP } from 'node:net';

import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { RESOLVER_OPTIONS } from '../options/resolver.generated.js';
import type { ResolverOptions, ResolverOptionValues } from '../options/resolver.generated.js';
import { checkOption, validateOptions } from '../options/validate.js';
import type { LookupFunction } from './lookup-function.js';
import { NameService } from './name-service.js';
import { toLookup } from './node-lookup.js';
import type { ResolvedAddress } from './resolved-address.js';
import type { ResolverStats } from './stats.js';
import { SYSTEM_FILES } from './system-files.js';

/** What `resolve` takes beside the name. */
export interface ResolveOptions {
  /** 4 or 6: addresses of this family only. */
  readonly family?: 0 | 4 | 6 | undefined;
  /** Aborting it rejects the call at once; others that wait for the same name go on. */
  readonly signal?: AbortSignal | undefined;
}

let peek: (resolver: Resolver) => NameService;

/**
 * Resolves names, and keeps the answers for as long as they are good. It holds no socket and no timer but while it asks,
 * so it needs no end. docs/resolver.md is the guide.
 */
export class Resolver {
  /** For what takes a function of the shape of `dns.lookup`: `http.Agent`, `net.connect`, undici. It needs no `this`. */
  readonly lookup: LookupFunction;
  private readonly _names: NameService;

  static {
    peek = (resolver) => resolver._names;
  }

  constructor(options: ResolverOptions = {}) {
    this._names = new NameService(checked(options), SYSTEM_FILES);
    this.lookup = toLookup(this._names);
  }

  /**
   * The addresses of a name, IPv6 first, with the milliseconds for which they may be used. Rejects with
   * `MILLRACE_DNS_NOT_FOUND`, `MILLRACE_DNS_TIMEOUT`, `MILLRACE_DNS_FAILED`, with a TypeError for what is no name, and
   * with an AbortError.
   */
  async resolve(host: string, options: ResolveOptions = {}): Promise<ResolvedAddress[]> {
    checkNames(options);
    const { family = 0, signal } = options;
    if (family !== 0 && family !== 4 && family !== 6) {
      const message = `resolve: option "family" must be 0, 4 or 6, got ${describeValue(family)}`;
      throw misuse('MILLRACE_INVALID_ARGUMENT', message);
    }
    if (signal === undefined) return this._names.resolve(host, { family });
    checkOption('resolve', { name: 'signal', type: 'signal', default: null }, signal);
    return this._names.resolve(host, { family, signal });
  }

  /** Forgets what is known of a name, or of all. Questions under way are answered, and their answers not kept. */
  flush(host?: string): void {
    this._names.flush(host);
  }

  stats(): ResolverStats {
    return this._names.stats();
  }
}

function checkNames(options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    const message = `resolve: the options must be an object, got ${describeValue(options)}`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  for (const name of Object.keys(options)) {
    if (name === 'family' || name === 'signal') continue;
    throw misuse('MILLRACE_UNKNOWN_OPTION', `resolve: there is no option ${describeValue(name)}`);
  }
}

/** The names of a resolver, for those who dial. */
export function namesOfResolver(resolver: Resolver): NameService {
  return peek(resolver);
}

function checked(options: ResolverOptions): ResolverOptionValues {
  const values = validateOptions<ResolverOptionValues>(RESOLVER_OPTIONS, options);
  const { mode, servers, minTtl, maxTtl } = values;
  if (minTtl > maxTtl) {
    const message = `Resolver: option "minTtl" must not be above "maxTtl", got ${minTtl} and ${maxTtl}`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  if (servers === null) return values;
  if (mode === 'system') {
    const message = `Resolver: option "servers" has no use with mode "system": getaddrinfo chooses its own`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  if (servers.length === 0 || !servers.every(isServer)) {
    const bad = servers.find((server) => !isServer(server));
    const message =
      'Resolver: option "servers" must be IP addresses, with a port as in "127.0.0.1:5353" or "[::1]:5353" where it is ' +
      `not 53, got ${bad === undefined ? 'none' : describeValue(bad)}`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  return values;
}

function isServer(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const [, six, four, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const inRange = port === undefined || (Number(port) > 0 && Number(port) <= 65_535);
  return inRange && (six === undefined ? isIP(four ?? '') === 4 : isIP(six) === 6);
}
