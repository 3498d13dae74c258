/** The functions of the native core, as `crates/node` registers them. */

/** What a server is to be; numbers below zero stand for "no limit". */
export interface NativeServerOptions {
  host?: string;
  port: number;
  path?: string;
  fd?: number;
  backlog: number;
  reusePort: boolean;
  ipv6Only: boolean;
  proxyProtocol: number;
  headersTimeout: number;
  requestTimeout: number;
  bodyTimeout: number;
  writeTimeout: number;
  keepAliveTimeout: number;
  maxConnections: number;
  maxRequestsPerConnection: number;
  maxPipelined: number;
  maxUrlSize: number;
  maxHeaderSize: number;
  maxHeaderFields: number;
  maxBodySize: number;
  writeHighWaterMark: number;
  upgrades: boolean;
  connects: boolean;
  minReceiveRate: number;
  minSendRate: number;
  tlsHandshakeTimeout: number;
  /** `SERVER_HTTP1`, `SERVER_RAW`, `SERVER_PROXY` or `SERVER_PROXY_AUTH`. */
  kind: number;
  noDelay: boolean;
  /** Idle seconds before the first probe, seconds between probes, probes. */
  keepAlive?: number[];
  /** In ms; 0: the system's. */
  userTimeout: number;
  fastOpen: boolean;
  deferAccept: boolean;
}

/** One rate limit that is checked on the head. */
export interface NativeRate {
  prefix: string;
  byClient: boolean;
  requests: number;
  interval: number;
  burst: number;
}

/** Who may come in and how often; numbers below zero stand for "no limit". */
export interface NativeGate {
  maxConnections: number;
  maxConnectionsPerIp: number;
  allow: string[];
  deny: string[];
  trustProxy: string[];
  rates: NativeRate[];
  scope?: string;
  reputation?: NativeReputation;
}

/** What a client's behaviour so far means for its next connection; times in ms. */
export interface NativeReputation {
  delayAt: number;
  refuseAt: number;
  delay: number;
  halfLife: number;
  clients: number;
}

/** Whom to trust. */
export interface NativeTrust {
  ca: Uint8Array[];
  skipUnusableCa: boolean;
  crls: Uint8Array[];
  crlEndEntityOnly: boolean;
  allowUnknownRevocation: boolean;
  allowExpiredCrls: boolean;
}

/** A certificate chain with its key. */
export interface NativeIdentity {
  chain: Uint8Array;
  key: Uint8Array;
  names?: string[];
  /** A response to staple until its nextUpdate; one that is not good is refused. */
  ocsp?: Uint8Array;
  /** The issuer's certificate in DER, for a response. */
  issuer?: Uint8Array;
}

/** What a server's TLS is to be. */
export interface NativeTlsServer {
  identities: NativeIdentity[];
  askForCertificate: boolean;
  alpn: string[];
  minVersion: string;
  maxVersion: string;
  ciphers: string[];
  honorCipherOrder: boolean;
  requestCert: boolean;
  rejectUnauthorized: boolean;
  trust?: NativeTrust;
  tickets: boolean;
  ticketKeys?: Uint8Array;
  sessionTimeout: number;
  sessionCacheSize: number;
  maxEarlyData: number;
  keyLogFile?: string;
}

/** What a client's TLS is to be. */
export interface NativeTlsClient {
  trust: NativeTrust;
  /** Only checked. */
  servername?: string;
  rejectUnauthorized: boolean;
  pins: string[];
  pinsReportOnly: boolean;
  ocsp: string;
  certificateTransparency: string;
  ctLogs: NativeCtLog[];
  identity?: NativeIdentity;
  alpn: string[];
  minVersion: string;
  maxVersion: string;
  ciphers: string[];
  sessions: number;
  earlyData: boolean;
  keyLogFile?: string;
}

/** A log of Certificate Transparency: its key in DER, and since when it has its state, in seconds since 1970. */
export interface NativeCtLog {
  key: Uint8Array;
  operator: string;
  state: string;
  since: number;
}

/** A CRL; times in seconds since 1970. */
export interface NativeCrl {
  issuer: string;
  thisUpdate: number;
  nextUpdate: number;
  revoked: number;
  /** In which of the pieces that were given it was. */
  source: number;
}

/** A staple's times, in seconds since 1970. */
export interface NativeStaple {
  nextUpdate: number;
  refreshAt: number;
}

/** What to ask a responder of OCSP, and where. */
export interface NativeOcspQuery {
  request: Uint8Array;
  urls: string[];
}

/** A connection that is to be begun; times in ms, 0: none. */
export interface NativeHop {
  /** 0 SOCKS4, 1 SOCKS4a, 2 SOCKS5, 3 SOCKS5 with names, 4 CONNECT. */
  kind: number;
  /** A context's number for TLS with the proxy; 0: in the clear. */
  tls: number;
  servername: string;
  /** What it is asked for. */
  host: string;
  port: number;
  /** User name and password. */
  credentials?: Uint8Array[];
  /** `name\0value\0…` */
  fields: string;
}

export interface NativeDial {
  /** Address literals in the order in which they are tried. */
  hosts?: string[];
  port: number;
  /** Puts the addresses in the order of RFC 6724 and RFC 8305 first. */
  sorted: boolean;
  /** `dialAddresses` follows, once. */
  more: boolean;
  hops?: NativeHop[];
  path?: string;
  /** A connected socket that somebody else made: it is ours when the call succeeds. */
  fd?: number;
  localAddress?: string;
  noDelay: boolean;
  keepAlive?: number[];
  userTimeout: number;
  fastOpen: boolean;
  /** A context's number; 0: in the clear. */
  tls: number;
  servername: string;
  connectTimeout: number;
  tlsTimeout: number;
  proxyTimeout: number;
}

/** A string or bytes on their way out. */
export type NativeBody = string | Uint8Array | undefined;

/** `undefined` is success, a positive number an error code; `write` answers 0 for "wait for drain". */
export type Answer = number | undefined;

export interface Binding {
  version(): string;
  abiVersion(): number;
  /** The server's id, or minus the errno, or minus (100 000 + the code). */
  listen(options: NativeServerOptions): number;
  /**
   * `status` plus `FINISH_WHOLE` where wanted; without `head`, plus `READY_HEAD` times a number of `rememberHead`, of
   * which 0 stands for no fields.
   */
  respond(id: number, status: number, body: NativeBody, head?: string, reason?: string): Answer;
  /** A number for fields that are sent again and again; -1: they are not taken. */
  rememberHead(head: string): number;
  /** `respond` with a part of an open file as the body; the descriptor stays the caller's. */
  respondFile(
    id: number,
    status: number,
    head: string,
    reason: string,
    fd: number,
    offset: number,
    length: number,
  ): Answer;
  respondHead(id: number, status: number, head: string, reason: string): Answer;
  write(id: number, chunk: NativeBody): Answer;
  end(id: number, trailers: string, flags: number): Answer;
  /** Nothing: a dialled connection is an HTTP/1.1 client's now, its stream the handle; else the code. */
  becomeClient(stream: number): Answer;
  closeClient(handle: number): void;
  /** A number for fields that are sent again and again; 0: they are not taken. */
  rememberFields(head: string): number;
  /** Times in ms, 0: none. A number for `request`; -1: there are too many. */
  clientProfile(
    send: number,
    headers: number,
    body: number,
    maxHeaderSize: number,
    maxHeaderFields: number,
  ): number;
  /**
   * Sends a request on a connection that is free: the exchange's id, or minus the code; `CONNECTION_STALE` asks for another
   * connection. `word` is `method + 256 * flags + 65536 * profile`; with `OTHER_METHOD` the target is `METHOD target`.
   */
  request(
    handle: number,
    word: number,
    fields: number,
    target: string,
    body: NativeBody,
    head: string | undefined,
    total: number,
  ): number;
  informational(id: number, status: number, head: string): Answer;
  grant(id: number, bytes: number): Answer;
  collect(id: number, limit: number): Answer;
  discard(id: number, limit: number): Answer;
  destroy(id: number): void;
  address(id: number): string;
  attach(
    onEvents: (count: number, ...values: unknown[]) => unknown[] | string | undefined,
    ring: Float64Array,
    outboxNumbers: Float64Array,
    outboxText: { text: string },
    resource: object,
  ): void;
  /** Calls a function as events are called. */
  callInContext(fn: () => void): void;
  hold(change: number): void;
  /** Nothing: the socket is the server's now; else minus the errno, or the code. */
  adopt(server: number, fd: number): Answer;
  /** For all threads of the process; below zero: no cap. */
  setMaxMemory(bytes: number): void;
  /** Bytes held for the connection of a stream, or without an id for all peers of the process. */
  memory(id?: number): number;
  /** Idle connections are closed after so many milliseconds. */
  closeServer(id: number, idle: number): number;
  /** The descriptor of a server's listener; below zero: there is none. */
  handOver(id: number): number;
  forceServer(id: number): number;
  serverAddress(id: number): string;
  serverStats(id: number, target: Float64Array): number;
  inject(server: number, method: string, target: string, head: string, body: Uint8Array | undefined): number;
  count(counter: number, amount: number): void;
  gauge(gauge: number, change: number): void;
  /** A duration of a histogram, in nanoseconds. */
  record(histogram: number, nanos: number): void;
  /** 1 when nothing of the peer waits on a raw connection that nobody reads. */
  isUsable(stream: number): number;
  metricsFill(target: Float64Array, totals: number): void;
  metricsReset(): void;
  /** What came since the baseline, which is moved to now; answers with the length that a baseline has. */
  metricsSince(target: Float64Array, baseline: Float64Array): number;
  /** In nanoseconds, since the last reset. */
  metricsPercentile(histogram: number, percent: number): number;
  /** 0 is trace, 5 fatal, 6 silence: what is below is not made. */
  setLogLevel(rank: number): void;
  /** What waits for the log: `ts/native/log-lines.ts` reads it. */
  takeLog(): string;
  /** Whether requests that are refused before JavaScript sees them are told: 0 or 1. */
  hearRefusals(heard: number): void;
  /** The refusals that wait, each line ended by a line feed; `crates/engine/src/server/refusals.rs` says what is in one. */
  takeRefusals(): string;
  census(target: Float64Array): void;
  plantPanic(id: number, now: number): void;
  calls(): number;
  /** NaN leaves a limit as it is, a negative one is none. */
  setLimits(
    id: number,
    bodySize: number,
    bodyTimeout: number,
    requestTimeout: number,
    minReceiveRate: number,
  ): Answer;
  /** Joins two tunnels; times in ms, 0: none. `KIND.relayEnded` follows under the first's id, and nothing else. */
  relay(a: number, b: number, idle: number, total: number): Answer;
  /** `SOCKET_NO_DELAY` and its like; minus the errno, or the code. */
  setSocket(id: number, option: number, a: number, b?: number, c?: number): Answer;
  /** 1 and the numbers, NaN where the system does not say; 0 where there is nothing to say. */
  tcpInfo(id: number, target: Float64Array): number;
  peerCredentials(id: number, target: Float64Array): number;
  /** 0, or the code of what is wrong with it. */
  setGate(id: number, gate: NativeGate): number;
  /** 0, or the code. */
  startTls(stream: number, context: number, servername: string, timeout: number): number;
  /** The rest of the addresses of a dial: 1, or 0 when it is over. */
  dialAddresses(stream: number, hosts: string[], port: number): number;
  /** 1, or 0 when the client is gone. */
  judgeCredentials(stream: number, right: boolean): number;
  /** 0 granted, 1 to 6 a refusal; 1, or 0 when the client is gone. */
  replySocks(stream: number, reply: number, address: string, port: number): number;
  /** Two descriptors of a connected pair of Unix sockets; or minus the errno, alone. */
  socketPair(): number[];
  /** The stream's id, or minus the errno, or minus (100 000 + the code). */
  dial(options: NativeDial): number;
  /** A context's number, or minus the code: `tlsDetail` then has what was seen. */
  tlsServer(options: NativeTlsServer): number;
  tlsClient(options: NativeTlsClient): number;
  /** These answer 0, or minus the code. */
  tlsUpdate(context: number, options: NativeTlsServer): number;
  tlsCrls(context: number, crls: Uint8Array[]): number;
  tlsRotate(context: number, key: Uint8Array | undefined): number;
  /** Certificates and the response in DER; a response that is not good leaves the one before. */
  tlsStaple(context: number, place: number, issuer: Uint8Array, response: Uint8Array): NativeStaple | number;
  /** The same for a certificate of `tlsIdentity`. */
  tlsStapleChosen(identity: number, issuer: Uint8Array, response: Uint8Array): NativeStaple | number;
  /** The newest first. */
  tlsCrlFacts(context: number): NativeCrl[];
  tlsOcspQuery(certificate: Uint8Array, issuer: Uint8Array): NativeOcspQuery | number;
  /** A certificate's number, or minus the code. */
  tlsIdentity(identity: NativeIdentity): number;
  tlsDrop(number: number): void;
  tlsDetail(): string;
  /** 1, or 0 when one of them is gone; context 0: plain connections. */
  serverTls(server: number, context: number): number;
  /** 1 when the handshake waited for it; identity 0: the server's first. */
  chooseCertificate(connection: number, identity: number): number;
  /** Facts with NUL between, in the order of `TlsFacts`; empty on a plain connection. */
  tlsFacts(stream: number): string;
  tlsCertificate(stream: number, place: number): Uint8Array | undefined;
  /** 0 when the server has closed. Where it listens stays as it is. */
  reloadServer(id: number, options: NativeServerOptions): number;
}

/** Added to the status of `respond`: tell when the last byte is with the kernel. */
export const FINISH_WHOLE = 1024;
/** The number of a remembered head is added to the status of `respond` so many times. */
export const READY_HEAD = 2048;
/** Kinds of a server. */
export const SERVER_HTTP1 = 0;
export const SERVER_RAW = 1;
/** Options of `setSocket`. */
export const SOCKET_NO_DELAY = 0;
export const SOCKET_KEEP_ALIVE = 1;
export const SOCKET_USER_TIMEOUT = 2;
/** Its clients need not show who they are. */
export const SERVER_PROXY = 2;
export const SERVER_PROXY_AUTH = 3;
/** In place of a method's number in `request`. */
export const OTHER_METHOD = 255;
/** Flags of `request`. */
export const REQUEST_STREAM = 1;
export const REQUEST_INFORMATIONAL = 2;
export const REQUEST_UPGRADE = 4;
export const REQUEST_BODY = 8;
export const REQUEST_PIPELINE = 16;
/** `flags` of `end`: tell when the last byte is with the kernel. */
export const FINISH = 1;
/** The number of the border; a binary with another one is refused. */
export const ABI = 7;
