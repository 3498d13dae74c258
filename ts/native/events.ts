import { eventResource, eventResourceProxy } from './event-resource.js';
import { common, native } from './loader.js';
import { gathered, outboxNumbers, outboxText } from './outbox.js';

/** Kinds of events; `crates/engine/src/event.rs` has the same list. */
export const KIND = {
  request: 1,
  upgrade: 2,
  connect: 3,
  body: 4,
  bodyEnd: 5,
  collected: 6,
  aborted: 7,
  drain: 8,
  finished: 9,
  left: 10,
  injected: 11,
  serverClosed: 12,
  bodyFailed: 13,
  clientHello: 14,
  tlsFailed: 15,
  dialled: 16,
  dialFailed: 17,
  log: 18,
  accepted: 19,
  relayEnded: 20,
  proxyCredentials: 21,
  proxyRequest: 22,
  response: 24,
  informational: 25,
  gone: 26,
  refused: 27,
} as const;

/** Flags of a response event; above them the seconds of `Keep-Alive: timeout` plus one. */
export const RESPONSE_ENDED = 1;
export const RESPONSE_HTTP_1_1 = 2;
export const RESPONSE_KEEP_ALIVE = 4;
export const RESPONSE_RAW = 8;
export const RESPONSE_CODED = 16;
export const RESPONSE_ASCII = 32;
export const RESPONSE_KEEP_ALIVE_SHIFT = 6;
/** Flags of the aborted event of a client's exchange, beside the code in the bits below. */
export const ABORTED_SENT = 4096;
export const ABORTED_SEEN = 8192;
export const ABORTED_UNREAD = 16384;
export const ABORTED_CODE = 4095;

/** Flags of the event of a connection that is open. */
export const DIALLED_PROXY = 1;
export const DIALLED_TLS = 2;

/** Flags of a request event. */
export const REQUEST_HAS_BODY = 1;
export const REQUEST_HTTP_1_1 = 2;
export const REQUEST_EXPECTS_CONTINUE = 4;
export const REQUEST_TLS = 8;

/** Numbers of one event in the ring, and events in one batch at most: as in `crates/node/src/wake.rs`. */
const STRIDE = 5;
const MOST = 32;

/** Whatever an id of the native core stands for. */
export interface Target {
  /** The id; an event for another one that used the slot before is dropped. */
  readonly id: number;
  /** False while it still waits for its last event; the core may have given its slot to another by then. */
  readonly closed?: boolean;
  handleEvent(kind: number, flags: number, a: number, b: number, value: unknown, extra: unknown): void;
}

/** A request that the native core refused. */
export interface NativeRefusal {
  /** The number of an error code. */
  readonly code: number;
  readonly status: number;
  /** Empty where the client has none. */
  readonly address: string;
  readonly port: number;
  readonly limit: number | undefined;
  readonly seen: number | undefined;
}

/** What is told of a server, whatever it speaks. */
export interface ServerSink {
  readonly id: number;
  handleServerEvent(kind: number, a: number, b: number): void;
  /** Of a TLS session that has no exchange yet; `id` is the connection's. */
  handleTlsEvent(kind: number, flags: number, id: number, text: string): void;
  /** Of a proxy: the first that a client which speaks SOCKS wants of us. */
  handleSocks?(kind: number, id: number, slot: number, text: string, length: number): void;
}

/** What a raw listener does with a new tunnel. */
export interface SocketSink extends ServerSink {
  handleAccepted(id: number, slot: number): void;
}

/** What a server does with a new exchange. */
export interface RequestSink extends ServerSink {
  handleRequest(
    kind: number,
    flags: number,
    id: number,
    slot: number,
    targetLength: number,
    method: number,
    head: string,
    extra: Uint8Array | undefined,
  ): void;
  /** Of a request that was refused before it became one. */
  handleRefusal(refusal: NativeRefusal): void;
}

/** Whom events are for. */
interface Book {
  /** By slot: exchanges, tunnels, injections. */
  readonly targets: (Target | undefined)[];
  /** By id: whose slot another has taken while their last bytes were still on the way to the kernel. */
  readonly displaced: Map<number, Target>;
  /** By slot: servers. */
  readonly servers: (RequestSink | SocketSink | undefined)[];
  /** By id: whose slot another server has taken before it was told that it is closed. */
  readonly displacedServers: Map<number, RequestSink | SocketSink>;
  /** Told when lines for the log wait. */
  onLines: (() => void) | undefined;
}

const ring = new Float64Array(MOST * STRIDE);
// Whichever copy of this module attached last is told of the events of all.
const book = common<Book>('book', () => ({
  targets: [],
  displaced: new Map(),
  servers: [],
  displacedServers: new Map(),
  onLines: undefined,
}));
const { targets, displaced, servers, displacedServers } = book;
let attached = false;

/** The slot of an id: its low 21 bits. */
export function slotOf(id: number): number {
  return id % 2_097_152;
}

/** Events of this id go to the target. */
export function register(slot: number, target: Target): void {
  const before = targets[slot];
  if (before !== undefined && before.closed === false) displaced.set(before.id, before);
  targets[slot] = target;
}

/** Events of this id go nowhere any more. */
export function unregister(slot: number, id: number): void {
  if (targets[slot]?.id === id) targets[slot] = undefined;
  else if (displaced.size > 0) displaced.delete(id);
}

/** Requests of this server go to the sink. */
export function registerServer(id: number, sink: RequestSink | SocketSink): void {
  const slot = slotOf(id);
  const before = servers[slot];
  if (before !== undefined) displacedServers.set(before.id, before);
  servers[slot] = sink;
  attach();
}

export function unregisterServer(id: number): void {
  const slot = slotOf(id);
  if (servers[slot]?.id === id) servers[slot] = undefined;
  else displacedServers.delete(id);
}

/** The function is called when lines for the log wait: `native.takeLog()` has them. */
export function setLinesListener(fn: () => void): void {
  book.onLines = fn;
}

/** Has events arrive from now on: before the first server listens, or the first connection is begun. */
export function attach(): void {
  if (attached) return;
  attached = true;
  native.attach(onEvents, ring, outboxNumbers, outboxText, eventResourceProxy);
}

/** Calls a function as the handler of an event is called. */
export function inEventContext(fn: () => void): void {
  attach();
  eventResource.next();
  native.callInContext(fn);
  eventResource.next();
}

/**
 * One batch: the numbers are in the ring, strings and bytes follow the count. A request handler's errors are caught
 * where it is called; what a listener throws is returned, and the rest of the batch goes on; else the bodies of the outbox are.
 */
function onEvents(count: number, ...values: unknown[]): unknown[] | string | undefined {
  let thrown: unknown[] | undefined;
  let next = 0;
  for (let place = 0; place < count * STRIDE; place += STRIDE) {
    const word = ring[place] | 0;
    const id = ring[place + 1];
    const a = ring[place + 2];
    const b = ring[place + 3];
    const slot = ring[place + 4] | 0;
    const kind = word & 31;
    const value = (word & 32) !== 0 ? values[next++] : undefined;
    const extra = (word & 64) !== 0 ? values[next++] : undefined;
    eventResource.next();
    try {
      if (kind <= KIND.connect) {
        // A length is a small integer: kept as the double that the ring holds, it would be an object of its own.
        const length = a | 0;
        const sink = servers[b >> 8] as RequestSink | undefined;
        sink?.handleRequest(kind, word >> 7, id, slot, length, b & 255, value as string, extra as Uint8Array);
      } else if (kind === KIND.serverClosed) {
        const server = servers[slot]?.id === id ? servers[slot] : displacedServers.get(id);
        server?.handleServerEvent(kind, a, b);
      } else if (kind === KIND.clientHello || kind === KIND.tlsFailed) {
        servers[b >> 8]?.handleTlsEvent(kind, word >> 7, id, value as string);
      } else if ((kind === KIND.proxyCredentials || kind === KIND.proxyRequest) && targets[slot]?.id !== id) {
        servers[b >> 8]?.handleSocks?.(kind, id, slot, value as string, a);
      } else if (kind === KIND.accepted) {
        (servers[b] as SocketSink | undefined)?.handleAccepted(id, slot);
      } else if (kind === KIND.log) {
        book.onLines?.();
      } else if (kind === KIND.refused) {
        tellRefusals(native.takeRefusals());
      } else {
        const target = targets[slot];
        if (target !== undefined && target.id === id) target.handleEvent(kind, word >> 7, a, b, value, extra);
        else if (displaced.size > 0) tellDisplaced(id, kind, word >> 7, a, b, value, extra);
      }
    } catch (error) {
      (thrown ??= []).push(error);
    }
  }
  eventResource.next();
  return thrown ?? gathered();
}

/** Lines as `crates/engine/src/server/refusals.rs` writes them, to their servers. */
function tellRefusals(lines: string): void {
  const numberOf = (text: string): number | undefined => (text === '' ? undefined : Number(text));
  for (const line of lines.split('\n').slice(0, -1)) {
    const [slot = '', code, status, address = '', port, limit = '', seen = ''] = line.split('\t');
    const numbers = { code: Number(code), status: Number(status), port: Number(port) };
    const server = servers[Number(slot)];
    if (server === undefined || !('handleRefusal' in server)) continue;
    server.handleRefusal({ ...numbers, address, limit: numberOf(limit), seen: numberOf(seen) });
  }
}

/**
 * An event of one whose slot was taken: the core gives a slot away as soon as its exchange is over, and the events that
 * tell so may still be under way when another has it.
 */
function tellDisplaced(
  id: number,
  kind: number,
  flags: number,
  a: number,
  b: number,
  value: unknown,
  extra: unknown,
): void {
  const target = displaced.get(id);
  if (target === undefined) return;
  const isLast =
    kind === KIND.finished || kind === KIND.aborted || kind === KIND.gone || kind === KIND.relayEnded;
  if (isLast) displaced.delete(id);
  target.handleEvent(kind, flags, a, b, value, extra);
}

/** How many servers, connections, streams, buffers, timers and pinned arrays live on this thread: for leak tests. */
export function census(): Record<'servers' | 'connections' | 'streams' | 'buffers' | 'timers' | 'pins', number> {
  const row = new Float64Array(6);
  native.census(row);
  const [servers, connections, streams, buffers, timers, pins] = row;
  return { servers, connections, streams, buffers, timers, pins };
}
