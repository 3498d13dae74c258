import type { ServeOptions, Server, TlsServerOptions } from '../../ts/index.js';
import { serve } from '../../ts/index.js';
import { census } from '../../ts/native/events.js';
import { until } from './condition.js';
import { cutClients, RawClient } from './raw-client.js';

const running = new Set<Server>();
let everyone: TlsServerOptions | undefined;

/** Servers that say nothing of TLS speak it from now on. */
export function serveEverywhereWith(tls: TlsServerOptions): void {
  everyone = tls;
}

/** What servers that say nothing of TLS have of it. */
export function tlsOfAll(): { tls?: TlsServerOptions } {
  return everyone === undefined ? {} : { tls: everyone };
}

/** A server on the loopback that ends with its test. */
export async function start(options: ServeOptions): Promise<Server> {
  const place = 'path' in options || 'host' in options ? {} : { host: '127.0.0.1' };
  const server = await serve({ ...place, ...tlsOfAll(), ...options });
  running.add(server);
  server.once('close', () => running.delete(server));
  return server;
}

/** Destroys servers that do not end with their test, and waits until each knows: what is under way is not the next file's. */
export async function destroyed(...servers: { destroy(): void; close(): Promise<unknown> }[]): Promise<void> {
  for (const server of servers) server.destroy();
  await Promise.all(servers.map((server) => server.close()));
}

/** A server and a client of it. */
export async function startWithClient(options: ServeOptions): Promise<{ server: Server; client: RawClient }> {
  const server = await start(options);
  return { server, client: await RawClient.connect(server) };
}

/** Ends servers and clients after each test of a file; the native core must then hold what it held before. */
export function endsWithItsTest(): void {
  let before: ReturnType<typeof census>;
  beforeEach(() => {
    before = census();
  });
  afterEach(async () => {
    cutClients();
    for (const server of running) server.destroy();
    const held = (): string => JSON.stringify({ ...census(), buffers: 0 });
    const wanted = JSON.stringify({ ...before, buffers: 0 });
    await until(
      () => running.size === 0 && held() === wanted,
      () => `left behind: ${held()}, before: ${wanted}`,
    );
  });
}

/** A request without a body, with a Host and the fields given. */
export function get(target = '/', ...fields: string[]): string {
  return request('GET', target, fields);
}

/** A POST with a body of known length. */
export function post(target: string, body: string, ...fields: string[]): string {
  return request('POST', target, [`Content-Length: ${body.length}`, ...fields]) + body;
}

/** A head. */
export function request(method: string, target: string, fields: string[] = []): string {
  return `${method} ${target} HTTP/1.1\r\n${['Host: a', ...fields].map((field) => `${field}\r\n`).join('')}\r\n`;
}

/** A chunked body of the parts. */
export function chunked(parts: string[], trailers = ''): string {
  return `${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n${trailers}\r\n`;
}
