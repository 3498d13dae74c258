import { outgoing } from '../message/outgoing-body.js';
import type { BodyInput } from '../message/outgoing-body.js';
import type { HeaderView } from '../message/header-view.js';
import { HandedBody } from './handed-body.js';
import type { ArrivingBody, BodyRules } from './response-body.js';
import type { ResponseParts } from './response.js';

/** A program bounds what it makes. */
const NO_RULES: BodyRules = { maxSize: null, maxStreamed: null, maxExpansion: null, memory: null };
const ASCII = /^[\x00-\x7f]*$/;

/** What of a response is made of a body that a program gives. */
interface Made {
  readonly whole: string | Uint8Array | undefined;
  readonly incoming: ArrivingBody | undefined;
  readonly rules: BodyRules;
  readonly exchange: ResponseParts['exchange'];
}

/** Text and bytes as they are; all else when it is read. */
export function madeBody(body: BodyInput, trailers: HeaderView | null): Made {
  const rules = NO_RULES;
  if (trailers === null && (body === null || typeof body === 'string' || body instanceof Uint8Array)) {
    const whole = typeof body === 'string' && !ASCII.test(body) ? Buffer.from(body) : (body ?? '');
    return { whole, incoming: undefined, rules, exchange: { over: true, onOver: undefined, cancel: () => undefined } };
  }
  const source = new Source(body, trailers);
  return { whole: undefined, incoming: source.handed, rules, exchange: source };
}

/** Reads a body of a program's as it is asked for; it ends like an exchange. */
class Source {
  readonly handed: HandedBody;
  over = false;
  onOver: (() => void) | undefined;
  private readonly _body: BodyInput;
  private readonly _trailers: HeaderView | null;
  private _started = false;
  private _resume: (() => void) | undefined;

  constructor(body: BodyInput, trailers: HeaderView | null) {
    this._body = body;
    this._trailers = trailers;
    this.handed = new HandedBody(NO_RULES, { resume: () => this.resume(), cancel: (error) => this.cancel(error) });
  }

  /** Nobody wants the rest: what reads it leaves, which lets the program's stream go. */
  cancel(error: unknown): void {
    if (this.over) return;
    this.end();
    this.handed.fail(error);
    this.resume();
  }

  private resume(): void {
    const resume = this._resume;
    this._resume = undefined;
    if (resume !== undefined) return resume();
    if (this._started) return;
    this._started = true;
    this.read().catch((error: unknown) => {
      this.end();
      this.handed.fail(error);
    });
  }

  private async read(): Promise<void> {
    const { whole, chunks, file } = await outgoing(this._body);
    try {
      for await (const chunk of whole === undefined ? chunks : [whole]) {
        if (this.over) return;
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        const resumed = new Promise<void>((resolve) => (this._resume = resolve));
        if (bytes.byteLength > 0 && !this.handed.push(bytes)) await resumed;
        if (this.over) return;
      }
      this.end();
      this.handed.end(this._trailers);
    } finally {
      file?.close();
    }
  }

  private end(): void {
    if (this.over) return;
    this.over = true;
    this.onOver?.();
  }
}
