import type { Listener, ListenSocketOptions, OnConnection, Socket } from '../../ts/index.js';
import { connect, listen, MillraceError } from '../../ts/index.js';
import { until } from './condition.js';

const running = new Set<Listener>();
const paired = new Set<Socket>();

/** A raw listener on the loopback that ends with its test. */
export async function startListener(onConnection: OnConnection, options: ListenSocketOptions = {}): Promise<Listener> {
  const place = 'path' in options || 'host' in options || 'fd' in options ? {} : { host: '127.0.0.1' };
  const listener = await listen({ ...place, ...options }, onConnection);
  running.add(listener);
  listener.once('close', () => running.delete(listener));
  return listener;
}

/** To be called before `endsWithItsTest`, which looks at what is left. */
export function listenersEndWithTheirTest(): void {
  afterEach(async () => {
    for (const listener of running) listener.destroy();
    for (const socket of paired) socket.destroy();
    paired.clear();
    await until(() => running.size === 0, 'the listeners have closed');
  });
}

/** Sends back what comes. */
export const echo = async (socket: Socket): Promise<void> => {
  try {
    for await (const chunk of socket) if (!socket.write(chunk)) await socket.drained();
    await socket.end();
  } catch (error) {
    // A peer that cuts it has had enough.
    if (!(error instanceof MillraceError) || error.kind !== 'closed') throw error;
  }
};

/** All that comes until the peer ends. */
export async function rest(socket: Socket): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of socket) parts.push(chunk);
  return Buffer.concat(parts);
}

/** Says it, ends, and answers with what comes back. */
export async function said(socket: Socket, what: string | Uint8Array): Promise<string> {
  socket.write(what);
  const [answer] = await Promise.all([rest(socket), socket.end()]);
  return answer.toString();
}

/** Both ends of a TCP connection within this process: ours, and the one that a listener accepted. */
export async function pair(
  options: ListenSocketOptions = {},
  connecting: object = {},
): Promise<{ near: Socket; far: Socket; listener: Listener }> {
  let give: (socket: Socket) => void = () => undefined;
  const accepted = new Promise<Socket>((resolve) => (give = resolve));
  const listener = await startListener((socket) => give(socket), options);
  const place = options.path === undefined ? { host: '127.0.0.1', port: listener.port } : { path: options.path };
  const [near, far] = await Promise.all([connect({ ...place, ...connecting }), accepted]);
  paired.add(near).add(far);
  return { near, far, listener };
}
