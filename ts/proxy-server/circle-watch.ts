import { randomBytes, randomInt } from 'node:crypto';

import type { RouteHop } from '../proxy/route.js';
import { labelOf } from '../proxy/route.js';
import { canonical } from './reserved-addresses.js';

/** So many tunnels to one target that are being opened at once make the way worth a look; then twice as many, and so on. */
const SUSPICIOUS = 16;
/** How long a look may take, and how long a circle that was found is believed in. */
const LOOK_MS = 5_000;
const KNOWN_MS = 10_000;

/** A request on its way through other proxies. */
export interface Passage {
  /** Aborted when its client goes away, or when the way is found to be a circle. */
  readonly signal: AbortSignal;
  /** The way leads back to where it began. */
  readonly isCircle: boolean;
  leave(): void;
}

/** One way, by the proxies on it. */
interface Route {
  readonly passages: Set<OnePassage>;
  /** How many are under way to each target, and how many of them make a look due. */
  readonly targets: Map<string, { count: number; due: number }>;
  isLooking: boolean;
  knownUntil: number;
}

/** What a look asks for. */
export interface LookTarget {
  readonly host: string;
  readonly port: number;
}

/** Asks the proxies of a way for a tunnel; rejects when there is none, or when the signal is aborted. */
type Ask = (hops: readonly RouteHop[], target: LookTarget, signal: AbortSignal) => Promise<void>;

/**
 * Finds circles of proxies that no protocol shows. An HTTP proxy is told by `Via` whom a request has passed; SOCKS says
 * nothing, so a request that comes back looks like any other, and is sent round again.
 *
 * A circle has many tunnels to the same target being opened at once. Where that is so, the way is asked for two tunnels: to
 * a name that nobody else knows and that no resolver has (`….invalid`, RFC 6761 §6.4), and to an address that nobody has
 * (of 240.0.0.0/4, RFC 1112 §4), for proxies that resolve names themselves. If a client of ours asks for one of them, what
 * we send comes back. Then all that is under way there is refused, and so is what comes next, for a while.
 */
export class CircleWatch {
  readonly #ask: Ask;
  readonly #routes = new Map<string, Route>();
  /** The looks under way, by what they ask for. */
  readonly #looks = new Map<string, () => void>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** A request that goes this way; to be left when its tunnel is open, or never will be. */
  enter(hops: readonly RouteHop[], target: string, client: AbortSignal): Passage {
    // `Via` shows the way where all speak HTTP.
    if (!hops.some(({ kind }) => kind.startsWith('socks'))) return { signal: client, isCircle: false, leave: NOTHING };
    const passage = new OnePassage(client);
    const key = hops.map(labelOf).join(' ');
    const route: Route = this.#routes.get(key) ?? newRoute();
    this.#routes.set(key, route);
    if (performance.now() < route.knownUntil) {
      passage.turnBack();
      return passage;
    }
    const entry = route.targets.get(target) ?? { count: 0, due: SUSPICIOUS };
    route.targets.set(target, entry);
    route.passages.add(passage);
    passage.onLeave = () => {
      route.passages.delete(passage);
      if (--entry.count === 0) route.targets.delete(target);
      this.#forget(key, route);
    };
    if (++entry.count >= entry.due && !route.isLooking) {
      entry.due = entry.count * 2;
      void this.#look(key, route, hops);
    }
    return passage;
  }

  /** Whether a client has asked for what a look has sent out: the way is a circle. */
  hasReturned(target: LookTarget): boolean {
    const found = this.#looks.size === 0 ? undefined : this.#looks.get(keyOf(target));
    found?.();
    return found !== undefined;
  }

  async #look(key: string, route: Route, hops: readonly RouteHop[]): Promise<void> {
    const [name, address] = [newName(), newAddress()];
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), LOOK_MS).unref();
    const found = (): void => {
      route.knownUntil = performance.now() + KNOWN_MS;
      over.abort();
      for (const passage of route.passages) passage.turnBack();
    };
    for (const target of [name, address]) this.#looks.set(keyOf(target), found);
    route.isLooking = true;
    try {
      // Both fail, as they should: nobody has them.
      await Promise.allSettled([this.#ask(withNames(hops), name, over.signal), this.#ask(hops, address, over.signal)]);
    } finally {
      clearTimeout(timer);
      for (const target of [name, address]) this.#looks.delete(keyOf(target));
      route.isLooking = false;
      this.#forget(key, route);
    }
  }

  #forget(key: string, route: Route): void {
    const isIdle = route.passages.size === 0 && !route.isLooking && performance.now() >= route.knownUntil;
    if (isIdle && this.#routes.get(key) === route) this.#routes.delete(key);
  }
}

const NOTHING = (): void => undefined;

function newRoute(): Route {
  return { passages: new Set(), targets: new Map(), isLooking: false, knownUntil: 0 };
}

const PREFIX = 'millrace-circle-';
const SUFFIX = '.invalid';
/** The first half of an address; the other half and the port are random, as is a name. */
const BLOCK = '251.114.';
/** Nobody has the name: its port is any. */
const LOOK_PORT = 9;

function newName(): LookTarget {
  return { host: `${PREFIX}${randomBytes(16).toString('hex')}${SUFFIX}`, port: LOOK_PORT };
}

function newAddress(): LookTarget {
  const [high, low] = randomBytes(2);
  return { host: `${BLOCK}${high}.${low}`, port: randomInt(1, 65_536) };
}

function keyOf({ host, port }: LookTarget): string {
  return `${canonical(host)} ${port}`;
}

/** Whether a host is of a look, ours or another proxy's. Nobody has it, so it is passed on as it is, and never dialled. */
export function isLook(host: string): boolean {
  return (host.startsWith(PREFIX) && host.endsWith(SUFFIX)) || canonical(host).startsWith(BLOCK);
}

/** The same way, the last proxy of which is told names. */
export function withNames(hops: readonly RouteHop[]): readonly RouteHop[] {
  const last = hops.at(-1);
  if (last === undefined || (last.kind !== 'socks4' && last.kind !== 'socks5')) return hops;
  return [...hops.slice(0, -1), { ...last, kind: last.kind === 'socks4' ? 'socks4a' : 'socks5h' }];
}

class OnePassage implements Passage {
  readonly #client: AbortSignal;
  readonly #end = new AbortController();
  readonly #onLeft: () => void;
  isCircle = false;
  onLeave: (() => void) | null = null;

  constructor(client: AbortSignal) {
    this.#client = client;
    this.#onLeft = () => this.#end.abort(client.reason);
    client.addEventListener('abort', this.#onLeft, { once: true });
    if (client.aborted) this.#onLeft();
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  turnBack(): void {
    this.isCircle = true;
    this.#end.abort();
  }

  leave(): void {
    this.#client.removeEventListener('abort', this.#onLeft);
    this.onLeave?.();
    this.onLeave = null;
  }
}
