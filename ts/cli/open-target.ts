/** Listening, with the port that was asked for or the next best. */
import { constants } from 'node:os';

import type { Server, ServeOptions } from '../index.js';
import { features, MillraceError, serve } from '../index.js';
import { Complaint } from './complaint.js';

/** Files of a developer's folder are nobody else's business unless asked for. */
export const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 3000;

/** Where to listen. */
export interface Place {
  port: number | undefined;
  host: string | undefined;
  /** How many threads will listen there. */
  threads: number;
}

/** A server, and what is to be said when its port is not the usual one. */
export interface Opened {
  server: Server;
  moved: string;
}

/**
 * Starts a server. A port that was asked for, on the command line or by the module's options, is had or refused; the
 * default gives way to a free one.
 */
export async function openTarget(options: ServeOptions, place: Place): Promise<Opened> {
  const asked = place.port ?? options.port;
  const host = place.host ?? options.host;
  if (options.path !== undefined) {
    if (place.threads > 1) throw new Complaint('a Unix socket (`path`) is for one thread: leave --workers out');
    return { server: await serve(options), moved: '' };
  }
  const at = { ...options, host: host ?? DEFAULT_HOST };
  const shared = place.threads > 1;
  if (shared && !features().reusePort) {
    throw new Complaint('--workers needs a system on which several threads can listen on one port, as Linux does');
  }
  const open = async (port: number): Promise<Server> => {
    if (!shared) return serve({ ...at, port });
    // Sharing a port with a stranger who shares it too would pass unnoticed: ask for it alone first.
    const probe = await serve({ ...at, port, reusePort: false });
    const found = probe.port;
    await probe.close({ timeout: 0 });
    return serve({ ...at, port: found, reusePort: true });
  };
  try {
    return { server: await open(asked ?? DEFAULT_PORT), moved: '' };
  } catch (error) {
    if (!isTaken(error)) throw error;
    if (asked !== undefined) throw new Complaint(`port ${asked} of ${at.host} is taken`);
    return { server: await open(0), moved: ` (port ${DEFAULT_PORT} is taken)` };
  }
}

/** A further server on a port that the first one of this process listens on. */
export function joinTarget(options: ServeOptions, place: { port: number; host: string | undefined }): Promise<Server> {
  const host = place.host ?? options.host ?? DEFAULT_HOST;
  return serve({ ...options, host, port: place.port, reusePort: true });
}

function isTaken(error: unknown): boolean {
  return error instanceof MillraceError && error.errno === -constants.errno.EADDRINUSE;
}
