import type { Resolver as Channel } from 'node:dns';

import { counter } from '../metrics/count.js';
import type { Reply } from './answer.js';
import { addressesOf } from './resolved-address.js';
import type { AddressRecord, Family } from './resolved-address.js';
import type { Slots } from './slots.js';

const asked = {
  4: counter('millrace_dns_queries_total{kind="A"}'),
  6: counter('millrace_dns_queries_total{kind="AAAA"}'),
} as const;

/** So that the second try still falls into the time there is: a third for the first round, two for the second. */
const ROUNDS = 3;
/** The least that a server is waited for, in milliseconds: it may be far away. */
const MIN_TRY = 100;
/** What c-ares waits for a server, in milliseconds: our timers are the ones that count, its own are off by up to twice. */
const NEVER = 2_147_483_647;
/** A server that answered where the one before it did not is asked first for so long, in milliseconds. */
const PREFER_FOR = 30_000;

/** The name, or the name with this type, does not exist: an answer. */
const NOT_THERE: ReadonlySet<string | undefined> = new Set(['ENOTFOUND', 'ENODATA']);

/** How a list of servers is asked. */
export interface AskOptions {
  /** Null: those that c-ares finds. */
  readonly servers: readonly string[] | null;
  /** Milliseconds for the first try of each, at most. */
  readonly timeout: number;
  readonly rotate: boolean;
  /** How many questions may be under way at once: each has a socket. */
  readonly slots: Slots;
}

/**
 * Name servers, asked by c-ares: its sockets are on the event loop, not on the thread pool. One server at a time; the
 * next one when it is silent, cannot be reached, refuses or fails. A channel of c-ares serves one question and is
 * cancelled with it, which costs 50 µs, and no question waits for another's retries.
 */
export class NameServers {
  private readonly _options: AskOptions;
  private readonly _count: (family: Family) => void;
  private _first = 0;
  private _preferredUntil = 0;

  /** `count` is called for each question that is sent to a server. */
  constructor(options: AskOptions, count: (family: Family) => void) {
    this._options = options;
    this._count = count;
  }

  /**
   * The reply to one question. Silent servers are asked again, with twice the patience each time, until the signal is
   * aborted: how long that may take is the caller's to say. `budget` only shares out the tries, in milliseconds.
   */
  async ask(name: string, family: Family, budget: number, signal: AbortSignal): Promise<Reply> {
    const { servers, timeout, rotate } = this._options;
    const list = servers ?? [null];
    const start = this.start(list.length, rotate);
    let patience = Math.max(MIN_TRY, Math.min(timeout, budget / (ROUNDS * list.length)));
    for (;;) {
      let silent = false;
      let last: Reply = { kind: 'failed', cause: signal.reason };
      for (let turn = 0; turn < list.length && !signal.aborted; turn++) {
        const place = (start + turn) % list.length;
        const reply = await this.askOne(list[place] ?? null, name, family, patience, signal);
        if (reply !== null && reply.kind !== 'failed') {
          if (turn > 0) this.prefer(place);
          return reply;
        }
        silent ||= reply === null;
        last = reply ?? last;
      }
      if (!silent || signal.aborted) return last;
      patience *= 2;
    }
  }

  private start(count: number, rotate: boolean): number {
    if (rotate) return this._first++ % count;
    return performance.now() < this._preferredUntil ? this._first : 0;
  }

  private prefer(place: number): void {
    if (this._options.rotate) return;
    this._first = place;
    this._preferredUntil = performance.now() + PREFER_FOR;
  }

  /** Null: the server did not answer in the time. */
  private async askOne(
    server: string | null,
    name: string,
    family: Family,
    patience: number,
    signal: AbortSignal,
  ): Promise<Reply | null> {
    const { slots } = this._options;
    if (!(await slots.take(signal))) return { kind: 'failed', cause: signal.reason };
    try {
      return await this.question(server, name, family, patience, signal);
    } finally {
      slots.give();
    }
  }

  private async question(
    server: string | null,
    name: string,
    family: Family,
    patience: number,
    signal: AbortSignal,
  ): Promise<Reply | null> {
    // Loading the package is not to wait for it.
    const { Resolver } = await import('node:dns');
    if (signal.aborted) return { kind: 'failed', cause: signal.reason };
    const channel = new Resolver({ timeout: NEVER, tries: 1 });
    if (server !== null) channel.setServers([server]);
    let silent = false;
    const cancel = (): void => channel.cancel();
    const timer = setTimeout(() => {
      silent = true;
      cancel();
    }, patience);
    signal.addEventListener('abort', cancel);
    asked[family]();
    this._count(family);
    try {
      const reply = await query(channel, name, family);
      return silent ? null : reply;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
    }
  }
}

function query(channel: Channel, name: string, family: Family): Promise<Reply> {
  return new Promise((resolve) => {
    const end = (error: NodeJS.ErrnoException | null, records: AddressRecord[] | undefined): void => {
      if (error !== null) {
        resolve({ kind: NOT_THERE.has(error.code) ? 'none' : 'failed', cause: error });
        return;
      }
      const addresses = addressesOf(records ?? [], family);
      // An answer without a usable record, for instance aliases that lead in a circle.
      resolve(addresses === undefined ? { kind: 'none', cause: undefined } : { kind: 'found', addresses });
    };
    if (family === 4) channel.resolve4(name, { ttl: true }, end);
    else channel.resolve6(name, { ttl: true }, end);
  });
}
