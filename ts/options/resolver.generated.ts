// Made by scripts/generate.mjs from ts/options/resolver.json. Do not edit.
import type { OptionTable } from './table.js';

/** How names are resolved and for how long answers are kept; docs/resolver.md is the guide. */
export interface ResolverOptions {
  /**
   * `dns` asks name servers; `system` has getaddrinfo do it, on Node's thread pool; `auto` is `dns` where nsswitch.conf
   * names files and dns alone, and `system` otherwise. (default auto)
   */
  mode?: 'auto' | 'system' | 'dns' | undefined;
  /**
   * Name servers instead of those of resolv.conf: addresses, with a port where it is not 53 (`127.0.0.1:5353`,
   * `[::1]:5353`).
   */
  servers?: readonly string[] | undefined;
  /** For one lookup, over all its questions, tries and servers. (1…2147483647, ms, default 5000) */
  timeout?: number | undefined;
  /** How long an answer is kept at least. (0…86400000, ms, default 1000) */
  minTtl?: number | undefined;
  /** How long it is kept at most. (0…604800000, ms, default 86400000) */
  maxTtl?: number | undefined;
  /**
   * How long it is kept that a name does not exist; and how long until a question is asked again that failed while an
   * older answer could be given. (0…86400000, ms, default 5000)
   */
  negativeTtl?: number | undefined;
  /**
   * Whether an answer whose time has passed, by a day at most, is given when there is no new one: the question failed,
   * or was not answered within 1 800 ms. (default true)
   */
  serveStale?: boolean | undefined;
  /** How many names are kept; those that were not asked for longest go first. (0…1000000, default 1000) */
  maxEntries?: number | undefined;
}

/** All options of `Resolver` with their defaults filled in. */
export interface ResolverOptionValues {
  readonly mode: 'auto' | 'system' | 'dns';
  readonly servers: readonly string[] | null;
  readonly timeout: number;
  readonly minTtl: number;
  readonly maxTtl: number;
  readonly negativeTtl: number;
  readonly serveStale: boolean;
  readonly maxEntries: number;
}

export const RESOLVER_OPTIONS: OptionTable<ResolverOptionValues> = {
  owner: 'Resolver',
  required: [],
  exclusive: [],
  rows: [
    { name: 'mode', type: 'enum', values: ['auto', 'system', 'dns'], default: 'auto' },
    { name: 'servers', type: 'list', default: null },
    { name: 'timeout', type: 'integer', min: 1, max: 2_147_483_647, default: 5_000 },
    { name: 'minTtl', type: 'integer', min: 0, max: 86_400_000, default: 1_000 },
    { name: 'maxTtl', type: 'integer', min: 0, max: 604_800_000, default: 86_400_000 },
    { name: 'negativeTtl', type: 'integer', min: 0, max: 86_400_000, default: 5_000 },
    { name: 'serveStale', type: 'boolean', default: true },
    { name: 'maxEntries', type: 'integer', min: 0, max: 1_000_000, default: 1_000 },
  ],
};
