import { MillraceError } from '../errors/millrace-error.js';
import { isEnabled, logRecord } from '../log/log.js';
import type { Socket } from '../net/socket.js';
import { PROXY_CHANNELS } from './channels.js';
import type { TunnelMessage } from './channels.js';
import type { Gateway, ProxyRequest } from './gateway.js';

/** What became of a tunnel. */
export interface TunnelStats {
  readonly request: ProxyRequest;
  /** Bytes from the client to the target, and back. */
  readonly sent: number;
  readonly received: number;
  /** From the request to the end, in ms. */
  readonly duration: number;
  /** Why it did not open, or did not end by itself; null where it did. */
  readonly error: Error | null;
}

export interface TunnelLimits {
  readonly idleTimeout: number | null;
  readonly totalTimeout: number | null;
}

/** How a protocol tells its client. */
export interface TunnelClient {
  /** Aborted when the client goes away before its tunnel is open. */
  readonly signal: AbortSignal;
  /** The proxies that its request has passed; empty where the protocol does not say. */
  readonly via?: string;
  /** The client's side of the tunnel; null when it is gone. */
  grant(upstream: Socket): Socket | null;
  refuse(error: unknown): void;
}

/** One tunnel from its request to its end; never rejects. */
export async function tunnel(
  gateway: Gateway,
  request: ProxyRequest,
  client: TunnelClient,
  { idleTimeout, totalTimeout }: TunnelLimits,
): Promise<{ stats: TunnelStats; opened: boolean }> {
  const started = performance.now();
  let failure: Error | null = null;
  let upstream: Socket | undefined;
  let isOpen = false;
  try {
    upstream = await gateway.open(request, client.signal, client.via);
    client.signal.throwIfAborted();
    const side = client.grant(upstream);
    if (side === null) throw new MillraceError('MILLRACE_CONNECTION_CLOSED', 'the client of the proxy went away');
    isOpen = true;
    const { opened } = PROXY_CHANNELS;
    if (opened.hasSubscribers) opened.publish({ request } satisfies TunnelMessage);
    await side.pipeTo(upstream, { idleTimeout, totalTimeout });
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    if (!isOpen) client.refuse(error);
  } finally {
    upstream?.destroy();
  }
  // Its other side may have had a head of HTTP besides.
  const [sent, received] = [upstream?.bytesWritten ?? 0, upstream?.bytesRead ?? 0];
  const stats = { request, sent, received, duration: performance.now() - started, error: failure };
  const { closed } = PROXY_CHANNELS;
  if (closed.hasSubscribers) closed.publish(stats satisfies TunnelStats);
  if (isEnabled('debug')) record(stats);
  return { stats, opened: isOpen };
}

function record({ request, sent, received, duration, error }: TunnelStats): void {
  const { protocol, host, port, remoteAddress } = request;
  logRecord('debug', 'proxy', error === null ? 'a tunnel has ended' : 'a tunnel has failed', {
    protocol,
    host,
    port,
    peer: remoteAddress,
    sent,
    received,
    duration,
    ...(error === null ? null : { error }),
  });
}
