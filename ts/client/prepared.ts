import type { ConnectTimeouts } from '../options/connect-timeouts.generated.js';
import type { Destination } from './destination.js';
import type { ExchangeEvents } from './events.js';
import type { RequestMemory } from './request-memory.js';

/** A request as it goes to the native core; everything is checked. */
export interface Prepared {
  readonly destination: Destination;
  readonly method: string;
  readonly methodNumber: number;
  readonly target: string;
  /** The number of fields that the core knows; 0: none. */
  readonly fields: number;
  /** More fields, `name\0value\0…`; all of them, where `fields` is 0. */
  readonly block: string | undefined;
  readonly profile: number;
  /** A body that is whole. */
  readonly body: string | Uint8Array | undefined;
  /** A body that comes in chunks: opened for each try. */
  readonly stream: { open(): AsyncIterable<Uint8Array | string>; readonly isReplayable: boolean } | undefined;
  /** Whether it may be sent twice with the effect of once. */
  readonly idempotent: boolean;
  /** How many requests may be on its connection at a time. */
  readonly pipelining: number;
  readonly informational: boolean;
  readonly upgrade: boolean;
  /** How long the body waits for 100 Continue; 0: it does not. */
  readonly expectContinue: number;
  readonly acquireTimeout: number;
  /** From `startedAt`; 0: none. */
  readonly totalTimeout: number;
  readonly connectTimeouts: ConnectTimeouts;
  readonly signal: AbortSignal | undefined;
  /** What may be buffered for it; null: no limit of its own. */
  readonly memory: RequestMemory | null;
  /** Who listens on diagnostics channels. */
  readonly events: ExchangeEvents | null;
}

/** A request that must not fail with others, or that others must not wait for, has its connection alone (RFC 9112 §9.3.2). */
export function depthOf({ pipelining, idempotent, stream, upgrade, method }: Prepared): number {
  return idempotent && stream === undefined && !upgrade && method !== 'CONNECT' ? pipelining : 1;
}

/** The head as it leaves, for who listens. */
export function headOf({ method, target, block }: Prepared): string {
  let text = `${method} ${target} HTTP/1.1\r\n`;
  const parts = (block ?? '').split('\0');
  for (let place = 0; place + 1 < parts.length; place += 2) text += `${parts[place]}: ${parts[place + 1]}\r\n`;
  return `${text}\r\n`;
}
