// A client that keeps no rule: it reads as it likes, drips, and does not go when it is told to.
import { connect } from 'node:net';
import { reset } from '../../support/reset.js';

/** What is kept of what came. */
const KEPT = 4_096;

export class Attacker {
  /** The first bytes that came. */
  text = '';
  received = 0;
  wasConnected = false;
  /** The server has shut its side; an attacker takes no notice. */
  ended = false;
  closed = false;
  /** How it was cut, where it was. */
  error;
  #waiting = [];
  #timers = [];

  /** `reads: false` takes no byte of what comes. `from`: the address that it comes from. */
  constructor(port, { reads = true, from, host = '127.0.0.1' } = {}) {
    const socket = connect({ host, port, allowHalfOpen: true, localAddress: from });
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('connect', () => (this.wasConnected = true));
    if (reads) {
      socket.on('data', (bytes) => {
        this.received += bytes.length;
        if (this.text.length < KEPT) this.text += bytes.toString('latin1');
        if (this.#waiting.length > 0) this.#look();
      });
    } else socket.pause();
    socket.on('end', () => {
      this.ended = true;
      this.#look();
    });
    socket.on('error', (error) => (this.error = error.code));
    socket.on('close', () => {
      this.closed = true;
      for (const timer of this.#timers) clearInterval(timer);
      this.#look();
    });
  }

  /** Resolves when it is connected; false when it never will be. */
  connected() {
    return this.#until(() => this.wasConnected, 'connect');
  }

  /** Resolves when what came matches; false when it is over without. */
  saw(pattern) {
    return this.#until(() => pattern.test(this.text));
  }

  /** Resolves when so many bytes have come; false when it is over without. */
  took(count) {
    return this.#until(() => this.received >= count);
  }

  /** Resolves when the server has shut its side or cut. */
  over() {
    return this.#until(() => this.ended);
  }

  send(bytes) {
    if (!this.closed) this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** Sends and resolves when the bytes are with the kernel. */
  sent(bytes) {
    return new Promise((resolve) => this.socket.write(bytes, resolve));
  }

  /** Sends the bytes again and again until the connection is really gone. */
  drip(bytes, every) {
    this.#timers.push(setInterval(() => this.send(bytes), every));
    return this;
  }

  /** Takes about so many bytes, again and again. */
  sip(count, every) {
    const { socket } = this;
    let full = count;
    socket.on('data', (bytes) => {
      this.received += bytes.length;
      if (this.received >= full) socket.pause();
    });
    this.#timers.push(
      setInterval(() => {
        full = this.received + count;
        socket.resume();
      }, every),
    );
    return this;
  }

  reset() {
    reset(this.socket);
  }

  destroy() {
    this.socket.destroy();
  }

  #until(holds, event) {
    if (holds()) return Promise.resolve(true);
    if (this.closed || this.ended) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#waiting.push({ holds, resolve });
      if (event !== undefined) this.socket.once(event, () => this.#look());
    });
  }

  #look() {
    this.#waiting = this.#waiting.filter(({ holds, resolve }) => {
      const held = holds();
      // Nothing comes behind an end.
      const over = held || this.closed || this.ended;
      if (over) resolve(held);
      return !over;
    });
  }
}
