import type { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { native } from '../native/loader.js';
import type { Prepared } from './prepared.js';
import type { Timings } from './timings.js';

/** Whose body is sent. */
export interface Sending {
  /** The exchange in the native core; another one where it is tried once more, and negative between the two. */
  readonly id: number;
  readonly over: boolean;
  readonly timings: Timings;
  cancel(error: unknown): void;
}

/** Sends a body that comes in chunks, as the connection has room for them. */
export class BodySender {
  private readonly _exchange: Sending;
  private readonly _prepared: Prepared;
  private _room: (() => void) | undefined;
  private _continue: (() => void) | undefined;

  constructor(exchange: Sending, prepared: Prepared) {
    this._exchange = exchange;
    this._prepared = prepared;
  }

  /** The server wants the body, or has answered already. */
  goOn(): void {
    this._continue?.();
  }

  /** The connection has room again. */
  hasRoom(): void {
    this._room?.();
  }

  /** Sends it on the exchange of this id. */
  async send(id: number): Promise<void> {
    const exchange = this._exchange;
    const { stream, expectContinue, memory, events } = this._prepared;
    if (expectContinue > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, expectContinue);
        this._continue = () => {
          clearTimeout(timer);
          this._continue = undefined;
          resolve();
        };
      });
    }
    try {
      if (stream === undefined || exchange.over) return;
      for await (const chunk of stream.open()) {
        // The answer may have come before, or the connection have died and another be tried.
        if (exchange.over || exchange.id !== id) return;
        if (memory !== null) memory.hold(Buffer.byteLength(chunk));
        events?.bodyChunkSent(chunk);
        const answer = native.write(id, chunk);
        if (answer === 0) {
          await new Promise<void>((resolve) => (this._room = resolve));
          this._room = undefined;
        } else if (answer !== undefined) {
          return this.cancelUnlessTold(id, errorFromNative(answer));
        }
      }
      if (exchange.over || exchange.id !== id) return;
      exchange.timings.mark('sent');
      events?.bodySent();
      const answer = native.end(id, '', 0);
      if (answer !== undefined) this.cancelUnlessTold(id, errorFromNative(answer));
    } catch (error) {
      if (exchange.id === id) exchange.cancel(error);
    }
  }

  /** What the core says of a connection that has died reaches us as its event, which knows better. */
  private cancelUnlessTold(id: number, error: MillraceError): void {
    setImmediate(() => {
      if (this._exchange.id === id) this._exchange.cancel(error);
    });
  }
}
