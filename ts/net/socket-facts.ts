import type { MillraceError } from '../errors/millrace-error.js';
import type { TlsFacts } from '../tls/tls-facts.js';
import type { DialFailure } from './dial-failure.js';
import type { Ending } from './relay.js';
import type { Socket } from './socket.js';

/** How long proxies and TLS took, in ms. */
export interface Handshakes {
  readonly proxy: number | null;
  readonly tls: number | null;
}

/** Of a connection that was accepted. */
export const NO_HANDSHAKES: Handshakes = { proxy: null, tls: null };

/** What a socket knows of its relay. */
export interface Joint {
  readonly other: Socket;
  readonly ending: Ending | undefined;
  /** Bytes that went to the other end before the relay had begun. */
  carried: number;
}

/** Who waits for a connection that we began, or for TLS. */
export interface Opening {
  resolve(): void;
  reject(error: unknown): void;
  explain(failure: DialFailure): MillraceError;
}

/** What few sockets know of themselves, or only when they are closed. */
export class SocketFacts {
  handshakes: Handshakes = NO_HANDSHAKES;
  address: string[] | undefined;
  tls: TlsFacts | null | undefined;
  failure: MillraceError | undefined;
  /** What `destroy` was given. */
  reason: Error | undefined;
  opening: Opening | undefined;
  joint: Joint | undefined;
}
