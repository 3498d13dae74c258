import { misuse } from '../errors/millrace-error.js';
import { quote } from '../errors/escape.js';
import type { PoolOptionValues } from '../options/pool.generated.js';
import { POOL_OPTIONS } from '../options/pool.generated.js';
import { changeOptions } from '../options/validate.js';
import { ConnectionPool } from './pool.js';
import type { PoolOptions } from './pool.js';
import type { PoolLimits } from './pool-key.js';

/** Of a whole pool, and never of an origin's part. */
const OF_ALL: readonly string[] = ['maxConnections', 'onResize'];

/** What was given of a pool's options for some of its origins, checked; undefined for nothing, and for another pool. */
export function poolLimits(owner: string, given: ConnectionPool | PoolOptions | null): PoolLimits | undefined {
  if (given === null || given instanceof ConnectionPool) return undefined;
  const name = OF_ALL.find((one) => (given as Record<string, unknown>)[one] !== undefined);
  if (name !== undefined) {
    const message = `${owner}: option ${quote(name)} is of a whole pool, and cannot be given for some of its origins`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  const limits: PoolLimits = changeOptions(POOL_OPTIONS, owner, {} as PoolOptionValues, given);
  return Object.keys(limits).length === 0 ? undefined : limits;
}
