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
  /** `status` plus `FINISH_WHOLE` where wanted. */
  respond(id: number, status: number, body: NativeBody, head?: string, reason?: string): Answer;
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
  informational(id: number, status: number, head: string): Answer;
  grant(id: number, bytes: number): Answer;
  collect(id: number, limit: number): Answer;
  discard(id: number, limit: number): Answer;
  destroy(id: number): void;
  address(id: number): string;
  attach(onEvents: (count: number, ...values: unknown[]) => unknown[] | undefined, ring: Float64Array): void;
  hold(change: number): void;
  /** Nothing: the socket is the server's now; else minus the errno, or the code. */
  adopt(server: number, fd: number): Answer;
  /** For all threads of the process; below zero: no cap. */
  setMaxMemory(bytes: number): void;
  /** Bytes held for the connection of a stream, or without an id for all peers of the process. */
  memory(id?: number): number;
  closeServer(id: number): number;
  forceServer(id: number): number;
  serverAddress(id: number): string;
  serverStats(id: number, target: Float64Array): number;
  inject(server: number, method: string, target: string, head: string, body: Uint8Array | undefined): number;
  count(counter: number, amount: number): void;
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
  /** 0, or the code of what is wrong with it. */
  setGate(id: number, gate: NativeGate): number;
  /** 0 when the server has closed. Where it listens stays as it is. */
  reloadServer(id: number, options: NativeServerOptions): number;
}

/** Added to the status of `respond`: tell when the last byte is with the kernel. */
export const FINISH_WHOLE = 1024;
/** `flags` of `end`: tell when the last byte is with the kernel. */
export const FINISH = 1;
/** The number of the border; a binary with another one is refused. */
export const ABI = 1;
