import { native } from '../native/loader.js';

/** Latency in milliseconds. */
export interface LatencyStats {
  count: number;
  mean: number;
  min: number;
  max: number;
  p50: number;
  p75: number;
  p90: number;
  p95: number;
  p99: number;
  p999: number;
}

/** What a server has counted since it began to listen. */
export interface ServerStats {
  connections: { active: number; accepted: number; refused: number };
  requests: {
    active: number;
    total: number;
    /** Completed in the last full second. */
    perSecond: number;
    /** Broke a rule of the protocol or a limit. */
    errors: number;
    /** Whose client left before the response was finished. */
    aborted: number;
    /** Refused by a rate limit before JavaScript ran; those that a function or a store refuses are among the 4xx. */
    rateLimited: number;
    /** Whose handler threw, rejected or answered with something that is not a response. */
    failed: number;
  };
  /** Bytes over the wire. */
  bytes: { received: number; sent: number };
  responses: { '1xx': number; '2xx': number; '3xx': number; '4xx': number; '5xx': number };
  timeouts: {
    headers: number;
    body: number;
    request: number;
    send: number;
    idle: number;
    receiveRate: number;
    sendRate: number;
    handler: number;
    tlsHandshake: number;
  };
  /** From a request's head to the flush of its response's end. */
  latency: LatencyStats;
}

const NS = 1e6;

/** What is counted on this side of the border. */
export interface OwnCounts {
  readonly failed: number;
  readonly handlerTimeouts: number;
}

/** The row of `crates/node/src/server.rs`, by name. A server that has closed reports its last numbers. */
export function readStats(id: number, row: Float64Array, own: OwnCounts): ServerStats {
  native.serverStats(id, row);
  const [accepted, refused, rateLimited, active, total, running, errors, aborted, received, sent, perSecond] = row;
  const [r1, r2, r3, r4, r5, headers, body, request, send, idle, receiveRate, sendRate, tlsHandshake] =
    row.subarray(11);
  const [count, sum, min, max, p50, p75, p90, p95, p99, p999] = row.subarray(24);
  return {
    connections: { active, accepted, refused },
    requests: { active: running, total, perSecond, errors, aborted, rateLimited, failed: own.failed },
    bytes: { received, sent },
    responses: { '1xx': r1, '2xx': r2, '3xx': r3, '4xx': r4, '5xx': r5 },
    timeouts: { headers, body, request, send, idle, receiveRate, sendRate, handler: own.handlerTimeouts, tlsHandshake },
    latency: {
      count,
      mean: count === 0 ? 0 : sum / count / NS,
      min: min / NS,
      max: max / NS,
      p50: p50 / NS,
      p75: p75 / NS,
      p90: p90 / NS,
      p95: p95 / NS,
      p99: p99 / NS,
      p999: p999 / NS,
    },
  };
}

/** Numbers in a row. */
export const STATS_LENGTH = 34;
