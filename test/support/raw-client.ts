import type { Socket as NodeSocket } from 'node:net';
import { connect } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { reset } from './reset.js';

/** A response as it stood on the wire. */
export interface RawResponse {
  status: number;
  reason: string;
  /** Names in lower case; every value of a name. */
  headers: Record<string, string[]>;
  head: string;
  body: Buffer;
  trailers: string;
}

/** Where to connect: a port of the loopback, or the path of a Unix socket. */
export type Place = { port: number; host?: string } | { path: string };

interface Waiter {
  look(): boolean;
  fail(error: Error): void;
}

/** A scripted peer: sends bytes as told, and reads responses one by one from what came. */
export class RawClient {
  readonly socket: NodeSocket;
  /** The connection under TLS. */
  readonly #below: NodeSocket;
  #bytes: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #ended = false;
  #error: Error | undefined;
  #waiters: Waiter[] = [];
  received = 0;

  private constructor(socket: NodeSocket, below = socket) {
    this.socket = socket;
    this.#below = below;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.length;
      this.#chunks.push(chunk);
      this.#look();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#look();
    });
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#look();
    });
  }

  static connect(place: Place): Promise<RawClient> {
    // A server, and not only a port: those of a file that runs over TLS all speak it.
    const isServer = 'url' in place || 'path' in place;
    if (isServer && trustedByAll !== undefined) return RawClient.secure(place, { ca: trustedByAll });
    return new Promise((resolve, reject) => {
      const options = 'path' in place ? { path: place.path } : { host: place.host ?? '127.0.0.1', port: place.port };
      const socket = connect({ ...options, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        opened.add(socket);
        socket.once('close', () => opened.delete(socket));
        resolve(new RawClient(socket));
      });
    });
  }

  /** The other side of a connection that a server of Node has accepted. */
  static accepted(socket: NodeSocket): RawClient {
    opened.add(socket);
    socket.once('close', () => opened.delete(socket));
    socket.on('error', () => undefined);
    return new RawClient(socket);
  }

  /** Through Node's own TLS; the name asked for is `localhost` unless told otherwise. */
  static secure(place: Place, options: ConnectionOptions): Promise<RawClient> {
    const where = 'path' in place ? { path: place.path } : { host: place.host ?? '127.0.0.1', port: place.port };
    return RawClient.over(connect({ ...where, allowHalfOpen: true }), options);
  }

  /** The same over a socket that is open, or will be. */
  static over(below: NodeSocket, options: ConnectionOptions = { ca: trustedByAll }): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      below.once('error', reject);
      const socket = connectTls({ servername: 'localhost', allowHalfOpen: true, socket: below, ...options } as object);
      opened.add(socket);
      socket.once('close', () => opened.delete(socket));
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket, below));
      });
    });
  }

  /** What Node knows of the session. */
  get tls(): TLSSocket {
    return this.socket as TLSSocket;
  }

  /** Bytes that came and have not been read. */
  get pending(): Buffer {
    if (this.#chunks.length > 0) {
      this.#bytes = Buffer.concat([this.#bytes, ...this.#chunks]);
      this.#chunks = [];
    }
    return this.#bytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  /** Strings are Latin-1: one character a byte. */
  send(bytes: string | Uint8Array): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** Sends and resolves when the bytes are with the kernel. */
  sent(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () => resolve());
    });
  }

  /** Ends our side; the other stays open. */
  end(): this {
    this.socket.end();
    return this;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Goes away with a reset. */
  reset(): void {
    reset(this.#below);
  }

  /** Takes bytes up to and with the mark. */
  async until(mark: string): Promise<string> {
    const wanted = Buffer.from(mark, 'latin1');
    await this.#wait(() => this.pending.includes(wanted), `the bytes ${JSON.stringify(mark)}`);
    return this.take(this.pending.indexOf(wanted) + wanted.length).toString('latin1');
  }

  /** Takes what there is, once there is something. */
  async more(): Promise<Buffer> {
    await this.#wait(() => this.pending.length > 0, 'anything');
    return this.take(this.pending.length);
  }

  /** Takes exactly so many bytes. */
  async exactly(count: number): Promise<Buffer> {
    let have = this.pending.length;
    // Looks at the count alone, lest each chunk copy the whole.
    const base = this.received - have;
    await this.#wait(() => (have = this.received - base) >= count, `${count} bytes (there are ${have})`);
    return this.take(count);
  }

  /** The next response, 1xx included. `to`: the method that it answers. */
  async response(to = 'GET'): Promise<RawResponse> {
    const head = await this.until('\r\n\r\n');
    const [line, ...lines] = head.slice(0, -4).split('\r\n');
    const match = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(line);
    if (match === null) throw new Error(`not a status line: ${JSON.stringify(line)}`);
    const headers = Object.create(null) as Record<string, string[]>;
    for (const field of lines) {
      const colon = field.indexOf(':');
      (headers[field.slice(0, colon).toLowerCase()] ??= []).push(field.slice(colon + 1).trim());
    }
    const status = Number(match[1]);
    const found: RawResponse = { status, reason: match[2], headers, head, body: Buffer.alloc(0), trailers: '' };
    if (to === 'HEAD' || status < 200 || status === 204 || status === 304) return found;
    if (headers['transfer-encoding']?.includes('chunked') === true) {
      const parts: Buffer[] = [];
      for (;;) {
        const size = parseInt(await this.until('\r\n'), 16);
        if (size === 0) break;
        parts.push(await this.exactly(size));
        if ((await this.until('\r\n')) !== '\r\n') throw new Error('chunk data must end with CRLF');
      }
      for (let line = await this.until('\r\n'); line !== '\r\n'; line = await this.until('\r\n'))
        found.trailers += line;
      found.body = Buffer.concat(parts);
    } else if (headers['content-length'] !== undefined) {
      found.body = await this.exactly(Number(headers['content-length'][0]));
    } else {
      found.body = await this.rest();
    }
    return found;
  }

  /** Everything until the peer's end. */
  async rest(): Promise<Buffer> {
    await this.closed();
    return this.take(this.pending.length);
  }

  /** Resolves when the peer has ended its side, or cut. */
  closed(): Promise<void> {
    return this.#wait(() => this.#ended, 'the end');
  }

  /** Takes what is there. */
  take(count: number): Buffer {
    const taken = this.pending.subarray(0, count);
    this.#bytes = this.pending.subarray(count);
    return taken;
  }

  #wait(ready: () => boolean, what: string): Promise<void> {
    if (ready()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const missing = (): Error =>
        new Error(
          `the peer ended before ${what}; got ${JSON.stringify(this.pending.toString('latin1').slice(0, 300))}`,
          {
            cause: this.#error,
          },
        );
      if (this.#ended) {
        reject(missing());
        return;
      }
      this.#waiters.push({
        look: () => {
          if (ready()) resolve();
          else if (this.#ended) reject(missing());
          else return false;
          return true;
        },
        fail: reject,
      });
    });
  }

  #look(): void {
    this.#waiters = this.#waiters.filter((waiter) => !waiter.look());
  }
}

const opened = new Set<NodeSocket>();
let trustedByAll: string | undefined;

/** From now on clients of servers with TLS speak it, and trust this authority. */
export function trustEverywhere(ca: string): void {
  trustedByAll = ca;
}

/** Cuts every client that a test has left open. */
export function cutClients(): void {
  for (const socket of opened) socket.destroy();
}
