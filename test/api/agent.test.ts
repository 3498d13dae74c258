// Node's HTTP clients, and what is built on them, through `millrace/agent`.
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, RequestOptions, Server as NodeServer } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import { createServer as createSecureServer, request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket as NodeSocket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';

import { HttpAgent, HttpsAgent } from '../../ts/compat/agent.js';
import type { ProxyServer, ProxyServerOptions } from '../../ts/index.js';
import { createProxyServer, TlsContext } from '../../ts/index.js';
import { until } from '../support/condition.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { endsWithItsTest } from '../support/test-server.js';

const agents = new Set<HttpAgent | HttpsAgent>();
const servers = new Set<NodeServer>();
const proxies = new Set<ProxyServer>();
let authority: Authority;
let identity: Issued;

beforeAll(async () => {
  authority = await Authority.root();
  identity = await authority.issue();
});

afterEach(async () => {
  for (const agent of agents) agent.destroy();
  for (const proxy of proxies) proxy.destroy();
  for (const server of servers) server.close().closeAllConnections();
  await until(() => [...servers].every((server) => !server.listening));
  for (const each of [agents, servers, proxies]) each.clear();
});
endsWithItsTest();

const kept = <T extends HttpAgent | HttpsAgent>(agent: T): T => {
  agents.add(agent);
  return agent;
};

async function serverOf(handler: RequestListener, secure = false): Promise<{ server: NodeServer; url: string; port: number }> {
  const server = secure
    ? createSecureServer({ cert: identity.cert, key: identity.key }, handler)
    : createServer(handler);
  servers.add(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `${secure ? 'https' : 'http'}://localhost:${port}/` };
}

async function proxyOf(options: ProxyServerOptions = {}): Promise<ProxyServer> {
  const proxy = await createProxyServer(options);
  proxies.add(proxy);
  return proxy;
}

/** The client's port as the target saw it: one connection has one. */
const port: RequestListener = (req, res) => void res.end(String(req.socket.remotePort));
const echo: RequestListener = (req, res) => void req.pipe(res);

async function ask(url: string, options: RequestOptions, body?: Readable | string): Promise<string> {
  const req = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, options);
  if (body instanceof Readable) body.pipe(req);
  else req.end(body);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  return text(res);
}

const failure = (url: string, options: RequestOptions): Promise<Record<string, unknown>> =>
  ask(url, options).then(
    (answer) => Promise.reject(new Error(`it answered ${answer}`)),
    (error: Record<string, unknown>) => error,
  );

describe.each(['socks5h', 'socks5', 'socks4a', 'http', 'https'])('through a proxy by %s', (kind) => {
  test.each(['http', 'https'])('asks an %s server', async (scheme) => {
    const isSecure = kind === 'https';
    const proxy = await proxyOf(isSecure ? { tls: { cert: identity.cert, key: identity.key } } : {});
    const { url } = await serverOf(echo, scheme === 'https');
    const tls = isSecure ? await TlsContext.client({ ca: authority.cert }) : undefined;
    const options = { proxy: { url: `${kind}://localhost:${proxy.port}`, tls } };
    const agent = kept(scheme === 'http' ? new HttpAgent(options) : new HttpsAgent({ ...options, ca: authority.cert }));
    expect(await ask(url, { agent, method: 'POST' }, 'by the tunnel')).toBe('by the tunnel');
    await until(() => proxy.stats().tunnels.ended === 1);
  });
});
