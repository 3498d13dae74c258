/** What a running proxy does, on a terminal as one line that changes, elsewhere as a line now and then. */
import type { ProxyServerStats } from '../index.js';

const TERMINAL_MS = 500;
const PLAIN_MS = 10_000;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Where lines go. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class Counters {
  readonly #read: () => ProxyServerStats;
  readonly #out: Output;
  readonly #timer: NodeJS.Timeout;
  #last: ProxyServerStats;
  #time = performance.now();
  #said = '';

  /** `every`: ms between two lines; by itself half a second on a terminal and ten elsewhere. */
  constructor(read: () => ProxyServerStats, out: Output, every: number | undefined) {
    this.#read = read;
    this.#out = out;
    this.#last = read();
    this.#timer = setInterval(() => this.#show(), every ?? (out.isTTY === true ? TERMINAL_MS : PLAIN_MS));
  }

  /** Ends it with a last line. */
  stop(): void {
    clearInterval(this.#timer);
    this.#show();
    if (this.#out.isTTY === true) this.#out.write('\n');
  }

  #show(): void {
    const now = performance.now();
    const stats = this.#read();
    const text = countersText(stats, this.#last, (now - this.#time) / 1_000);
    this.#last = stats;
    this.#time = now;
    if (this.#out.isTTY === true) this.#out.write(`\r\x1b[K${text}`);
    // A log is not filled with the same.
    else if (text !== this.#said) this.#out.write(`millrace: ${text}\n`);
    this.#said = text;
  }
}

/** The counts of several proxies as those of one. */
export function sumOf(all: readonly (ProxyServerStats | null)[]): ProxyServerStats {
  const sum: ProxyServerStats = {
    connections: { active: 0, accepted: 0, refused: 0 },
    handshakes: { late: 0, malformed: 0 },
    tunnels: { active: 0, ended: 0, failed: 0 },
    denied: { forbidden: 0, prohibited: 0, loops: 0 },
    forwarded: 0,
    unauthenticated: 0,
    bytes: { sent: 0, received: 0 },
    wire: { received: 0, sent: 0 },
  };
  for (const one of all) {
    for (const [name, value] of Object.entries(one ?? {}) as [string, number | Record<string, number>][]) {
      if (typeof value === 'number') sum[name as 'forwarded'] += value;
      else {
        const group = sum[name as 'tunnels'] as Record<string, number>;
        for (const [part, count] of Object.entries(value)) group[part] = (group[part] ?? 0) + count;
      }
    }
  }
  return sum;
}

/** One line of what there is, and how fast bytes moved since `before`. */
export function countersText(stats: ProxyServerStats, before: ProxyServerStats, seconds: number): string {
  const { connections, tunnels, unauthenticated, handshakes, denied, wire } = stats;
  const rate = (of: 'received' | 'sent'): string =>
    `${bytes((wire[of] - before.wire[of]) / Math.max(seconds, 0.001))}/s`;
  const counted = (count: number, what: string): string => (count === 0 ? '' : `, ${count} ${what}`);
  return (
    `connections ${connections.active} of ${connections.accepted}${counted(connections.refused, 'refused')}` +
    `${counted(handshakes.late + handshakes.malformed, 'broken')}${counted(unauthenticated, 'unauthenticated')}` +
    ` · tunnels ${tunnels.active} open, ${tunnels.ended} ended, ${tunnels.failed} failed` +
    `${counted(denied.forbidden + denied.prohibited + denied.loops, 'denied')}` +
    ` · ${rate('received')} in, ${rate('sent')} out`
  );
}

function bytes(value: number): string {
  const step = value < 1_024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(value) / 10));
  return `${step === 0 ? Math.round(value) : (value / 1_024 ** step).toFixed(1)} ${UNITS[step]}`;
}
