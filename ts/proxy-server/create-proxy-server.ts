import { MillraceError, misuse } from '../errors/millrace-error.js';
import { connectTo } from '../net/connect.js';
import { resolveHost } from '../net/addresses.js';
import { SERVER_PROXY } from '../native/binding.js';
import type { ProxyServerOptions as TableOptions, ProxyServerOptionValues } from '../options/proxy-server.generated.js';
import { PROXY_SERVER_OPTIONS } from '../options/proxy-server.generated.js';
import { validateOptions } from '../options/validate.js';
import type { ProxyOption } from '../proxy/route.js';
import { routeOf } from '../proxy/route.js';
import { start } from '../server/serve.js';
import type { TlsContext } from '../tls/tls-context.js';
import type { TlsServerOptions } from '../tls/tls-options.js';
import type { ProxyAuth } from './authentication.js';
import { judgeOf } from './authentication.js';
import { forwarder } from './forward.js';
import type { ProxyRequest } from './gateway.js';
import { Gateway } from './gateway.js';
import { ProxyServer } from './proxy-server.js';
import { isLoopback } from './reserved-addresses.js';
import type { ProxyRule } from './rules.js';
import { Rules } from './rules.js';
import { SocksClient } from './socks-client.js';
import type { TunnelStats } from './tunnel.js';

/** Where a proxy listens, for whom, and where it goes; docs/options.md has ranges and defaults. */
export interface ProxyServerOptions extends TableOptions {
  /** TLS with clients: an `https` proxy, and SOCKS within TLS. */
  tls?: TlsContext | TlsServerOptions | undefined;
  auth?: ProxyAuth | undefined;
  rules?: readonly ProxyRule[] | undefined;
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
  const isLocal = await isReachedFromHereAlone(values);
  if (!isLocal && values.auth === null && !hasRules(values) && values.authorize === null && !values.open) {
    throw misuse('MILLRACE_PROXY_OPEN', `createProxyServer: ${whereOf(values)} can be reached by others, so it needs auth, rules or authorize, or open: true`);
  }
  const auth = authOf(values.auth);
  const target = (request: ProxyRequest) => ({
    scheme: request.protocol === 'http' ? 'http' : 'tcp',
    host: request.host,
    port: request.port,
  });
  const upstream = values.upstream as ProxyOption;
  // Checked now and not at the first request.
  routeOf('createProxyServer', upstream === 'env' ? null : upstream, { scheme: 'tcp', host: '', port: 0 });
  let proxy: ProxyServer;
  const gateway = new Gateway({
    rules: values.rules === null ? null : new Rules(values.rules as readonly ProxyRule[]),
    authorize: values.authorize as ((request: ProxyRequest) => boolean | Promise<boolean>) | null,
    allowPrivate: values.allowPrivate ?? isLocal,
    upstream: (request) => routeOf('createProxyServer', upstream, target(request)),
    handshakeTimeout: values.handshakeTimeout,
    resolve: (host, signal) => resolveHost(host, signal),
    open: ({ host, port, addresses, hops }, signal) =>
      connectTo({ host, port, addresses, hops, signal, connectTimeout: values.connectTimeout }),
    own: () => {
      const address = proxy.address();
      return address === null || typeof address === 'string' ? null : address;
    },
  });
  proxy = new ProxyServer({
    gateway,
    judge: auth === null ? null : judgeOf(auth),
    limits: { idleTimeout: values.idleTimeout, totalTimeout: values.totalTimeout },
    onClose: values.onClose as ((stats: TunnelStats) => void) | null,
  });
  const forward = forwarder(proxy, gateway);
  const server = await start(
    {
      ...listenOptions(values),
      headersTimeout: values.handshakeTimeout,
      handler: forward.handle,
      onConnect: (req, socket, head) => proxy.handleConnect(req, socket, head),
    },
    {
      kind: SERVER_PROXY,
      needsAuth: auth !== null,
      onProxyEvent: (kind, id, slot, text, length) => {
        const known = clients.get(id);
        const client = known ?? new SocksClient(id, slot);
        if (known === undefined) {
          clients.set(id, client);
          client.signal.addEventListener('abort', () => clients.delete(id), { once: true });
        }
        if (text !== null) proxy.handleSocks(client, kind, text, length);
      },
    },
  );
  proxy.listensOn(server);
  server.once('close', () => forward.close());
  if (values.fd !== null && !isLocal) return proxy;
  return proxy;
}
