// A pool of connections as SPEC §2 and §8 have it, without sockets: what the real one must be like whenever all is at rest.

export interface ReferenceLimits {
  maxConnections: number;
  maxConnectionsPerOrigin: number;
  maxQueued: number;
  maxRequestsPerConnection: number | null;
  maxConnectionAge: number | null;
  idleTimeout: number;
  minIdle: number;
}

interface Connection {
  readonly origin: number;
  readonly retiresAt: number;
  /** Since which event it is idle, and until what time it may be. */
  idleSince: number;
  idleUntil: number;
  uses: number;
  request: number | undefined;
}

type Reason = 'idle' | 'age' | 'requests' | 'peer' | 'limit' | 'discarded' | 'drain';

export class ReferencePool {
  readonly limits: ReferenceLimits;
  readonly retired: Partial<Record<Reason, number>> = {};
  created = 0;
  reused = 0;
  refused = 0;
  /** What the hook says of a connection that has been used so often; null: there is no hook. */
  validate: ((origin: number, uses: number) => boolean) | null = null;
  /** By the clock of the test, which it moves. */
  now = 0;
  private _connections: Connection[] = [];
  /** Requests that wait, of all origins, first in first out. */
  private _waiting: { readonly origin: number; readonly request: number }[] = [];
  private _events = 0;
  private _draining = false;

  constructor(limits: ReferenceLimits) {
    this.limits = limits;
  }

  /** What is to be seen of an origin: the requests that are with its server, how many wait, how many are idle. */
  seen(origin: number): { running: number[]; queued: number; free: number } {
    const running = this.of(origin).flatMap(({ request }) => request ?? []);
    return {
      running: running.sort((one, other) => one - other),
      queued: this.waitingAt(origin).length,
      free: this.idle(origin).length,
    };
  }

  get connected(): number {
    return this._connections.length;
  }

  waiting(): number[] {
    return this._waiting.map(({ request }) => request);
  }

  /** A request is made; false: it is refused. */
  ask(origin: number, request: number): boolean {
    const waiting = this.waitingAt(origin).length;
    // Who waits for the hook is not one too many.
    const isJudged = this.validate !== null && this.idle(origin).length > 0;
    const idle = waiting === 0 ? this.usable(origin) : undefined;
    if (idle !== undefined) {
      this.give(idle, request, true);
      return true;
    }
    if (!isJudged && waiting >= this.limits.maxQueued && !this.mayOpen(origin)) {
      this.refused++;
      return false;
    }
    this._waiting.push({ origin, request });
    this.share();
    return true;
  }

  /** The answer to a request has come whole. */
  answered(request: number): void {
    const connection = this.on(request) as Connection;
    const { origin } = connection;
    const { maxConnections, maxConnectionsPerOrigin } = this.limits;
    this.rest(connection);
    if (this.of(origin).length > maxConnectionsPerOrigin || this.connected > maxConnections) {
      return this.close(connection, 'limit');
    }
    const over = this.over(connection);
    if (over !== undefined) return this.close(connection, over);
    const [first] = this.waitingAt(origin);
    const longest = this.longest();
    if (first === undefined) return this._draining ? this.close(connection, 'drain') : this.share();
    const isOthers = longest !== undefined && this._waiting.indexOf(longest) < this._waiting.indexOf(first);
    if (this.connected >= maxConnections && isOthers) return this.close(connection, 'limit');
    if (this.validate?.(origin, connection.uses) === false) return this.close(connection, 'discarded');
    this._waiting.splice(this._waiting.indexOf(first), 1);
    this.give(connection, first.request, true);
  }

  /** A request is given up, in the queue or on its connection. */
  aborted(request: number): void {
    const connection = this.on(request);
    if (connection !== undefined) return this.close(connection, 'discarded');
    this._waiting = this._waiting.filter((one) => one.request !== request);
  }

  resize(limits: Partial<ReferenceLimits>): void {
    Object.assign(this.limits, limits);
    const { maxConnections, maxConnectionsPerOrigin } = this.limits;
    for (const connection of this.idle()) {
      if (this.of(connection.origin).length > maxConnectionsPerOrigin) this.close(connection, 'limit');
    }
    for (const connection of this.idle()) if (this.connected > maxConnections) this.close(connection, 'limit');
    this.share();
  }

  /** Opens so many as there is room for; how many. */
  prewarm(origin: number, count: number): number {
    let opened = 0;
    for (; opened < count && this.mayOpen(origin); opened++) this.open(origin);
    return opened;
  }

  /** Closes what has been idle for too long, but for a few, and what is too old. */
  sweep(): void {
    for (const connection of this.idle()) {
      const over = this.over(connection);
      const isSpared = this.idle(connection.origin).length <= this.limits.minIdle;
      if (over === 'age' || (over === 'idle' && !isSpared)) this.close(connection, over);
    }
  }

  /** The server closes what it has idle. */
  peerClosesIdle(origin: number): void {
    for (const connection of this.idle(origin)) this.close(connection, 'peer');
  }

  /** Takes no more; serves who waits. */
  drain(): void {
    this._draining = true;
    for (const connection of this.idle()) this.close(connection, 'drain');
  }

  private of(origin: number): Connection[] {
    return this._connections.filter((one) => one.origin === origin);
  }

  private on(request: number): Connection | undefined {
    return this._connections.find((one) => one.request === request);
  }

  /** Idle ones, the one that has been for longest first. */
  private idle(origin?: number): Connection[] {
    return (origin === undefined ? this._connections : this.of(origin))
      .filter(({ request }) => request === undefined)
      .sort((one, other) => one.idleSince - other.idleSince);
  }

  private waitingAt(origin: number): { origin: number; request: number }[] {
    return this._waiting.filter((one) => one.origin === origin);
  }

  /** Who has waited for longest of those that another connection would help. */
  private longest(): { origin: number; request: number } | undefined {
    return this._waiting.find(({ origin }) => this.of(origin).length < this.limits.maxConnectionsPerOrigin);
  }

  /** The idle one that was used last, may be used again, and passes the hook: no other is asked about. */
  private usable(origin: number): Connection | undefined {
    for (const connection of this.idle(origin).reverse()) {
      const over = this.over(connection);
      const passes = over === undefined && this.validate?.(origin, connection.uses) !== false;
      if (passes) return connection;
      this.close(connection, over ?? 'discarded');
    }
    return undefined;
  }

  private over({ retiresAt, idleUntil, uses }: Connection): Reason | undefined {
    if (this.now >= retiresAt) return 'age';
    if (this.now >= idleUntil) return 'idle';
    return uses >= (this.limits.maxRequestsPerConnection ?? Infinity) ? 'requests' : undefined;
  }

  /** Whether there is a place, or one is made by closing what another origin has idle for longest. */
  private mayOpen(origin: number): boolean {
    const { maxConnections, maxConnectionsPerOrigin } = this.limits;
    if (this.of(origin).length >= maxConnectionsPerOrigin) return false;
    if (this.connected < maxConnections) return true;
    const oldest = this.idle().find((one) => one.origin !== origin);
    if (oldest !== undefined) this.drop(oldest, 'limit');
    return this.connected < maxConnections;
  }

  private open(origin: number): Connection {
    const retiresAt = this.now + (this.limits.maxConnectionAge ?? Infinity);
    const made: Connection = { origin, retiresAt, idleSince: 0, idleUntil: 0, uses: 0, request: undefined };
    this.rest(made);
    this._connections.push(made);
    this.created++;
    return made;
  }

  private rest(connection: Connection): void {
    connection.request = undefined;
    connection.idleSince = ++this._events;
    connection.idleUntil = this.now + this.limits.idleTimeout;
  }

  private give(connection: Connection, request: number, reused: boolean): void {
    connection.request = request;
    connection.uses++;
    if (reused) this.reused++;
  }

  /** Opens connections for those who wait, the longest first, while there are places. */
  private share(): void {
    for (let first = this.longest(); first !== undefined && this.mayOpen(first.origin); first = this.longest()) {
      this._waiting.splice(this._waiting.indexOf(first), 1);
      this.give(this.open(first.origin), first.request, false);
    }
  }

  private close(connection: Connection, reason: Reason): void {
    this.drop(connection, reason);
    this.share();
  }

  private drop(connection: Connection, reason: Reason): void {
    if (!this._connections.includes(connection)) return;
    this._connections = this._connections.filter((one) => one !== connection);
    this.retired[reason] = (this.retired[reason] ?? 0) + 1;
  }
}
