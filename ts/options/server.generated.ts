// Made by scripts/generate.mjs from ts/options/server.json. Do not edit.
import type { AnyFunction, OptionTable } from './table.js';

/** Where a server listens. */
export interface ListenOptions {
  /** The TCP port; 0 lets the system choose one, which `server.port` then says. (0…65535, default 0) */
  port?: number | undefined;
  /** The address or name to listen on. Without it: every address, IPv6 and IPv4 where both exist. */
  host?: string | undefined;
  /** The path of a Unix socket, instead of host and port. */
  path?: string | undefined;
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
   * TCP Fast Open: bytes that come with a SYN are taken, where the system allows it (`net.ipv4.tcp_fastopen` 2 or 3).
   * (default false)
   */
  fastOpen?: boolean | undefined;
  /**
   * A connection is accepted when its first bytes have come, or after a second or more without (TCP_DEFER_ACCEPT;
   * Linux). (default false)
   */
  deferAccept?: boolean | undefined;
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
  /**
   * A listening socket that somebody else made, such as systemd's first (3), instead of an address. It is the server's
   * from then on. (0…2147483647)
   */
  fd?: number | undefined;
  /** Aborting it destroys the server, or the attempt to listen. */
  signal?: AbortSignal | undefined;
}

/**
 * The deadlines of a server, in milliseconds, and the least rates of its clients. The clocks that watch the peer stand
 * still while we withhold reading. `server.reload` can change them.
 */
export interface ServerTimeouts {
  /**
   * For the whole request head, from its first byte; on a new connection from the accept. (1…2147483647, ms, default
   * 30000)
   */
  headersTimeout?: number | undefined;
  /** For the whole request, head and body. It does cut a long upload. (1…2147483647, ms, default 300000) */
  requestTimeout?: number | undefined;
  /** Between two reads of body bytes. (1…2147483647, ms, default 30000) */
  bodyTimeout?: number | undefined;
  /**
   * For a response that the peer takes no byte of: what its system acknowledges counts (Linux), and what ours takes.
   * (1…2147483647, ms, default 60000)
   */
  writeTimeout?: number | undefined;
  /**
   * For an idle connection. Advertised in whole seconds as `Keep-Alive: timeout=65`, enforced a second later. Keep it
   * longer than your balancer's idle time: shorter means 502s. (1…2147483647, ms, default 65000)
   */
  keepAliveTimeout?: number | undefined;
  /**
   * For a request body; a slower one gets 408. A body begins with 5 seconds of credit and each byte buys 1/rate second,
   * up to `bodyTimeout` (at least 5 seconds); time spends it. 0: off. (0…2147483647, bytes/s, default 240)
   */
  minReceiveRate?: number | undefined;
  /**
   * For responses; a client that takes them more slowly is cut. Credit as for `minReceiveRate`, up to `writeTimeout`;
   * only time in which bytes wait and the system takes none spends it. 0: off. (0…2147483647, bytes/s, default 240)
   */
  minSendRate?: number | undefined;
  /**
   * From a request's head until its handler begins the answer; then the client gets 503 and `req.signal` is aborted.
   * (1…2147483647 or null, ms, default null: no limit)
   */
  handlerTimeout?: number | null | undefined;
  /** For a TLS handshake, from the accept. (1…2147483647, ms, default 10000) */
  tlsHandshakeTimeout?: number | undefined;
}

/** What a server accepts and holds. Sizes are in bytes. `server.reload` can change them. */
export interface ServerLimits {
  /** Open connections; the client that is one too many gets 503. (1…2097151 or null, default null: no limit) */
  maxConnections?: number | null | undefined;
  /**
   * Open connections of one client (an IPv4 address, or a /64 of IPv6); one more gets 503. Connections of balancers in
   * `trustProxy` are not counted. (1…2097151 or null, default null: no limit)
   */
  maxConnectionsPerIp?: number | null | undefined;
  /**
   * Requests that one connection may carry; the response to the last says `Connection: close`. (1…2147483647 or null,
   * default null: no limit)
   */
  maxRequestsPerConnection?: number | null | undefined;
  /** Pipelined requests that are read ahead; no more than 128 KiB of heads in any case. (1…1024, default 32) */
  maxPipelined?: number | undefined;
  /** The request target; a longer one gets 414. (1…1048576, bytes, default 16384) */
  maxUrlSize?: number | undefined;
  /**
   * The header block, each field counted as name + value + 4; a larger one gets 431. (1…1048576, bytes, default 65536)
   */
  maxHeaderSize?: number | undefined;
  /** The fields of the header block; more get 431. (1…1024, default 128) */
  maxHeaderFields?: number | undefined;
  /**
   * The request body, declared, chunked and streamed alike; a larger one gets 413. (0…9007199254740991 or null, bytes,
   * default null: no limit)
   */
  maxBodySize?: number | null | undefined;
  /**
   * A body that is collected whole by `text()`, `json()`, `bytes()` and their like; a larger one gets 413.
   * (0…2147483647, bytes, default 10485760)
   */
  maxCollectedSize?: number | undefined;
  /**
   * Bytes waiting to be sent on a connection from which on `write` answers false; one chunk may exceed it.
   * (1…1073741824, bytes, default 65536)
   */
  writeHighWaterMark?: number | undefined;
  /**
   * Who shares connection caps and rate limits: each worker thread has its own, or all servers of the process on one
   * port count together. (default thread)
   */
  limitScope?: 'thread' | 'process' | undefined;
  /**
   * Addresses and networks (CIDR) that are let in; nobody else is, where it is given. Where lists overlap the longest
   * network decides. Others get 403.
   */
  allow?: readonly string[] | undefined;
  /** Addresses and networks (CIDR) that are not let in: they get 403. */
  deny?: readonly string[] | undefined;
}

/** All options of `serve` with their defaults filled in. */
export interface ServerOptionValues {
  readonly port: number;
  readonly host: string | null;
  readonly path: string | null;
  readonly backlog: number;
  readonly ipv6Only: boolean;
  readonly reusePort: boolean;
  readonly fastOpen: boolean;
  readonly deferAccept: boolean;
  readonly proxyProtocol: 'off' | 'optional' | 'required';
  readonly trustProxy: readonly string[] | null;
  readonly fd: number | null;
  readonly signal: AbortSignal | null;
  readonly tls: object | null;
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly bodyTimeout: number;
  readonly writeTimeout: number;
  readonly keepAliveTimeout: number;
  readonly minReceiveRate: number;
  readonly minSendRate: number;
  readonly handlerTimeout: number | null;
  readonly tlsHandshakeTimeout: number;
  readonly maxConnections: number | null;
  readonly maxConnectionsPerIp: number | null;
  readonly maxRequestsPerConnection: number | null;
  readonly maxPipelined: number;
  readonly maxUrlSize: number;
  readonly maxHeaderSize: number;
  readonly maxHeaderFields: number;
  readonly maxBodySize: number | null;
  readonly maxCollectedSize: number;
  readonly writeHighWaterMark: number;
  readonly limitScope: 'thread' | 'process';
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[] | null;
  readonly reputation: boolean | object;
  readonly handler: AnyFunction | null;
  readonly fetch: AnyFunction | null;
  readonly onUpgrade: AnyFunction | null;
  readonly onConnect: AnyFunction | null;
  readonly onError: AnyFunction | null;
  readonly validate: AnyFunction | null;
  readonly rateLimits: readonly object[] | null;
  readonly middleware: readonly AnyFunction[] | null;
  readonly accessLog: boolean | AnyFunction;
  readonly logContext: boolean;
  readonly compression: boolean | object;
}

export const SERVER_OPTIONS: OptionTable<ServerOptionValues> = {
  owner: 'serve',
  required: [['handler', 'fetch']],
  exclusive: [['handler', 'fetch'], ['port', 'path'], ['host', 'path'], ['fd', 'port'], ['fd', 'host'], ['fd', 'path']],
  rows: [
    { name: 'port', type: 'integer', min: 0, max: 65_535, default: 0 },
    { name: 'host', type: 'string', default: null },
    { name: 'path', type: 'string', default: null },
    { name: 'backlog', type: 'integer', min: 1, max: 65_535, default: 511 },
    { name: 'ipv6Only', type: 'boolean', default: false },
    { name: 'reusePort', type: 'boolean', default: false },
    { name: 'fastOpen', type: 'boolean', default: false },
    { name: 'deferAccept', type: 'boolean', default: false },
    { name: 'proxyProtocol', type: 'enum', values: ['off', 'optional', 'required'], default: 'off' },
    { name: 'trustProxy', type: 'strings', default: null },
    { name: 'fd', type: 'integer', min: 0, max: 2_147_483_647, default: null },
    { name: 'signal', type: 'signal', default: null },
    { name: 'tls', type: 'object', default: null },
    { name: 'headersTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: 30_000, reloadable: true },
    { name: 'requestTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: 300_000, reloadable: true },
    { name: 'bodyTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: 30_000, reloadable: true },
    { name: 'writeTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: 60_000, reloadable: true },
    { name: 'keepAliveTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: 65_000, reloadable: true },
    { name: 'minReceiveRate', type: 'integer', min: 0, max: 2_147_483_647, default: 240, reloadable: true },
    { name: 'minSendRate', type: 'integer', min: 0, max: 2_147_483_647, default: 240, reloadable: true },
    {
      name: 'handlerTimeout',
      type: 'integer',
      min: 1,
      max: 2_147_483_647,
      nullable: true,
      default: null,
      reloadable: true,
    },
    { name: 'tlsHandshakeTimeout', type: 'integer', min: 1, max: 2_147_483_647, default: 10_000, reloadable: true },
    {
      name: 'maxConnections',
      type: 'integer',
      min: 1,
      max: 2_097_151,
      nullable: true,
      default: null,
      reloadable: true,
    },
    {
      name: 'maxConnectionsPerIp',
      type: 'integer',
      min: 1,
      max: 2_097_151,
      nullable: true,
      default: null,
      reloadable: true,
    },
    {
      name: 'maxRequestsPerConnection',
      type: 'integer',
      min: 1,
      max: 2_147_483_647,
      nullable: true,
      default: null,
      reloadable: true,
    },
    { name: 'maxPipelined', type: 'integer', min: 1, max: 1_024, default: 32, reloadable: true },
    { name: 'maxUrlSize', type: 'integer', min: 1, max: 1_048_576, default: 16_384, reloadable: true },
    { name: 'maxHeaderSize', type: 'integer', min: 1, max: 1_048_576, default: 65_536, reloadable: true },
    { name: 'maxHeaderFields', type: 'integer', min: 1, max: 1_024, default: 128, reloadable: true },
    {
      name: 'maxBodySize',
      type: 'integer',
      min: 0,
      max: 9_007_199_254_740_991,
      nullable: true,
      default: null,
      reloadable: true,
    },
    { name: 'maxCollectedSize', type: 'integer', min: 0, max: 2_147_483_647, default: 10_485_760, reloadable: true },
    { name: 'writeHighWaterMark', type: 'integer', min: 1, max: 1_073_741_824, default: 65_536, reloadable: true },
    { name: 'limitScope', type: 'enum', values: ['thread', 'process'], default: 'thread', reloadable: true },
    { name: 'allow', type: 'strings', default: null, reloadable: true },
    { name: 'deny', type: 'strings', default: null, reloadable: true },
    { name: 'reputation', type: 'settings', default: false, reloadable: true },
    { name: 'handler', type: 'function', default: null },
    { name: 'fetch', type: 'function', default: null },
    { name: 'onUpgrade', type: 'function', default: null },
    { name: 'onConnect', type: 'function', default: null },
    { name: 'onError', type: 'function', default: null },
    { name: 'validate', type: 'function', default: null },
    { name: 'rateLimits', type: 'objects', default: null },
    { name: 'middleware', type: 'functions', default: null },
    { name: 'accessLog', type: 'switch', default: false },
    { name: 'logContext', type: 'boolean', default: false },
    { name: 'compression', type: 'settings', default: false },
  ],
};
