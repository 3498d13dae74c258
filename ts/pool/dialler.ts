import { errorFromNative } from '../errors/native-error.js';
import { native } from '../native/loader.js';
import type { ConnectNotes } from '../net/connect.js';
import { connectNoting } from '../net/connect.js';
import type { Socket } from '../net/socket.js';
import type { ConnectTimeouts } from '../options/connect-timeouts.generated.js';
import type { PoolKey } from './pool-key.js';
import type { PooledConnection } from './pooled-connection.js';

/** What a dial came to. */
export interface Dialled {
  /** The connection's handle in the native core. */
  readonly id: number;
  /** Its socket, where the key is of raw ones. */
  readonly socket: Socket | null;
  readonly phases: PooledConnection['phases'];
}

/** Makes connections as a key has them. */
export class Dialler {
  private readonly _key: PoolKey;
  /** What cuts the dials that are under way. */
  private readonly _cuts = new Set<AbortController>();

  constructor(key: PoolKey) {
    this._key = key;
  }

  /** Makes one. */
  async dial(timeouts: ConnectTimeouts): Promise<Dialled> {
    const began = performance.now();
    const notes: ConnectNotes = {};
    const cut = new AbortController();
    this._cuts.add(cut);
    try {
      const socket = await connectNoting({ ...this.optionsOf(timeouts), signal: cut.signal }, notes);
      const { dns = null } = notes;
      const { proxy, tls } = socket.handshakes;
      const connect = Math.max(0, performance.now() - began - (dns ?? 0) - (proxy ?? 0) - (tls ?? 0));
      return this.handOver(socket, { dns, connect, proxy, tls });
    } finally {
      this._cuts.delete(cut);
    }
  }

  /** Cuts what is under way. */
  abort(error: Error): void {
    for (const cut of this._cuts) cut.abort(error);
  }

  /** Has the core speak HTTP on a connection that is not for raw use. */
  private handOver(socket: Socket, phases: Dialled['phases']): Dialled {
    const { scheme } = this._key;
    if (scheme === 'tcp' || scheme === 'tls') return { id: socket.id, socket, phases };
    const id = socket.surrender();
    const code = native.becomeClient(id);
    if (code === undefined) return { id, socket: null, phases };
    native.destroy(id);
    throw errorFromNative(code);
  }

  private optionsOf(timeouts: ConnectTimeouts): Parameters<typeof connectNoting>[0] {
    const { scheme, host, port, tls, localAddress, socketPath, family, proxy, resolver } = this._key;
    const secure = scheme === 'https' || scheme === 'tls';
    return {
      ...(socketPath === undefined ? { host, port } : { path: socketPath }),
      ...(secure ? { tls: tls ?? true } : null),
      ...(localAddress === undefined ? null : { localAddress }),
      ...(family === undefined ? null : { family }),
      ...(resolver === undefined ? null : { resolver }),
      ...(proxy === undefined || proxy === null ? null : { proxy }),
      timeouts,
    };
  }
}
