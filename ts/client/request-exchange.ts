import { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import { HeaderView } from '../message/header-view.js';
import { IncomingBody } from '../message/incoming-body.js';
import { KIND, RESPONSE_ENDED, slotOf } from '../native/events.js';
import { native } from '../native/loader.js';
import { Socket } from '../net/socket.js';
import type { OriginPool } from '../pool/origin-pool.js';
import { Exchange } from './exchange.js';
import type { Prepared } from './prepared.js';
import type { RequestMemory } from './request-memory.js';
import type { BodyRules } from './response-body.js';
import { collectError, collectLimit } from './response-body.js';
import { ClientResponse } from './response.js';
import type { Timings } from './timings.js';

/** How a response is to be given. */
export interface ResponseRules extends BodyRules {
  readonly decompress: boolean;
  readonly url: string;
  readonly onInformational: ((status: number, headers: HeaderView) => void) | undefined;
}

/** Whom an exchange is made for: its clock, and what becomes of it. */
export interface Recipient {
  readonly timings: Timings;
  readonly answered: (response: ClientResponse) => void;
  readonly failed: (error: unknown) => void;
}

/** A connection that has been switched to another protocol. */
export interface Upgraded {
  readonly socket: Socket;
  /** What came behind the head; empty where nothing did. */
  readonly head: Uint8Array;
  readonly response: ClientResponse;
}

const EMPTY = new Uint8Array(0);
/** Bodies that nobody takes and nobody can take any more let their connection go. */
let forgotten: FinalizationRegistry<number> | undefined;

/** An exchange whose outcome is a response. */
export class RequestExchange extends Exchange {
  private readonly _rules: ResponseRules;
  private readonly _recipient: Recipient;
  private readonly _onUpgrade: ((upgraded: Upgraded) => void) | undefined;
  private _body: IncomingBody | undefined;

  constructor(
    origin: OriginPool,
    prepared: Prepared,
    rules: ResponseRules,
    recipient: Recipient,
    onUpgrade?: (upgraded: Upgraded) => void,
  ) {
    super(origin, prepared, recipient.timings);
    this._rules = rules;
    this._recipient = recipient;
    this._onUpgrade = onUpgrade;
  }

  protected responded(
    flags: number,
    a: number,
    _b: number,
    head: string,
    whole: string | Uint8Array | undefined,
  ): void {
    const rules = this._rules;
    let incoming: IncomingBody | undefined;
    if (rules.memory !== null && !this.keepsHead(rules.memory, head)) return;
    if ((flags & RESPONSE_ENDED) === 0) {
      const { memory } = rules;
      incoming = this._body = new IncomingBody(this.id, collectLimit(rules), false, memory?.window(Infinity));
    }
    const response = new ClientResponse({
      flags,
      a,
      head,
      whole,
      incoming,
      rules,
      decompress: rules.decompress,
      url: rules.url,
      timings: this.timings,
      exchange: this,
    });
    if (incoming !== undefined) {
      forgotten ??= new FinalizationRegistry((id) => void native.discard(id, 0));
      forgotten.register(response, this.id);
    }
    this._recipient.answered(response);
  }

  protected informed(a: number, head: string): void {
    this._rules.onInformational?.(a >>> 20, new HeaderView(head, a & 0xfffff));
  }

  protected bodyEvent(kind: number, flags: number, a: number, b: number, value: unknown): void {
    if (kind === KIND.bodyFailed) {
      const error = errorFromNative(flags, { value: a, seen: b });
      const told =
        error.code === 'MILLRACE_COLLECTED_TOO_LARGE' ? collectError(this._rules, error.limit?.seen ?? 0) : error;
      this._body?.fail(told);
      // What is left of it is worth no connection.
      this.cancel(told);
      return;
    }
    const { events } = this.prepared;
    if (events !== null && value instanceof Uint8Array) events.bodyChunkReceived(value);
    this._body?.handleBodyEvent(kind, flags, a, b, value);
  }

  private keepsHead(memory: RequestMemory, head: string): boolean {
    try {
      memory.take(head.length);
      return true;
    } catch (error) {
      // One whose response is whole is over: that it fails is for its caller alone.
      if (this.over) this._recipient.failed(error);
      else this.cancel(error);
      return false;
    }
  }

  protected tunnelled(id: number, a: number, head: string, rest: Uint8Array | undefined): void {
    const { _rules: rules, _onUpgrade: onUpgrade } = this;
    const response = new ClientResponse({
      flags: RESPONSE_ENDED | 2,
      a,
      head,
      whole: undefined,
      incoming: undefined,
      rules,
      decompress: false,
      url: rules.url,
      timings: this.timings,
      exchange: this,
    });
    const socket = new Socket(id, slotOf(id));
    if (onUpgrade === undefined) {
      socket.destroy();
      this._recipient.failed(new MillraceError('MILLRACE_HTTP_UNEXPECTED_UPGRADE'));
    } else {
      onUpgrade({ socket, head: rest ?? EMPTY, response });
    }
  }

  protected failed(error: unknown): void {
    this._recipient.failed(error);
    this._body?.fail(error as MillraceError);
  }
}
