import type { PooledConnection } from './pooled-connection.js';

/** The connections of a key that have exchanges and take more behind them. */
export class Pipes {
  private readonly _all: PooledConnection[] = [];

  /** Notes what an exchange that was put on a connection lets follow: so many at most, itself included. */
  begun(connection: PooledConnection, depth: number): void {
    connection.depth = connection.active === 1 ? depth : Math.min(connection.depth, depth);
    connection.piped ||= connection.active > 1;
    if (connection.depth > 1 && connection.active === 1) this._all.push(connection);
  }

  /** A connection is idle again, or gone. */
  left(connection: PooledConnection): void {
    if (connection.depth === 1) return;
    connection.depth = 1;
    const place = this._all.indexOf(connection);
    const last = this._all.pop();
    if (last !== undefined && last !== connection) this._all[place] = last;
  }

  /** The one with the fewest exchanges of those that `depth` of them may be on; undefined: there is none. */
  shortest(depth: number, mostUses: number): PooledConnection | undefined {
    let found: PooledConnection | undefined;
    let now = 0;
    for (const connection of this._all) {
      const { active } = connection;
      if (active >= connection.depth || active >= depth || (found !== undefined && active >= found.active)) continue;
      now ||= performance.now();
      if (connection.leaving !== null || connection.uses >= mostUses || now >= connection.retiresAt) continue;
      found = connection;
      if (active === 1) break;
    }
    return found;
  }
}
