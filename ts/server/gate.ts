import { gateError } from '../net/gate-error.js';
import type { NativeGate } from '../native/binding.js';
import { native } from '../native/loader.js';
import type { ServerOptionValues } from '../options/server.generated.js';
import { isNative, type RateLimit } from './rate-limit.js';
import { nativeReputation } from './reputation.js';

/**
 * Tells the native core who may come in and how often. Throws where a network or a prefix is none.
 *
 * `place` names the counts that the threads of the process share under `limitScope: 'process'`: servers on one port are
 * one server.
 */
export function setGate(id: number, values: ServerOptionValues, place: string): void {
  const gate: NativeGate = {
    maxConnections: values.maxConnections ?? -1,
    maxConnectionsPerIp: values.maxConnectionsPerIp ?? -1,
    allow: [...(values.allow ?? [])],
    deny: [...(values.deny ?? [])],
    trustProxy: [...(values.trustProxy ?? [])],
    rates: nativeRates((values.rateLimits ?? []) as readonly RateLimit[]),
    reputation: nativeReputation(values.reputation),
    scope: values.limitScope === 'process' ? place : undefined,
  };
  const code = native.setGate(id, gate);
  if (code !== 0) throw gateError(code, gate);
}

/** Those that JavaScript checks are there too, without requests: where their prefix is the longest the others do not hold. */
function nativeRates(limits: readonly RateLimit[]): NativeGate['rates'] {
  if (!limits.some(isNative)) return [];
  return limits.map((limit) => ({
    prefix: limit.prefix ?? '/',
    byClient: limit.by !== 'route',
    requests: isNative(limit) ? limit.requests : 0,
    interval: limit.interval ?? 1_000,
    burst: limit.burst ?? limit.requests,
  }));
}
