import type { Socket } from 'node:dgram';
import { isIP } from 'node:net';

import { logRecord } from '../log/log.js';
import type { OptionTable } from '../options/table.js';
import { validateOptions } from '../options/validate.js';
import { packLines } from './pack-lines.js';
import { STATSD_ROWS, StatsdReader } from './statsd.js';
import type { StatsdOptions, StatsdValues } from './statsd.js';

/** Where to, and how often, `pushStatsd` sends. */
export interface StatsdPushOptions extends StatsdOptions {
  /** A name or an address; default `127.0.0.1`. A name is resolved anew for each push. */
  host?: string | undefined;
  /** Default 8125. */
  port?: number | undefined;
  /** Milliseconds from push to push (10…86 400 000, default 10 000, as StatsD flushes). */
  interval?: number | undefined;
  /** Bytes of one datagram at most (128…65 507); default 1 432, which fits an Ethernet frame with room for tunnels. */
  maxPacketSize?: number | undefined;
}

interface PushValues extends StatsdValues {
  readonly host: string;
  readonly port: number;
  readonly interval: number;
  readonly maxPacketSize: number;
}

const OPTIONS: OptionTable<PushValues> = {
  owner: 'pushStatsd',
  required: [],
  exclusive: [],
  rows: [
    ...STATSD_ROWS,
    { name: 'host', type: 'string', default: '127.0.0.1' },
    { name: 'port', type: 'integer', min: 1, max: 65_535, default: 8_125 },
    { name: 'interval', type: 'integer', min: 10, max: 86_400_000, default: 10_000 },
    { name: 'maxPacketSize', type: 'integer', min: 128, max: 65_507, default: 1_432 },
  ],
};

/** Sends the metrics of the process to a StatsD server until it is closed. One for a process is enough. */
export function pushStatsd(options: StatsdPushOptions = {}): StatsdPusher {
  return new StatsdPusher(validateOptions(OPTIONS, options));
}

/**
 * Pushes at its interval; it does not keep the process alive. What fails is logged, once until a push succeeds again,
 * and thrown at nobody. While the host's name cannot be resolved nothing is read, so the next push has it all.
 */
export class StatsdPusher {
  private readonly _values: PushValues;
  private readonly _reader: StatsdReader;
  private readonly _timer: NodeJS.Timeout;
  private _socket: { readonly family: number; readonly udp: Socket } | null = null;
  /** The push that is under way, and after it those that were asked for meanwhile. */
  private _pushing: Promise<void> = Promise.resolve();
  private _waits = false;
  private _hasFailed = false;
  private _closed: Promise<void> | null = null;

  /** @internal */
  constructor(values: PushValues) {
    const { prefix, dialect, tags } = values;
    this._values = values;
    this._reader = new StatsdReader({ prefix, dialect, tags });
    this._timer = setInterval(() => void this.push(), values.interval).unref();
  }

  /** Sends what came since the last push, now; resolves when the datagrams are with the system, or have failed. */
  push(): Promise<void> {
    if (this._closed !== null || this._waits) return this._pushing;
    return this.enqueue();
  }

  /** Sends what is left and ends. */
  close(): Promise<void> {
    if (this._closed === null) {
      clearInterval(this._timer);
      this._closed = this.enqueue().then(() => this.dropSocket());
    }
    return this._closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private enqueue(): Promise<void> {
    this._waits = true;
    this._pushing = this._pushing.then(() => {
      this._waits = false;
      return this.send();
    });
    return this._pushing;
  }

  private async send(): Promise<void> {
    const { host, port, maxPacketSize } = this._values;
    try {
      const { address, family } = await addressOf(host);
      const udp = await this.socketFor(family);
      const packets = packLines(this._reader.read(), maxPacketSize);
      await Promise.all(packets.map((packet) => sendTo(udp, packet, port, address)));
      this._hasFailed = false;
    } catch (error) {
      this.failed(error);
    }
  }

  private async socketFor(family: number): Promise<Socket> {
    if (this._socket?.family !== family) {
      const { createSocket } = await import('node:dgram');
      this.dropSocket();
      const udp = createSocket(family === 6 ? 'udp6' : 'udp4').unref();
      udp.on('error', (error) => this.failed(error));
      this._socket = { family, udp };
    }
    return this._socket.udp;
  }

  private dropSocket(): void {
    this._socket?.udp.close();
    this._socket = null;
  }

  private failed(error: unknown): void {
    if (this._hasFailed) return;
    this._hasFailed = true;
    const { host, port } = this._values;
    logRecord('warn', 'metrics', 'a push to StatsD failed', { err: error, host, port });
  }
}

/** Modules that only a pusher needs are loaded by one: the package's import is quick. */
async function addressOf(host: string): Promise<{ address: string; family: number }> {
  const family = isIP(host);
  if (family !== 0) return { address: host, family };
  const { lookup } = await import('node:dns/promises');
  return lookup(host);
}

function sendTo(udp: Socket, packet: Buffer, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    udp.send(packet, port, address, (error) => (error === null ? resolve() : reject(error)));
  });
}
