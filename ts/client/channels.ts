import { channel } from 'node:diagnostics_channel';

import type { Timings } from './timings.js';

/** A request as it is told of: its head, as far as the caller made it. */
export interface ObservedRequest {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly method: string;
  /** The request-target. */
  readonly path: string;
  /** `[name, value, …]` in the order in which they are sent. */
  readonly headers: readonly string[];
}

/** A request begins: `millrace:client:request:start`, each try of it. */
export interface ClientRequestStartMessage {
  readonly request: ObservedRequest;
}

/** The head of its answer is there: `millrace:client:request:headers`. */
export interface ClientRequestHeadersMessage extends ClientRequestStartMessage {
  readonly status: number;
  readonly headers: readonly string[];
}

/** Its answer is there whole: `millrace:client:request:finish`. */
export interface ClientRequestFinishMessage extends ClientRequestStartMessage {
  readonly status: number;
  readonly timings: Timings;
}

/** It failed: `millrace:client:request:error`. A request ends with this or with `finish`, once. */
export interface ClientRequestErrorMessage extends ClientRequestStartMessage {
  readonly error: unknown;
}

/** Where a connection goes. */
export interface ConnectParams {
  readonly host: string;
  readonly hostname: string;
  readonly protocol: string;
  readonly port: string;
  readonly servername: string | null;
  readonly localAddress: string | null;
  /** `h1` or `h2` once it is known. */
  readonly version: string | undefined;
}

/** A connection is begun: `millrace:client:connect:start`. */
export interface ClientConnectStartMessage {
  readonly connectParams: ConnectParams;
}

/** It is there: `millrace:client:connect:open`. */
export interface ClientConnectOpenMessage extends ClientConnectStartMessage {
  readonly socket: ObservedSocket;
}

/** There is none: `millrace:client:connect:error`. */
export interface ClientConnectErrorMessage extends ClientConnectStartMessage {
  readonly error: unknown;
}

/** What is told of a connection. */
export interface ObservedSocket {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** `h2`, `http/1.1`, or null without TLS. */
  readonly alpnProtocol: string | null;
}

/** The channels of `node:diagnostics_channel` that a client publishes to; docs/diagnostics.md lists them. */
export const CHANNELS = {
  requestStart: channel('millrace:client:request:start'),
  requestHeaders: channel('millrace:client:request:headers'),
  requestFinish: channel('millrace:client:request:finish'),
  requestError: channel('millrace:client:request:error'),
  connectStart: channel('millrace:client:connect:start'),
  connectOpen: channel('millrace:client:connect:open'),
  connectError: channel('millrace:client:connect:error'),
} as const;

/** Those of undici, with what undici publishes there: tracing packages for it work unchanged. */
export const UNDICI_CHANNELS = {
  create: channel('undici:request:create'),
  bodyChunkSent: channel('undici:request:bodyChunkSent'),
  bodySent: channel('undici:request:bodySent'),
  headers: channel('undici:request:headers'),
  bodyChunkReceived: channel('undici:request:bodyChunkReceived'),
  trailers: channel('undici:request:trailers'),
  error: channel('undici:request:error'),
  sendHeaders: channel('undici:client:sendHeaders'),
  beforeConnect: channel('undici:client:beforeConnect'),
  connected: channel('undici:client:connected'),
  connectError: channel('undici:client:connectError'),
} as const;

const OF_REQUESTS = [
  CHANNELS.requestStart,
  CHANNELS.requestHeaders,
  CHANNELS.requestFinish,
  CHANNELS.requestError,
  UNDICI_CHANNELS.create,
  UNDICI_CHANNELS.bodyChunkSent,
  UNDICI_CHANNELS.bodySent,
  UNDICI_CHANNELS.headers,
  UNDICI_CHANNELS.bodyChunkReceived,
  UNDICI_CHANNELS.trailers,
  UNDICI_CHANNELS.error,
  UNDICI_CHANNELS.sendHeaders,
] as const;

/** Whether anybody listens to what happens to requests: asked once for each. */
export function isObserved(): boolean {
  for (const one of OF_REQUESTS) if (one.hasSubscribers) return true;
  return false;
}
