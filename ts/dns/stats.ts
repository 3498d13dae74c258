import { counter } from '../metrics/count.js';

/** What a resolver has done; docs/resolver.md says what counts as what. */
export interface ResolverStats {
  /** Calls, each of which is one of the next five. */
  readonly lookups: number;
  /** Literals, `localhost`, names of the hosts file, names that are never asked for. */
  readonly local: number;
  readonly hits: number;
  readonly negativeHits: number;
  readonly misses: number;
  /** Waited for the question of another call. */
  readonly merged: number;
  /** Were given addresses past their time. */
  readonly stale: number;
  /** Questions to name servers and to getaddrinfo, repeated ones included. */
  readonly queries: number;
  /** Calls that ended without an address: there is none; the question failed; its time was over. */
  readonly notFound: number;
  readonly failures: number;
  readonly timeouts: number;
  /** Names that are kept. */
  readonly entries: number;
  /** Lookups under way. */
  readonly pending: number;
}

type Counted = Exclude<keyof ResolverStats, 'lookups' | 'entries' | 'pending'>;

const METRICS: Readonly<Record<Exclude<Counted, 'queries'>, () => void>> = {
  local: counter('millrace_dns_lookups_total{result="local"}'),
  hits: counter('millrace_dns_lookups_total{result="hit"}'),
  negativeHits: counter('millrace_dns_lookups_total{result="negativeHit"}'),
  misses: counter('millrace_dns_lookups_total{result="miss"}'),
  merged: counter('millrace_dns_lookups_total{result="merged"}'),
  stale: counter('millrace_dns_stale_total'),
  notFound: counter('millrace_dns_failures_total{reason="notFound"}'),
  failures: counter('millrace_dns_failures_total{reason="failed"}'),
  timeouts: counter('millrace_dns_failures_total{reason="timeout"}'),
};

/** Counts for one resolver and, with it, for the process. */
export class Tally {
  private readonly _counts: Record<Counted, number> = {
    local: 0,
    hits: 0,
    negativeHits: 0,
    misses: 0,
    merged: 0,
    stale: 0,
    queries: 0,
    notFound: 0,
    failures: 0,
    timeouts: 0,
  };

  count(what: Counted): void {
    this._counts[what]++;
    // Questions are counted by their type, where they are asked.
    if (what !== 'queries') METRICS[what]();
  }

  stats(entries: number, pending: number): ResolverStats {
    const { local, hits, negativeHits, misses, merged } = this._counts;
    return { lookups: local + hits + negativeHits + misses + merged, ...this._counts, entries, pending };
  }
}
