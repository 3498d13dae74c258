import { randomBytes } from 'node:crypto';

import type { RouteHop } from '../proxy/route.js';
import { labelOf } from '../proxy/route.js';

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

/** Asks the proxies of a way for a tunnel to a name; rejects when there is none, or when the signal is aborted. */
type Ask = (hops: readonly RouteHop[], host: string, signal: AbortSignal) => Promise<void>;

/**
 * Finds circles of proxies that no protocol shows. An HTTP proxy is told by `Via` whom a request has passed; SOCKS says
 * nothing, so a request that comes back looks like any other, and is sent round again.
 *
 * A circle has many tunnels to the same target being opened at once. Where that is so, the way is asked for a tunnel to a
 * name that nobody else knows and that no resolver has (`….invalid`, RFC 6761 §6.4). If a client of ours asks for that
 * name, what we send comes back. Then all that is under way there is refused, and so is what comes next, for a while.
 */
export class CircleWatch {
  readonly #ask: Ask;
  readonly #routes = new Map<string, Route>();
  /** The looks under way, by the names that they ask for. */
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
  hasReturned(host: string): boolean {
    const found = this.#looks.get(host);
    found?.();
    return found !== undefined;
  }

  async #look(key: string, route: Route, hops: readonly RouteHop[]): Promise<void> {
    const name = `${PREFIX}${randomBytes(16).toString('hex')}${SUFFIX}`;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), LOOK_MS).unref();
    this.#looks.set(name, () => {
      route.knownUntil = performance.now() + KNOWN_MS;
      over.abort();
      for (const passage of route.passages) passage.turnBack();
    });
    route.isLooking = true;
    try {
      await this.#ask(withNames(hops), name, over.signal);
    } catch {
      // As it should be: nobody has that name.
    } finally {
      clearTimeout(timer);
      this.#looks.delete(name);
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

/** Whether a name is of a look, ours or another proxy's. No resolver has it, so it is passed on as it is. */
export function isLook(host: string): boolean {
  return host.startsWith(PREFIX) && host.endsWith(SUFFIX);
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
