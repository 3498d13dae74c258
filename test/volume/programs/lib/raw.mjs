// An HTTP/1.1 client over node:net for large bodies: it knows nothing of ours, and copies nothing.
import { once } from 'node:events';
import { connect } from 'node:net';
import { reset } from '../../../support/reset.js';

const HEAD_END = Buffer.from('\r\n\r\n');

/** A connection whose bytes are taken one chunk at a time: nothing is read that nobody asked for. */
export class RawConnection {
  #socket;
  #rest;

  /** `place` as `connect` of node:net takes it; a port alone is one of the loopback. */
  static async open(place) {
    const options = typeof place === 'number' ? { port: place, host: '127.0.0.1' } : place;
    const socket = connect({ allowHalfOpen: true, ...options });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  constructor(socket) {
    this.#socket = socket.pause();
    socket.on('error', () => {});
  }

  /** Resolves at the next of these events. */
  #one(...names) {
    return new Promise((resolve) => {
      const told = () => {
        for (const name of names) this.#socket.off(name, told);
        resolve();
      };
      for (const name of names) this.#socket.on(name, told);
    });
  }

  /** Sends all of it; resolves when there is room for more. */
  async write(...parts) {
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
    if (this.#socket.writableNeedDrain && !this.#socket.destroyed) await this.#one('drain', 'close');
  }

  /** The next bytes, or null at the end of the connection, however it came. */
  async read() {
    if (this.#rest !== undefined) {
      const rest = this.#rest;
      this.#rest = undefined;
      return rest;
    }
    for (;;) {
      const chunk = this.#socket.read();
      if (chunk !== null) return chunk;
      if (this.#socket.readableEnded || this.#socket.destroyed) return null;
      await this.#one('readable', 'end', 'close');
    }
  }

  /** The head of the next response: its text and status. What follows it is read next. */
  async head() {
    let bytes = Buffer.alloc(0);
    for (;;) {
      const end = bytes.indexOf(HEAD_END);
      if (end >= 0) {
        if (end + 4 < bytes.length) this.#rest = bytes.subarray(end + 4);
        const text = bytes.latin1Slice(0, end);
        return { text, status: Number(text.slice(9, 12)) };
      }
      const chunk = await this.read();
      if (chunk === null) throw new Error(`the connection ended in a head: ${JSON.stringify(bytes.latin1Slice())}`);
      bytes = Buffer.concat([bytes, chunk]);
    }
  }

  /** The body behind that head, in parts as they come; throws where the connection ends before it does. */
  async *body({ text }) {
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
    if (length === undefined) return yield* this.#chunked();
    return yield* this.#counted(Number(length));
  }

  async *#counted(length) {
    for (let left = length; left > 0;) {
      const bytes = await this.read();
      if (bytes === null) throw new Error(`the body ended ${left} bytes early`);
      if (bytes.length > left) this.#rest = bytes.subarray(left);
      yield bytes.subarray(0, left);
      left -= Math.min(left, bytes.length);
    }
  }

  async #line() {
    let line = Buffer.alloc(0);
    for (;;) {
      const bytes = await this.read();
      if (bytes === null) throw new Error('the body ended before its last chunk');
      line = line.length === 0 ? bytes : Buffer.concat([line, bytes]);
      const end = line.indexOf('\r\n');
      if (end < 0) continue;
      if (end + 2 < line.length) this.#rest = line.subarray(end + 2);
      return line.latin1Slice(0, end);
    }
  }

  async *#chunked() {
    for (;;) {
      const size = parseInt(await this.#line(), 16);
      if (size > 0) yield* this.#counted(size);
      if ((await this.#line()) !== '' && size > 0) throw new Error('chunk data must end with CRLF');
      if (size === 0) return;
    }
  }

  destroy() {
    this.#socket.destroy();
  }

  /** Goes away with a reset. */
  reset() {
    reset(this.#socket);
  }
}
