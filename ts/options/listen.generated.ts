// Made by scripts/generate.mjs from ts/options/listen.json. Do not edit.
import type { OptionTable } from './table.js';

/** Where and how to listen for raw connections: a TCP port, a Unix socket, or a listener of somebody else's. */
export interface SocketListenOptions {
  /** The TCP port; 0 lets the system choose one, which `listener.port` then says. (0…65535, default 0) */
  port?: number | undefined;
  /** The address or name to listen on. Without it: every address, IPv6 and IPv4 where both exist. */
  host?: string | undefined;
  /** The path of a Unix socket, instead of host and port; `@name` is an abstract name (Linux). */
  path?: string | undefined;
  /**
   * A listening socket that somebody else made, instead of an address. It is the listener's from then on.
   * (0…2147483647)
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
   * Until a connection is open, from the accept: for its PROXY head, for its TLS handshake. (1…2147483647, ms, default
   * 10000)
   */
  handshakeTimeout?: number | undefined;
  /** TCP_NODELAY of the accepted sockets. (default true) */
  noDelay?: boolean | undefined;
  /**
   * How long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT); without it the system decides. (1…2147483647, ms)
   */
  userTimeout?: number | undefined;
  /**
   * TCP Fast Open: bytes that come with a SYN are taken, where the system allows it (`net.ipv4.tcp_fastopen` 2 or 3).
   * (default false)
   */
  fastOpen?: boolean | undefined;
  /**
   * A connection is accepted when its first bytes have come, or after a second or more without (TCP_DEFER_ACCEPT;
   * Linux). Not for protocols in which the server speaks first. (default false)
   */
  deferAccept?: boolean | undefined;
  /**
   * Bytes waiting to be sent on a connection from which on `write` answers false; one chunk may exceed it.
   * (1…1073741824, bytes, default 65536)
   */
  writeHighWaterMark?: number | undefined;
  /** Open connections; one too many is closed at once. (1…2097151 or null, default null: no limit) */
  maxConnections?: number | null | undefined;
  /** Open connections of one client; one too many is closed at once. (1…2097151 or null, default null: no limit) */
  maxConnectionsPerIp?: number | null | undefined;
  /**
   * Addresses and networks (CIDR) that are let in; nobody else is, where it is given. Where lists overlap the longest
   * network decides. Others are closed at once.
   */
  allow?: readonly string[] | undefined;
  /** Addresses and networks (CIDR) that are not let in: they get 403. */
  deny?: readonly string[] | undefined;
  /**
   * Who shares connection caps: each worker thread has its own, or all listeners of the process on one port count
   * together. (default thread)
   */
  limitScope?: 'thread' | 'process' | undefined;
  /** Aborting it destroys the listener, or the attempt to listen. */
  signal?: AbortSignal | undefined;
}

/** All options of `listen` with their defaults filled in. */
export interface SocketListenOptionValues {
  readonly port: number;
  readonly host: string | null;
  readonly path: string | null;
  readonly fd: number | null;
  readonly backlog: number;
  readonly ipv6Only: boolean;
  readonly reusePort: boolean;
  readonly proxyProtocol: 'off' | 'optional' | 'required';
  readonly handshakeTimeout: number;
  readonly noDelay: boolean;
  readonly keepAlive: boolean | object;
  readonly userTimeout: number | null;
  readonly fastOpen: boolean;
  readonly deferAccept: boolean;
  readonly writeHighWaterMark: number;
  readonly maxConnections: number | null;
  readonly maxConnectionsPerIp: number | null;
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[] | null;
  readonly limitScope: 'thread' | 'process';
  readonly signal: AbortSignal | null;
  readonly tls: object | null;
}

export const SOCKET_LISTEN_OPTIONS: OptionTable<SocketListenOptionValues> = {
  owner: 'listen',
  required: [],
  exclusive: [['port', 'path'], ['host', 'path'], ['fd', 'port'], ['fd', 'host'], ['fd', 'path']],
  rows: [
    { name: 'port', type: 'integer', min: 0, max: 65_535, default: 0 },
    { name: 'host', type: 'string', default: null },
    { name: 'path', type: 'string', default: null },
    { name: 'fd', type: 'integer', min: 0, max: 2_147_483_647, default: null },
    { name: 'backlog', type: 'integer', min: 1, max: 65_535, default: 511 },
    { name: 'ipv6Only', type: 'boolean', default: false },
    { name: 'reusePort', type: 'boolean', default: false },
    { name: 'proxyProtocol', type: 'enum', values: ['off', 'optional', 'required'], default: 'off' },
    { name: 'handshakeTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: 10_000 },
    { name: 'noDelay', type: 'boolean', default: true },
    { name: 'keepAlive', type: 'settings', default: false },
    { name: 'userTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: null },
    { name: 'fastOpen', type: 'boolean', default: false },
    { name: 'deferAccept', type: 'boolean', default: false },
    { name: 'writeHighWaterMark', type: 'integer', min: 1, max: 1_073_741_824, default: 65_536 },
    { name: 'maxConnections', type: 'integer', min: 1, max: 2_097_151, nullable: true, default: null },
    { name: 'maxConnectionsPerIp', type: 'integer', min: 1, max: 2_097_151, nullable: true, default: null },
    { name: 'allow', type: 'strings', default: null },
    { name: 'deny', type: 'strings', default: null },
    { name: 'limitScope', type: 'enum', values: ['thread', 'process'], default: 'thread' },
    { name: 'signal', type: 'signal', default: null },
    { name: 'tls', type: 'object', default: null },
  ],
};
