// Made by scripts/generate.mjs from ts/options/proxy-server.json. Do not edit.
import type { AnyFunction, OptionTable } from './table.js';

/** Where a proxy listens. */
export interface ProxyListenOptions {
  /** The TCP port; 0 lets the system choose one, which `server.port` then says. (0…65535, default 0) */
  port?: number | undefined;
  /**
   * The address or name to listen on. What is not loopback needs `auth`, `rules` or `authorize`, or `open`. (default
   * 127.0.0.1)
   */
  host?: string | undefined;
  /** The path of a Unix socket, instead of host and port. */
  path?: string | undefined;
  /**
   * A listening socket that somebody else made, such as systemd's first (3), instead of an address. It is the server's
   * from then on. (0…2147483647)
   */
  fd?: number | undefined;
  /** How many connections may wait to be accepted. The system may cap it further. (1…65535, default 511) */
  backlog?: number | undefined;
  /** Whether an IPv6 address accepts no IPv4 connections. (default false) */
  ipv6Only?: boolean | undefined;
  /**
   * Whether other threads or processes may listen on the same port, the system spreading the connections
   * (SO_REUSEPORT). (default false)
   */
  reusePort?: boolean | undefined;
  /**
   * Whether connections begin with a PROXY protocol head (v1 or v2) that names the real client. Only for ports that
   * nobody but your balancer can reach. (default off)
   */
  proxyProtocol?: 'off' | 'optional' | 'required' | undefined;
  /**
   * Addresses and networks (CIDR) of balancers whose `Forwarded` and `X-Forwarded-For` are believed: the first address
   * from the end of the list that is none of them is then `req.remoteAddress`, and every rule by client uses it. The
   * port is then 0.
   */
  trustProxy?: readonly string[] | undefined;
  /** Aborting it destroys the server, or the attempt to listen. */
  signal?: AbortSignal | undefined;
}

/** Times and numbers. */
export interface ProxyLimits {
  /**
   * For a client to say what it wants, from the accept on; for `authorize` as well. (1…2147483647, ms, default 30000)
   */
  handshakeTimeout?: number | undefined;
  /** Until a target, or a proxy on the way to it, has accepted. (1…2147483647, ms, default 30000) */
  connectTimeout?: number | undefined;
  /** How long a tunnel may be silent in both directions. (1…2147483647 or null, ms, default 300000) */
  idleTimeout?: number | null | undefined;
  /** How long a tunnel may last. (1…2147483647 or null, ms, default null: no limit) */
  totalTimeout?: number | null | undefined;
  /** Open connections; the client that is one too many gets 503. (1…2097151 or null, default null: no limit) */
  maxConnections?: number | null | undefined;
  /**
   * Open connections of one client (an IPv4 address, or a /64 of IPv6); one more gets 503. Connections of balancers in
   * `trustProxy` are not counted. (1…2097151 or null, default null: no limit)
   */
  maxConnectionsPerIp?: number | null | undefined;
}

/** All options of `createProxyServer` with their defaults filled in. */
export interface ProxyServerOptionValues {
  readonly port: number;
  readonly host: string;
  readonly path: string | null;
  readonly fd: number | null;
  readonly backlog: number;
  readonly ipv6Only: boolean;
  readonly reusePort: boolean;
  readonly proxyProtocol: 'off' | 'optional' | 'required';
  readonly trustProxy: readonly string[] | null;
  readonly signal: AbortSignal | null;
  readonly tls: object | null;
  readonly auth: object | AnyFunction | null;
  readonly rules: readonly object[] | null;
  readonly authorize: AnyFunction | null;
  readonly open: boolean;
  readonly allowPrivate: boolean | null;
  readonly upstream: string | object | null;
  readonly onClose: AnyFunction | null;
  readonly handshakeTimeout: number;
  readonly connectTimeout: number;
  readonly idleTimeout: number | null;
  readonly totalTimeout: number | null;
  readonly maxConnections: number | null;
  readonly maxConnectionsPerIp: number | null;
}

export const PROXY_SERVER_OPTIONS: OptionTable<ProxyServerOptionValues> = {
  owner: 'createProxyServer',
  required: [],
  exclusive: [['port', 'path'], ['fd', 'port'], ['fd', 'path']],
  rows: [
    { name: 'port', type: 'integer', min: 0, max: 65_535, default: 0 },
    { name: 'host', type: 'string', default: '127.0.0.1' },
    { name: 'path', type: 'string', default: null },
    { name: 'fd', type: 'integer', min: 0, max: 2_147_483_647, default: null },
    { name: 'backlog', type: 'integer', min: 1, max: 65_535, default: 511 },
    { name: 'ipv6Only', type: 'boolean', default: false },
    { name: 'reusePort', type: 'boolean', default: false },
    { name: 'proxyProtocol', type: 'enum', values: ['off', 'optional', 'required'], default: 'off' },
    { name: 'trustProxy', type: 'strings', default: null },
    { name: 'signal', type: 'signal', default: null },
    { name: 'tls', type: 'object', default: null },
    { name: 'auth', type: 'credentials', default: null },
    { name: 'rules', type: 'objects', default: null },
    { name: 'authorize', type: 'function', default: null },
    { name: 'open', type: 'boolean', default: false },
    { name: 'allowPrivate', type: 'boolean', default: null },
    { name: 'upstream', type: 'route', default: null },
    { name: 'onClose', type: 'function', default: null },
    { name: 'handshakeTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: 30_000 },
    { name: 'connectTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: 30_000 },
    { name: 'idleTimeout', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: 300_000 },
    { name: 'totalTimeout', type: 'integer', min: 1, max: 2_147_483_647, nullable: true, default: null },
    { name: 'maxConnections', type: 'integer', min: 1, max: 2_097_151, nullable: true, default: null },
    { name: 'maxConnectionsPerIp', type: 'integer', min: 1, max: 2_097_151, nullable: true, default: null },
  ],
};
