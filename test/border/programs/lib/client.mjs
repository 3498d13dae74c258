// A raw HTTP/1.1 client over node:net, which knows nothing of ours: load for the programs.
import { connect } from 'node:net';

const REQUEST = 'GET / HTTP/1.1\r\nHost: t\r\n\r\n';

/** Counts complete responses with a Content-Length in a stream of them. */
export class ResponseReader {
  #rest = '';
  /** Status and body of each response since the last call. */
  take(bytes) {
    this.#rest += bytes.toString('latin1');
    const found = [];
    for (;;) {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return found;
      const head = this.#rest.slice(0, end);
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (this.#rest.length < end + 4 + length) return found;
      found.push({ status: Number(head.slice(9, 12)), body: this.#rest.slice(end + 4, end + 4 + length) });
      this.#rest = this.#rest.slice(end + 4 + length);
    }
  }
}

/** One request on a connection of its own: status and body, or status 0 when it was cut. */
export function once(port, path = '/', { method = 'GET', body = '' } = {}) {
  return new Promise((resolve) => {
    const reader = new ResponseReader();
    const socket = connect(port, '127.0.0.1');
    const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    socket.on('connect', () =>
      socket.write(`${method} ${path} HTTP/1.1\r\nHost: t\r\n${length}Connection: close\r\n\r\n${body}`),
    );
    socket.on('data', (bytes) => {
      const [answer] = reader.take(bytes);
      if (answer !== undefined) {
        resolve(answer);
        socket.destroy();
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve({ status: 0, body: '' }));
  });
}

/** Many pipelined requests in one write on one connection: the answers, in order, until all came or it was cut. */
export function pipelined(port, paths) {
  return new Promise((resolve) => {
    const reader = new ResponseReader();
    const answers = [];
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: t\r\n\r\n`).join('')));
    socket.on('data', (bytes) => {
      answers.push(...reader.take(bytes));
      if (answers.length >= paths.length) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answers));
  });
}

/** Load without end: connections that send `depth` requests, await the answers, send again, and come back when cut. */
export class Flood {
  answered = 0;
  cut = 0;
  statuses = {};
  #sockets = new Set();
  #stopped = false;
  #waiting = [];

  constructor(port, { connections = 8, depth = 4, request = REQUEST, reconnect = true } = {}) {
    this.port = port;
    this.depth = depth;
    this.block = request.repeat(depth);
    this.reconnect = reconnect;
    for (let count = 0; count < connections; count++) this.#open();
  }

  #open() {
    const reader = new ResponseReader();
    const socket = connect(this.port, '127.0.0.1');
    let owed = 0;
    const send = () => {
      owed = this.depth;
      socket.write(this.block);
    };
    this.#sockets.add(socket);
    socket.on('connect', send);
    socket.on('data', (bytes) => {
      for (const { status } of reader.take(bytes)) {
        this.answered++;
        owed--;
        this.statuses[status] = (this.statuses[status] ?? 0) + 1;
      }
      this.#told();
      if (owed <= 0 && !this.#stopped) send();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.cut++;
      if (!this.#stopped && this.reconnect) setImmediate(() => this.#stopped || this.#open());
    });
  }

  #told() {
    this.#waiting = this.#waiting.filter(({ count, resolve }) => this.answered < count || void resolve());
  }

  /** Resolves when so many answers have come. */
  reach(count) {
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve });
      this.#told();
    });
  }

  stop() {
    this.#stopped = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}
