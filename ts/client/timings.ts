/** How long a connection took to make, by phase, in milliseconds; null for a phase that there was not. */
export interface ConnectionPhases {
  readonly dns: number | null;
  readonly connect: number | null;
  readonly proxy: number | null;
  readonly tls: number | null;
}

/** Moments of a request, in the order in which they come. */
export type Moment = 'assigned' | 'sent' | 'headers' | 'end';

const NO_PHASES: ConnectionPhases = { dns: null, connect: null, proxy: null, tls: null };

/**
 * How long a request took, phase by phase, in milliseconds by the monotonic clock. A phase that there was not, or that is
 * not over yet, is null.
 *
 *     start ─ queued ─ dns ─ connect ─ proxy ─ tls ─ assigned ─ send ─ sent ─ headers ─ headers ─ body ─ end
 *
 * Of a request that was made again (redirected, retried, challenged) the phases are those of its last try, `total` is
 * all of them.
 */
export class Timings {
  /** When the request was made, as `performance.now()` tells it. */
  readonly start: number;
  private readonly _began: number;
  private _phases = NO_PHASES;
  private _reused = false;
  private _assigned = NaN;
  private _sent = NaN;
  private _headers = NaN;
  private _end = NaN;

  /** `start`: when the first of several tries began. */
  constructor(start?: number) {
    this._began = performance.now();
    this.start = start ?? this._began;
  }

  /** The next try of the same request. */
  again(): Timings {
    return new Timings(this.start);
  }

  /** Notes a moment, once: of what comes twice, the first counts. */
  mark(moment: Moment, at = performance.now()): void {
    if (moment === 'assigned') this._assigned = first(this._assigned, at);
    else if (moment === 'sent') this._sent = first(this._sent, at);
    else if (moment === 'headers') this._headers = first(this._headers, at);
    else this._end = first(this._end, at);
  }

  /** The connection is there: one of before, or one that was made for this request. */
  connected(phases: ConnectionPhases | 'reused', at = performance.now()): void {
    this._reused = phases === 'reused';
    this._phases = phases === 'reused' ? NO_PHASES : phases;
    // Of a request that is sent again, because its connection was dead, the first try counts as waiting.
    this._assigned = at;
    this._sent = NaN;
  }

  /** Whether the connection had carried requests before. */
  get reused(): boolean {
    return this._reused;
  }

  /** Until a connection was free or one began to be made for it. */
  get queued(): number | null {
    const { dns, connect, proxy, tls } = this._phases;
    const made = (dns ?? 0) + (connect ?? 0) + (proxy ?? 0) + (tls ?? 0);
    return between(this._began, this._assigned - made);
  }

  /** The resolver. */
  get dns(): number | null {
    return this._phases.dns;
  }

  /** All attempts to connect, those of Happy Eyeballs together. */
  get connect(): number | null {
    return this._phases.connect;
  }

  /** From the connection to the first proxy until the last had opened its tunnel, TLS with proxies included. */
  get proxy(): number | null {
    return this._phases.proxy;
  }

  /** The TLS handshake with the server. */
  get tls(): number | null {
    return this._phases.tls;
  }

  /** Until the last byte of the request was with the kernel. */
  get send(): number | null {
    return between(this._assigned, this._sent);
  }

  /** From then until the head of the answer was there; 0 where it came before. */
  get headers(): number | null {
    return between(this._sent, this._headers);
  }

  /** From then until the last byte of the answer was. */
  get body(): number | null {
    return between(this._headers, this._end);
  }

  /** From the call to the last byte, over all tries. */
  get total(): number | null {
    return between(this.start, this._end);
  }

  toJSON(): Record<string, number | boolean | null> {
    const { queued, dns, connect, proxy, tls, send, headers, body, total, reused } = this;
    return { queued, dns, connect, proxy, tls, send, headers, body, total, reused };
  }
}

function first(noted: number, at: number): number {
  return Number.isNaN(noted) ? at : noted;
}

/** Moments that came in another order (an answer before the request had ended) are together. */
function between(from: number, to: number): number | null {
  const time = to - from;
  return Number.isNaN(time) ? null : Math.max(0, time);
}
