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

/** The channels of `node:diagnostics_channel` that a client publishes requests to; those of connections are the pool's. docs/diagnostics.md lists them. */
export const CHANNELS = {
  requestStart: channel('millrace:client:request:start'),
  requestHeaders: channel('millrace:client:request:headers'),
  requestFinish: channel('millrace:client:request:finish'),
  requestError: channel('millrace:client:request:error'),
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
