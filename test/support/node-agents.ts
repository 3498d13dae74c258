// Node's HTTP clients with agents of ours, and Node's servers that they ask.
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, RequestOptions, Server as NodeServer } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import type { ServerOptions } from 'node:https';
import { createServer as createSecureServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

import type { HttpAgent, HttpsAgent } from '../../ts/compat/agent.js';
import { until } from './condition.js';

const agents = new Set<HttpAgent | HttpsAgent>();
const servers = new Set<NodeServer>();

/** To be called before `endsWithItsTest`, which looks at what is left. */
export function agentsEndWithTheirTest(): void {
  afterEach(async () => {
    for (const agent of agents) agent.destroy();
    for (const server of servers) server.close().closeAllConnections();
    await until(() => [...servers].every((server) => !server.listening));
    for (const each of [agents, servers]) each.clear();
  });
}

/** The agent, which ends with its test. */
export function kept<T extends HttpAgent | HttpsAgent>(agent: T): T {
  agents.add(agent);
  return agent;
}

/** A server of Node's, with TLS where there are options of it; on the loopback, or at the path of a Unix socket. */
export async function nodeServer(
  handler: RequestListener,
  tls: ServerOptions | null = null,
  path?: string,
): Promise<{ server: NodeServer; url: string; port: number }> {
  const server = tls === null ? createServer(handler) : createSecureServer(tls, handler);
  servers.add(server);
  await once(path === undefined ? server.listen(0, '127.0.0.1') : server.listen(path), 'listening');
  const port = path === undefined ? (server.address() as AddressInfo).port : 0;
  return { server, port, url: `${tls === null ? 'http' : 'https'}://localhost:${port}/` };
}

/** The text of the answer. */
export async function ask(url: string, options: RequestOptions, body?: Readable | string): Promise<string> {
  const req = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, options);
  if (body instanceof Readable) body.pipe(req);
  else req.end(body);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  return text(res);
}

/** What a request fails with. */
export function failure(url: string, options: RequestOptions): Promise<Record<string, unknown>> {
  return ask(url, options).then(
    (answer) => Promise.reject(new Error(`it answered ${answer}`)),
    (error: Record<string, unknown>) => error,
  );
}
