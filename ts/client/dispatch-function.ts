import type { HeaderView } from '../message/header-view.js';
import type { HeadersInput } from '../message/head-text.js';
import type { BodyInput } from '../message/outgoing-body.js';
import type { Dispatch, DispatchHandler, DispatchOptions, ExchangeControl } from './dispatch.js';
import type { Timings } from './timings.js';

/** A request as it reaches a function in place of the network: as it would be sent, but for what the connection adds. */
export interface DispatchedRequest extends DispatchOptions {
  readonly url: string;
  readonly method: string;
  /** The caller's fields, those of the client, and what the body, the jar and authentication bring. */
  readonly headers: [string, string][];
  /** Text or bytes where it is in memory; otherwise chunks. */
  readonly body?: BodyInput | undefined;
}

/** The head of a response, as short as one likes. */
export interface DispatchedHead {
  readonly status: number;
  readonly statusText?: string | undefined;
  readonly headers?: HeadersInput | HeaderView | undefined;
  readonly httpVersion?: string | undefined;
  readonly timings?: Timings | undefined;
}

/**
 * What the function tells of the response: the head, then pieces of the body, then the end; or an error at any moment.
 * What comes after the last of it is ignored.
 */
export interface DispatchReceiver extends DispatchHandler {
  onInformational(status: number, headers: HeadersInput | HeaderView): void;
  /** `control`: what steers the exchange, where it is not what the function answers with. */
  onResponse(head: DispatchedHead, control?: Partial<ExchangeControl>): void;
  /** False: no more until `resume` of the control is called; what comes nevertheless is kept. */
  onData(chunk: Uint8Array | string): boolean;
  onEnd(trailers?: HeadersInput | HeaderView | null): void;
}

/**
 * Stands in for the network of a client. `next` is the client's own dispatch, over its pool: for requests that are to
 * go out after all, once, changed, or several times.
 */
export type DispatchFunction = (
  request: DispatchedRequest,
  handler: DispatchReceiver,
  next: Dispatch,
) => Partial<ExchangeControl> | void;
