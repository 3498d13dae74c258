import { lookupTimeout } from './dns-error.js';
import type { MillraceError } from '../errors/millrace-error.js';
import { parseHost } from './host-name.js';
import type { Host } from './host-name.js';
import type { LookupLimits } from './names.js';
import type { Family } from './resolved-address.js';

/** One call of a name service: who asks for what, and when it is late. */
export class Call {
  /** As the caller gave it. */
  readonly host: string;
  readonly parsed: Host;
  readonly families: readonly Family[];
  readonly signal: AbortSignal | null;
  private readonly _timeout: number;
  private readonly _option: string;
  private readonly _began = performance.now();

  /** `timeout`: the resolver's own. Throws where the host is none. */
  constructor(host: string, limits: LookupLimits, timeout: number) {
    this.host = host;
    this.parsed = parseHost(host);
    const { family = 0 } = limits;
    this.families = family === 0 ? [6, 4] : [family];
    this.signal = limits.signal ?? null;
    const isOwn = limits.timeout === undefined || timeout < limits.timeout;
    this._timeout = isOwn ? timeout : (limits.timeout ?? timeout);
    this._option = isOwn ? 'timeout' : (limits.option ?? 'timeout');
  }

  /** What the answer is kept under. */
  get key(): string {
    return keyOf(this.parsed, this.families.length === 1 ? (this.families[0] ?? 0) : 0);
  }

  /** Milliseconds that are left. */
  get remaining(): number {
    return Math.max(0, this._began + this._timeout - performance.now());
  }

  timedOut(): MillraceError {
    return lookupTimeout(this.host, this._option, this._timeout);
  }
}

function keyOf({ name, absolute }: Pick<Host, 'name' | 'absolute'>, family: 0 | Family): string {
  return `${name}${absolute ? '.' : ''} ${family}`;
}

/** All keys that a name may be kept under. */
export function keysOf(name: string): string[] {
  const families = [0, 4, 6] as const;
  return [true, false].flatMap((absolute) => families.map((family) => keyOf({ name, absolute }, family)));
}
