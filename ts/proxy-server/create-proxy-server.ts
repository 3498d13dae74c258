import type { AddressInfo } from 'node:net';

import { withoutBrackets } from '../dns/host-text.js';
import { quote } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { SERVER_PROXY, SERVER_PROXY_AUTH } from '../native/binding.js';
import { connectTo, resolveHost } from '../net/connect.js';
import type { ProxyLimits, ProxyListenOptions, ProxyServerOptionValues } from '../options/proxy-server.generated.js';
import { PROXY_SERVER_OPTIONS } from '../options/proxy-server.generated.js';
import { validateOptions } from '../options/validate.js';
import type { ProxyOption } from '../proxy/route.js';
import { checkServedCredentials } from '../proxy/credentials.js';
import { checkProxy, routeOf } from '../proxy/route.js';
import type { ServeOptions } from '../server/serve.js';
import { start } from '../server/serve.js';
import type { TlsContext } from '../tls/tls-context.js';
import type { TlsServerOptions } from '../tls/tls-options.js';
import type { ProxyAuth } from './authentication.js';
import { judgeOf } from './authentication.js';
import { Forwarder } from './forward.js';
import type { ProxyRequest } from './gateway.js';
import { Gateway } from './gateway.js';
import { ProxyServer } from './proxy-server.js';
import { isLoopback } from './reserved-addresses.js';
import type { ProxyRule } from './rules.js';
import { Rules } from './rules.js';
import { SocksClient } from './socks-client.js';
import type { TunnelStats } from './tunnel.js';

/** Where a proxy listens, for whom, and where it goes; docs/options.md has ranges and defaults. */
export interface ProxyServerOptions extends ProxyListenOptions, ProxyLimits {
  /** TLS with clients: an `https` proxy, and SOCKS within TLS. */
  tls?: TlsContext | TlsServerOptions | undefined;
  auth?: ProxyAuth | undefined;
  rules?: readonly ProxyRule[] | undefined;
  open?: boolean | undefined;
  allowPrivate?: boolean | undefined;
  upstream?: ProxyOption | undefined;
  authorize?(request: ProxyRequest): boolean | Promise<boolean>;
  onClose?(stats: TunnelStats): void;
}

/**
 * A forward proxy on one port: SOCKS4, 4a and 5, CONNECT, and requests in absolute form, told apart by the first byte.
 *
 * It listens on 127.0.0.1 unless told otherwise. Where others can reach it, it needs `auth`, `rules` or `authorize`, or
 * `open: true`; and it connects to no loopback, private, link-local or own address unless `allowPrivate` (which is on
 * where only this host can reach it). Rules are asked about every resolved address.
 */
export async function createProxyServer(options: ProxyServerOptions = {}): Promise<ProxyServer> {
  const values = validateOptions<ProxyServerOptionValues>(PROXY_SERVER_OPTIONS, options);
  const auth = values.auth as ProxyAuth | null;
  if (auth !== null && typeof auth !== 'function') {
    checkServedCredentials('createProxyServer', auth.username, auth.password);
  }
  const host = values.path === null && values.fd === null ? await literal(values.host) : null;
  const rules = values.rules === null ? null : new Rules(values.rules as readonly ProxyRule[]);
  // Of a descriptor that was inherited nobody knows who can reach it; and a balancer in front brings others.
  const isBehind = values.proxyProtocol !== 'off' || values.trustProxy !== null;
  const isLocal = !isBehind && (values.path !== null || (host !== null && isLoopback(host)));
  if (!isLocal && !isGuarded(values, rules)) throw open(values, host, rules);
  const gateway = gatewayOf(values, rules, isLocal, () => proxy.address());
  const proxy = new ProxyServer({
    gateway,
    judge: auth === null ? null : judgeOf(auth),
    handshakeTimeout: values.handshakeTimeout,
    limits: { idleTimeout: values.idleTimeout, totalTimeout: values.totalTimeout },
    onClose: values.onClose as ((stats: TunnelStats) => void) | null,
  });
  const forward = new Forwarder(proxy, gateway, values.connectTimeout);
  const onAsked = (client: SocksClient, kind: number, text: string, length: number): void =>
    proxy.handleSocks(client, kind, text, length);
  const server = await start(
    {
      ...listenOptions(values, host),
      handler: (req, res) => forward.handle(req, res),
      onConnect: (req, socket, head) => proxy.handleConnect(req, socket, head),
    },
    {
      kind: auth === null ? SERVER_PROXY : SERVER_PROXY_AUTH,
      onSocks: (kind, id, slot, text, length) => new SocksClient(id, slot, onAsked).asked(kind, text, length),
    },
  );
  proxy.listensOn(server);
  server.once('close', () => forward.close());
  if (await gateway.loops()) {
    proxy.destroy();
    throw misuse('MILLRACE_PROXY_LOOP', "createProxyServer: option 'upstream' begins with this proxy itself");
  }
  return proxy;
}

/** Whether somebody has said who may use it. Rules that allow nothing say nothing. */
function isGuarded({ auth, authorize, open }: ProxyServerOptionValues, rules: Rules | null): boolean {
  return auth !== null || rules?.allowsAny === true || authorize !== null || open;
}

function open({ path, fd }: ProxyServerOptionValues, host: string | null, rules: Rules | null): Error {
  const where = host !== null ? quote(host) : fd !== null ? `descriptor ${fd}` : quote(path ?? '');
  const what = rules === null ? 'auth, rules or authorize' : 'auth, a rule that allows something, or authorize';
  const message = `createProxyServer: ${where} can be reached by others, so it needs ${what}; or open: true`;
  return misuse('MILLRACE_PROXY_OPEN', message);
}

function gatewayOf(
  values: ProxyServerOptionValues,
  rules: Rules | null,
  isLocal: boolean,
  address: () => AddressInfo | string | null,
): Gateway {
  const upstream = values.upstream as ProxyOption;
  // Checked now, and not at the first request.
  checkProxy('createProxyServer', upstream);
  return new Gateway({
    rules,
    authorize: values.authorize as ((request: ProxyRequest) => boolean | Promise<boolean>) | null,
    allowPrivate: values.allowPrivate ?? isLocal,
    upstream: ({ protocol, host, port }) =>
      routeOf('createProxyServer', upstream, { scheme: protocol === 'http' ? 'http' : 'tcp', host, port }),
    // What the environment says differs by target: that is looked at with each request.
    isFixed: upstream !== null && upstream !== 'env',
    handshakeTimeout: values.handshakeTimeout,
    resolve: resolveHost,
    open: (way, signal) => connectTo({ ...way, connectTimeout: values.connectTimeout }, signal),
    own: () => {
      const place = address();
      return place === null || typeof place === 'string' ? null : place;
    },
  });
}

/** The address that a name stands for: the one that is judged is the one that is listened on. */
async function literal(host: string): Promise<string> {
  const { isIP } = process.getBuiltinModule('node:net');
  const plain = withoutBrackets(host);
  if (isIP(plain) !== 0) return plain;
  if (plain === '' || plain.startsWith('[')) {
    const message = `createProxyServer: option 'host' must be an address or a name, got ${quote(host)}`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  return (await process.getBuiltinModule('node:dns').promises.lookup(plain)).address;
}

function listenOptions(values: ProxyServerOptionValues, host: string | null): Omit<ServeOptions, 'handler' | 'fetch'> {
  const { port, path, fd, backlog, ipv6Only, reusePort, proxyProtocol, trustProxy, signal, tls } = values;
  const place = fd !== null ? { fd } : path !== null ? { path } : { host: host as string, port };
  return {
    ...place,
    backlog,
    ipv6Only,
    reusePort,
    proxyProtocol,
    ...(trustProxy === null ? null : { trustProxy: [...trustProxy] }),
    ...(signal === null ? null : { signal }),
    ...(tls === null ? null : { tls: tls }),
    headersTimeout: values.handshakeTimeout,
    maxConnections: values.maxConnections,
    maxConnectionsPerIp: values.maxConnectionsPerIp,
  };
}
