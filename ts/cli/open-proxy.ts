/** Listening as a proxy, with the port that was asked for or the next best. */
import { constants } from 'node:os';

import type { ProxyServer, ProxyServerOptions } from '../index.js';
import { createProxyServer, features, MillraceError } from '../index.js';
import { Complaint } from './complaint.js';

export const DEFAULT_PROXY_PORT = 1080;

/** A proxy on the port that was asked for, or else on the usual one or a free one; `threads`: how many will listen there. */
export async function openProxy(
  options: ProxyServerOptions,
  threads = 1,
): Promise<{ proxy: ProxyServer; moved: string }> {
  if (threads > 1 && !features().reusePort) {
    throw new Complaint('--workers needs a system on which several threads can listen on one port, as Linux does');
  }
  const open = async (port: number): Promise<ProxyServer> => {
    if (threads === 1) return createProxyServer({ ...options, port });
    // Sharing a port with a stranger who shares it too would pass unnoticed: ask for it alone first.
    const probe = await createProxyServer({ ...options, port });
    const found = probe.port;
    await probe.close({ timeout: 0 });
    return joinProxy(options, found);
  };
  try {
    return { proxy: await open(options.port ?? DEFAULT_PROXY_PORT), moved: '' };
  } catch (error) {
    const isTaken = error instanceof MillraceError && error.errno === -constants.errno.EADDRINUSE;
    if (!isTaken) throw error;
    if (options.port !== undefined) {
      throw new Complaint(`port ${options.port} of ${options.host ?? '127.0.0.1'} is taken`);
    }
    return { proxy: await open(0), moved: ` (port ${DEFAULT_PROXY_PORT} is taken)` };
  }
}

/** A further proxy on a port that the first one of this process listens on. */
export function joinProxy(options: ProxyServerOptions, port: number): Promise<ProxyServer> {
  return createProxyServer({ ...options, port, reusePort: true });
}

export function placeOf(proxy: ProxyServer): string {
  const place = proxy.address();
  if (place === null || typeof place === 'string') return String(place);
  return `${place.address.includes(':') ? `[${place.address}]` : place.address}:${place.port}`;
}
