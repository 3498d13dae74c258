import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const running = new Set<Server>();

/** The address of a responder over http that answers as the listener does; it ends with its test. */
export async function responder(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  running.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/ocsp`;
}

/** Ends the responders. */
export async function closeResponders(): Promise<void> {
  for (const server of running) {
    running.delete(server);
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}
