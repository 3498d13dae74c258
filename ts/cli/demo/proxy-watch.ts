/** The proxy beside the demo page, and its tunnels as the page shows them. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { ProxyRequest, ProxyServer, TunnelStats } from '../../index.js';
import { createProxyServer } from '../../index.js';

/** A tunnel, open or over. */
export interface TunnelRow {
  protocol: string;
  target: string;
  /** Milliseconds since the epoch. */
  opened: number;
  /** Of one that is over; null while it is open. */
  over: { sent: number; received: number; duration: number; failed: boolean } | null;
}

/** The proxy at one moment. */
export interface ProxyState {
  port: number;
  tunnels: { active: number; ended: number; failed: number };
  bytesPerSecond: { received: number; sent: number };
  /** The newest that are open, and the last that have ended. */
  open: TunnelRow[];
  over: TunnelRow[];
}

const MAX_ROWS = 8;
/** Of a name that a client has made up. */
const MAX_TARGET = 64;
const OPENED = 'millrace:proxy:tunnel:open';

/** A proxy for this host alone. */
export class ProxyWatch {
  private readonly _open = new Map<ProxyRequest, TunnelRow>();
  private readonly _over: TunnelRow[] = [];
  private _wire = { received: 0, sent: 0 };
  private _time = performance.now();
  private _proxy: ProxyServer | undefined;

  static async start(): Promise<ProxyWatch> {
    const watch = new ProxyWatch();
    watch._proxy = await createProxyServer({ port: 0, onClose: (stats) => watch.ended(stats) });
    subscribe(OPENED, watch.opened);
    return watch;
  }

  get port(): number {
    return this._proxy?.port ?? 0;
  }

  /** What there is, and how fast bytes moved since it was asked before. */
  state(): ProxyState | null {
    if (this._proxy === undefined) return null;
    const { tunnels, wire } = this._proxy.stats();
    const now = performance.now();
    const seconds = Math.max(now - this._time, 1) / 1_000;
    const received = (wire.received - this._wire.received) / seconds;
    const sent = (wire.sent - this._wire.sent) / seconds;
    this._time = now;
    this._wire = wire;
    const open = [...this._open.values()].slice(-MAX_ROWS).reverse();
    return { port: this.port, tunnels, bytesPerSecond: { received, sent }, open, over: [...this._over] };
  }

  async close(timeout: number): Promise<void> {
    unsubscribe(OPENED, this.opened);
    await this._proxy?.close({ timeout });
  }

  private readonly opened = (message: unknown): void => {
    const { request } = message as { request: ProxyRequest };
    this._open.set(request, rowOf(request, null));
  };

  private ended({ request, sent, received, duration, error }: TunnelStats): void {
    const row = this._open.get(request) ?? rowOf(request, null);
    const failed = !this._open.delete(request);
    this._over.unshift({ ...row, over: { sent, received, duration, failed: failed && error !== null } });
    if (this._over.length > MAX_ROWS) this._over.pop();
  }
}

function rowOf({ protocol, host, port }: ProxyRequest, over: TunnelRow['over']): TunnelRow {
  const name = host.length > MAX_TARGET ? `${host.slice(0, MAX_TARGET)}…` : host;
  return { protocol, target: `${name.includes(':') ? `[${name}]` : name}:${port}`, opened: Date.now(), over };
}
