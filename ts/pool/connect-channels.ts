import { channel } from 'node:diagnostics_channel';

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

const OURS = {
  start: channel('millrace:client:connect:start'),
  open: channel('millrace:client:connect:open'),
  error: channel('millrace:client:connect:error'),
} as const;

/** Those of undici, with what undici publishes there. */
const UNDICI = {
  beforeConnect: channel('undici:client:beforeConnect'),
  connected: channel('undici:client:connected'),
  connectError: channel('undici:client:connectError'),
} as const;

/** A connection is begun. `params` are made only where somebody listens, here and below. */
export function publishConnectStart(params: () => ConnectParams): void {
  const { beforeConnect } = UNDICI;
  if (!beforeConnect.hasSubscribers && !OURS.start.hasSubscribers) return;
  const connectParams = params();
  if (beforeConnect.hasSubscribers) beforeConnect.publish({ connectParams, connector: null });
  if (OURS.start.hasSubscribers) OURS.start.publish({ connectParams });
}

/** A connection is there. */
export function publishConnectOpen(params: () => ConnectParams, socket: () => ObservedSocket): void {
  const { connected } = UNDICI;
  if (!connected.hasSubscribers && !OURS.open.hasSubscribers) return;
  const message = { connectParams: params(), socket: socket() };
  if (connected.hasSubscribers) connected.publish({ ...message, connector: null });
  if (OURS.open.hasSubscribers) OURS.open.publish(message);
}

/** A connection could not be made. */
export function publishConnectError(params: () => ConnectParams, error: unknown): void {
  const { connectError } = UNDICI;
  if (!connectError.hasSubscribers && !OURS.error.hasSubscribers) return;
  const connectParams = params();
  if (connectError.hasSubscribers) connectError.publish({ connectParams, error, connector: null, socket: null });
  if (OURS.error.hasSubscribers) OURS.error.publish({ connectParams, error });
}
