import type { Answer } from './answer.js';

/** An answer that can be kept: a failure cannot. */
export type Kept = Exclude<Answer, { kind: 'failed' }>;

/** What is known of a name. Times are those of `performance.now()`. */
export interface Entry {
  readonly answer: Kept;
  readonly expires: number;
  /** Past its time: until then it is given without asking, because the question has just failed. */
  retryAt: number;
}

/** How long and how much is kept; times in milliseconds. */
export interface CacheOptions {
  readonly minTtl: number;
  readonly maxTtl: number;
  readonly negativeTtl: number;
  readonly maxEntries: number;
  readonly serveStale: boolean;
}

/** For how long past its time an answer may be given, in milliseconds (RFC 8767 §5: one to three days). */
const MAX_STALE = 86_400_000;

/** Answers by name, of which those not asked for longest are forgotten first. */
export class Cache {
  private readonly _options: CacheOptions;
  private readonly _entries = new Map<string, Entry>();

  constructor(options: CacheOptions) {
    this._options = options;
  }

  get size(): number {
    return this._entries.size;
  }

  /** The entry, fresh or (where stale ones are served) not; it counts as used. */
  get(key: string, now: number): Entry | undefined {
    const entry = this._entries.get(key);
    if (entry === undefined) return undefined;
    this._entries.delete(key);
    const { serveStale } = this._options;
    const end = serveStale && entry.answer.kind === 'found' ? entry.expires + MAX_STALE : entry.expires;
    if (now >= end) return undefined;
    this._entries.set(key, entry);
    return entry;
  }

  /** How long an answer is good for, in milliseconds; one that lacks a family because of a failure, not for long. */
  lifetime(answer: Kept): number {
    const { minTtl, maxTtl, negativeTtl } = this._options;
    if (answer.kind === 'none') return negativeTtl;
    const ttl = Math.min(...answer.found.map((addresses) => addresses.ttl));
    const bounded = Math.max(minTtl, Math.min(maxTtl, ttl));
    return answer.partial ? Math.min(bounded, negativeTtl) : bounded;
  }

  set(key: string, answer: Kept, now: number): void {
    const expires = now + this.lifetime(answer);
    this._entries.delete(key);
    if (this._options.maxEntries === 0) return;
    this._entries.set(key, { answer, expires, retryAt: 0 });
    for (const oldest of this._entries.keys()) {
      if (this._entries.size <= this._options.maxEntries) break;
      this._entries.delete(oldest);
    }
  }

  delete(key: string): void {
    this._entries.delete(key);
  }

  clear(): void {
    this._entries.clear();
  }
}
