import { EventEmitter } from 'node:events';

/** Whoever listens to an event. */
export type EventListener = Parameters<EventEmitter['on']>[1];

// Marks of the events that have a field here; in `#marks` each says that its listener is to be called once.
const DATA = 1;
const END = 2;
const DRAIN = 4;
const CLOSE = 8;
const ERROR = 16;
/** Node's own table has the listeners. */
const TABLE = 32;

function markOf(name: string | symbol): number {
  switch (name) {
    case 'data':
      return DATA;
    case 'end':
      return END;
    case 'drain':
      return DRAIN;
    case 'close':
      return CLOSE;
    case 'error':
      return ERROR;
    default:
      return 0;
  }
}

/**
 * EventEmitter without what its constructor makes: a table of 210 bytes for each emitter. Its methods make the table when
 * the first listener comes, as they do for whatever inherits from its prototype alone.
 */
const Tableless = function () {} as unknown as typeof EventEmitter;
Object.setPrototypeOf(Tableless, EventEmitter);
Object.defineProperty(Tableless, 'prototype', { value: EventEmitter.prototype });

/**
 * An emitter for objects of which there are many: one listener for each of `data`, `end`, `drain`, `close` and `error` is
 * kept in a field. Whoever asks for more (a second listener, another event, an order, what Node reports of listeners) has all
 * of them moved to Node's table, and it is an EventEmitter like any other from then on.
 *
 * Methods of it and of its subclasses have no `#`: V8 has every object keep a field for each class that has such methods.
 */
export class FewListeners extends Tableless {
  #data: EventListener | undefined;
  #end: EventListener | undefined;
  #drain: EventListener | undefined;
  #close: EventListener | undefined;
  #error: EventListener | undefined;
  #marks = 0;

  override on(name: string | symbol, listener: EventListener): this {
    if (!this._add(name, listener, 0)) super.on(name, listener);
    this.heard(name);
    return this;
  }

  override addListener(name: string | symbol, listener: EventListener): this {
    return this.on(name, listener);
  }

  override once(name: string | symbol, listener: EventListener): this {
    // Node's calls `on`.
    if (!this._add(name, listener, TABLE - 1)) return super.once(name, listener);
    this.heard(name);
    return this;
  }

  override off(name: string | symbol, listener: EventListener): this {
    return this.removeListener(name, listener);
  }

  override removeListener(name: string | symbol, listener: EventListener): this {
    if ((this.#marks & TABLE) !== 0 || typeof listener !== 'function') return super.removeListener(name, listener);
    const mark = markOf(name);
    if (mark !== 0 && this._kept(mark) === listener) this._keep(mark, undefined, 0);
    return this;
  }

  override emit(name: string | symbol, ...args: unknown[]): boolean {
    const mark = (this.#marks & TABLE) === 0 ? markOf(name) : 0;
    const listener = this._kept(mark);
    // Where nobody listens to an error, Node throws it.
    if (listener === undefined) return super.emit(name, ...args);
    if ((this.#marks & mark) !== 0) this._keep(mark, undefined, 0);
    listener.apply(this, args);
    return true;
  }

  override listenerCount(name: string | symbol, listener?: Parameters<EventEmitter['listenerCount']>[1]): number {
    if ((this.#marks & TABLE) !== 0) return super.listenerCount(name, listener);
    const kept = this._kept(markOf(name));
    return kept !== undefined && (listener === undefined || listener === null || listener === kept) ? 1 : 0;
  }

  override prependListener(name: string | symbol, listener: EventListener): this {
    this._toTable();
    return super.prependListener(name, listener);
  }

  override prependOnceListener(name: string | symbol, listener: EventListener): this {
    this._toTable();
    return super.prependOnceListener(name, listener);
  }

  override removeAllListeners(...names: [name?: string | symbol]): this {
    this._toTable();
    return super.removeAllListeners(...names);
  }

  override listeners(name: string | symbol): ReturnType<EventEmitter['listeners']> {
    this._toTable();
    return super.listeners(name);
  }

  override rawListeners(name: string | symbol): ReturnType<EventEmitter['rawListeners']> {
    this._toTable();
    return super.rawListeners(name);
  }

  override eventNames(): (string | symbol)[] {
    this._toTable();
    return super.eventNames();
  }

  /** Called when `on` or `once` has added a listener. */
  protected heard(name: string | symbol): void {
    void name;
  }

  /** Keeps a listener in the field of its event; false: it is for the table, which has the others now. */
  private _add(name: string | symbol, listener: EventListener, once: number): boolean {
    if ((this.#marks & TABLE) !== 0) return false;
    const mark = markOf(name);
    const fits = mark !== 0 && this._kept(mark) === undefined && typeof listener === 'function';
    // Promises that listeners return are Node's to watch.
    if (!fits || EventEmitter.captureRejections) {
      this._toTable();
      return false;
    }
    this._keep(mark, listener, once);
    return true;
  }

  private _toTable(): void {
    const once = this.#marks;
    if ((once & TABLE) !== 0) return;
    this.#marks = TABLE;
    for (const [name, mark] of [
      ['data', DATA],
      ['end', END],
      ['drain', DRAIN],
      ['close', CLOSE],
      ['error', ERROR],
    ] as const) {
      const listener = this._kept(mark);
      if (listener === undefined) continue;
      this._keep(mark, undefined, 0);
      // By `prepend`, which does no more than that: it is the only one of its event.
      if ((once & mark) !== 0) super.prependOnceListener(name, listener);
      else super.prependListener(name, listener);
    }
  }

  private _kept(mark: number): EventListener | undefined {
    switch (mark) {
      case DATA:
        return this.#data;
      case END:
        return this.#end;
      case DRAIN:
        return this.#drain;
      case CLOSE:
        return this.#close;
      case ERROR:
        return this.#error;
      default:
        return undefined;
    }
  }

  private _keep(mark: number, listener: EventListener | undefined, once: number): void {
    this.#marks = (this.#marks & ~mark) | (once & mark);
    switch (mark) {
      case DATA:
        this.#data = listener;
        break;
      case END:
        this.#end = listener;
        break;
      case DRAIN:
        this.#drain = listener;
        break;
      case CLOSE:
        this.#close = listener;
        break;
      default:
        this.#error = listener;
    }
  }
}
