import { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import type { Target } from '../native/events.js';
import { KIND, register, unregister } from '../native/events.js';
import { native } from '../native/loader.js';
import { Socket } from '../net/socket.js';
import { GRANTED } from './failure.js';
import type { Failure } from './failure.js';

/** What a client has shown or asked for: the event's kind, its text, and the length of the user name in it. */
type OnAsked = (client: SocksClient, kind: number, text: string, length: number) => void;

/** A client that speaks SOCKS, until it has its tunnel: who it is, what it asks for, and whether it is still there. */
export class SocksClient implements Target {
  readonly id: number;
  readonly #slot: number;
  readonly #left = new AbortController();
  readonly #onAsked: OnAsked;
  #ended = false;
  username: string | null = null;

  constructor(id: number, slot: number, onAsked: OnAsked) {
    this.#onAsked = onAsked;
    this.id = id;
    this.#slot = slot;
    register(slot, this);
    native.hold(1);
  }

  /** Aborted when the client goes away. */
  get signal(): AbortSignal {
    return this.#left.signal;
  }

  get address(): { remoteAddress: string; remotePort: number } {
    const [remoteAddress = '', port = ''] = (native.address(this.id) || '\0').split('\0');
    return { remoteAddress, remotePort: Number(port) };
  }

  /** Says whether its user name and password were right; false when it is gone. */
  judge(right: boolean): boolean {
    const lives = native.judgeCredentials(this.id, right) === 1;
    if (!right || !lives) this.#end();
    return lives;
  }

  /** Opens its tunnel, or null when it is gone. `bound` is where the target sees us. */
  grant(bound: { address: string; port: number }): Socket | null {
    const lives = native.replySocks(this.id, GRANTED, bound.address, bound.port) === 1;
    this.#end();
    return lives ? new Socket(this.id, this.#slot) : null;
  }

  refuse({ reply }: Failure): void {
    native.replySocks(this.id, reply, '', 0);
    this.#end();
  }

  /** It shows who it is, or asks for a tunnel. */
  asked(kind: number, text: string, length: number): void {
    this.#onAsked(this, kind, text, length);
  }

  /** @internal */
  handleEvent(kind: number, flags: number, a: number, b: number, value: unknown): void {
    if (kind === KIND.proxyRequest) this.asked(kind, value as string, a);
    if (kind !== KIND.aborted) return;
    this.#end();
    const cause = errorFromNative(flags, { value: a, seen: b });
    this.#left.abort(new MillraceError('MILLRACE_CONNECTION_CLOSED', 'the client of the proxy went away', { cause }));
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    unregister(this.#slot, this.id);
    native.hold(-1);
  }
}
