import type { ConnectOptions } from '../net/connect.js';
import type { PoolOptionValues } from '../options/pool.generated.js';
import type { ProxyOption } from '../proxy/route.js';
import type { TlsContext } from '../tls/tls-context.js';
import type { ConnectParams } from './connect-channels.js';

/** What holds for the connections of one key in place of what the pool has for all. */
export type PoolLimits = Partial<Omit<PoolOptionValues, 'maxConnections' | 'onResize'>>;

/** What a connection is to: connections are shared within one key, and never across keys. */
export interface PoolKey {
  readonly scheme: 'http' | 'https' | 'tcp' | 'tls';
  /** A name or an address literal, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The name that the certificate must have; `host` unless given. */
  readonly servername?: string | undefined;
  /** Trust, client certificate, pins, offers: two contexts never share a connection. */
  readonly tls?: TlsContext | undefined;
  readonly localAddress?: string | undefined;
  readonly socketPath?: string | undefined;
  readonly family?: 0 | 4 | 6 | undefined;
  readonly proxy?: ProxyOption | undefined;
  readonly isolationKey?: string | undefined;
  readonly resolver?: ConnectOptions['resolver'];
  /** @internal Connections under limits of their own are not shared with those under the pool's. */
  readonly limits?: PoolLimits | undefined;
}

let numbers = 0;
const numberOf = new WeakMap<object, number>();

/** A number for each object that is part of a key. */
function nameOf(value: object | string | null | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return `"${value}`;
  let number = numberOf.get(value);
  if (number === undefined) numberOf.set(value, (number = ++numbers));
  return `#${number}`;
}

/** A proxy chain with its credentials, as text. */
function proxyText(proxy: ProxyOption | undefined): string {
  if (proxy === undefined || proxy === null) return '';
  if (Array.isArray(proxy)) return proxy.map((one) => proxyText(one as ProxyOption)).join('>');
  if (typeof proxy === 'string') return proxy;
  if (proxy instanceof URL) return proxy.href;
  return nameOf(proxy);
}

/** The key as text: equal texts, shared connections. */
export function keyText(key: PoolKey): string {
  const { scheme, host, port, servername, tls, localAddress, socketPath, family, proxy, isolationKey, resolver } = key;
  const { limits } = key;
  const more = [
    servername ?? '',
    nameOf(tls),
    localAddress ?? '',
    socketPath ?? '',
    family || '',
    proxyText(proxy),
    isolationKey ?? '',
    nameOf(resolver),
    nameOf(limits),
  ].join('\0');
  return `${scheme}://${host}:${port}\0${more}`;
}

/** How the origin of a key is told in statistics. */
export function originText({ scheme, host, port }: PoolKey): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** What is told of a connection of a key on diagnostics channels. */
export function connectParamsOf({ scheme, host, port, tls, servername, localAddress }: PoolKey): ConnectParams {
  const isHttp = scheme === 'http' || scheme === 'https';
  return {
    host: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    hostname: host,
    protocol: `${scheme}:`,
    port: String(port),
    servername: scheme === 'https' || scheme === 'tls' ? (servername ?? tls?.servername ?? host) : null,
    localAddress: localAddress ?? null,
    version: isHttp ? 'h1' : undefined,
  };
}
