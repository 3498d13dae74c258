import { abortError } from '../errors/abort-error.js';
import { logRecord } from '../log/log.js';
import { histogram } from '../metrics/count.js';
import type { ResolverOptionValues } from '../options/resolver.generated.js';
import type { Answer } from './answer.js';
import { Asker } from './asker.js';
import { Cache } from './cache.js';
import type { Entry } from './cache.js';
import { Call, keysOf } from './call.js';
import { observed } from './channels.js';
import { notFound } from './dns-error.js';
import { Flight } from './flight.js';
import { parseHost } from './host-name.js';
import type { Hosts } from './hosts-file.js';
import { localAnswer } from './local-names.js';
import { inOnePart } from './names.js';
import type { AddressParts, LookupLimits, Names } from './names.js';
import type { ResolvedAddress } from './resolved-address.js';
import { listed } from './resolved-address.js';
import type { ResolverStats } from './stats.js';
import { Tally } from './stats.js';
import type { SystemFiles } from './system-files.js';
import { Waiter } from './waiter.js';

/** After so many milliseconds without an answer a stale one is given (RFC 8767 §5, client response timer). */
const SLOW = 1_800;
/** For so long, in milliseconds, a question is kept up for the cache whose callers went with a stale answer. */
const KEPT_UP = 5_000;
const NO_HOSTS: Hosts = new Map();

const duration = histogram('millrace_dns_lookup_duration_seconds');

/**
 * Resolves names: by what is known locally, else by the cache, else by asking. Of the same name and family, one question
 * is under way at a time, and all who call meanwhile wait for it.
 */
export class NameService implements Names {
  private readonly _values: ResolverOptionValues;
  private readonly _files: SystemFiles;
  private readonly _tally = new Tally();
  private readonly _cache: Cache;
  private readonly _asker: Asker;
  private readonly _waiter: Waiter;
  private readonly _flights = new Map<string, Flight>();

  constructor(values: ResolverOptionValues, files: SystemFiles) {
    this._values = values;
    this._files = files;
    this._cache = new Cache(values);
    this._asker = new Asker(values, files, this._tally);
    this._waiter = new Waiter(this._cache, this._tally);
  }

  resolve(host: string, limits: LookupLimits = {}): Promise<ResolvedAddress[]> {
    const work = (): Promise<ResolvedAddress[]> =>
      this.look(
        host,
        limits,
        (list) => list,
        (call, flight) => this._waiter.whole(call, flight),
      );
    return observed(host, limits.family ?? 0, work, (list) => list);
  }

  resolveParts(host: string, limits: LookupLimits = {}): Promise<AddressParts> {
    const work = (): Promise<AddressParts> =>
      this.look(host, limits, inOnePart, (call, flight) => this._waiter.parts(call, flight));
    return observed(host, limits.family ?? 0, work, ({ first }) => first);
  }

  /** Forgets what is known of a host, or everything. Who waits for an answer gets it; it is not kept. */
  flush(host?: string): void {
    const keys = host === undefined ? [...this._flights.keys()] : keysOf(parseHost(host).name);
    if (host === undefined) this._cache.clear();
    for (const key of keys) {
      this._cache.delete(key);
      const flight = this._flights.get(key);
      if (flight === undefined) continue;
      flight.isOutdated = true;
      this._flights.delete(key);
    }
  }

  stats(): ResolverStats {
    return this._tally.stats(this._cache.size, this._flights.size);
  }

  /** `known` makes the result of addresses that are there; `wait` waits for a flight, and has joined it when it returns. */
  private async look<T>(
    host: string,
    limits: LookupLimits,
    known: (list: ResolvedAddress[]) => T,
    wait: (call: Call, flight: Flight) => Promise<T>,
  ): Promise<T> {
    const call = new Call(host, limits, this._values.timeout);
    // getaddrinfo reads the hosts file itself.
    const hosts = this._values.mode === 'system' ? NO_HOSTS : await this._files.hosts.read();
    if (call.signal?.aborted === true) throw abortError(call.signal);
    // From here to the wait nothing else runs: a flight is never without a caller.
    const list = this.local(call, hosts) ?? this.cached(call);
    if (list !== undefined) return known(list);
    return wait(call, this.flight(call));
  }

  private local(call: Call, hosts: Hosts): ResolvedAddress[] | undefined {
    const ttls = { fixed: this._values.maxTtl, file: this._values.minTtl };
    const found = localAnswer(call.parsed, call.families, hosts, ttls);
    if (found === undefined) return undefined;
    this._tally.count('local');
    if (found.length === 0) {
      this._tally.count('notFound');
      throw notFound(call.host, 'is reserved: it is not to be asked for');
    }
    return found.flatMap((addresses) => listed([addresses], addresses.ttl));
  }

  private cached(call: Call): ResolvedAddress[] | undefined {
    const now = performance.now();
    const entry = this._cache.get(call.key, now);
    if (entry === undefined || now >= Math.max(entry.expires, entry.retryAt)) return undefined;
    if (entry.answer.kind === 'none') {
      this._tally.count('negativeHits');
      throw this._waiter.none(call, entry.answer);
    }
    this._tally.count('hits');
    return now < entry.expires ? listed(entry.answer.found, entry.expires - now) : this._waiter.stale(entry);
  }

  private flight(call: Call): Flight {
    const { key } = call;
    const under = this._flights.get(key);
    this._tally.count(under === undefined ? 'misses' : 'merged');
    if (under !== undefined) return under;
    // Only found addresses are kept past their time.
    const stale = this._cache.get(key, performance.now()) ?? null;
    const flight = new Flight(key, stale, () => this.abandon(flight));
    this._flights.set(key, flight);
    if (stale !== null) keepUp(flight);
    const began = performance.now();
    this._asker.ask(call.parsed, call.families, call.remaining, flight).then(
      (answer) => this.finish(call, flight, answer, began),
      (cause: unknown) => this.finish(call, flight, { kind: 'failed', cause }, began),
    );
    return flight;
  }

  private finish(call: Call, flight: Flight, answer: Answer, began: number): void {
    // Abandoned: it was cancelled, and says so.
    if (flight.signal.aborted) return;
    this.land(flight);
    const now = performance.now();
    duration(now - began);
    if (answer.kind === 'failed') {
      const stale = flight.stale !== null;
      logRecord('debug', 'dns', 'a name could not be resolved', { host: call.host, stale, err: answer.cause });
      this.postpone(flight.stale);
    } else if (!flight.isOutdated) {
      this._cache.set(flight.key, answer, now);
    }
    flight.end(answer);
  }

  /** Nobody waits any more. What came of it is kept; for the rest there was no time. */
  private abandon(flight: Flight): void {
    this.land(flight);
    const { parts, isOutdated, isSlow } = flight;
    if (parts.length === 0) {
      if (isSlow) this.postpone(flight.stale);
    } else if (!isOutdated) {
      this._cache.set(flight.key, { kind: 'found', found: [...parts], partial: true }, performance.now());
    }
  }

  private land(flight: Flight): void {
    if (this._flights.get(flight.key) === flight) this._flights.delete(flight.key);
  }

  /** Asking has just failed: for a while the stale answer is given without it. */
  private postpone(entry: Entry | null): void {
    if (entry !== null) entry.retryAt = performance.now() + this._values.negativeTtl;
  }
}

/** Goes on asking for the cache when the callers have gone with a stale answer, which they are given when it is slow. */
function keepUp(flight: Flight): void {
  const slow = setTimeout(() => flight.slow(), SLOW).unref();
  const end = setTimeout(() => flight.leave(see), KEPT_UP).unref();
  const see = (): void => {
    if (flight.answer === null) return;
    clearTimeout(slow);
    clearTimeout(end);
  };
  flight.join(see);
}
