// Clients over node:net that know what became of each request. Each is a loop that ends at the first pause between two
// requests after `state.stops` is set.
import { connect } from 'node:net';

const LONG = 2 << 20;
const UPLOAD = 64 * 1024;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** One connection: sends requests one after the other and reads their responses. */
class Connection {
  constructor(socket, tally) {
    this.socket = socket;
    this.tally = tally;
    this.bytes = Buffer.alloc(0);
    this.served = 0;
    this.isOver = false;
    this.wake = () => undefined;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
      this.wake();
    });
    socket.on('error', (error) => (this.error = error));
    socket.on('close', () => this.over());
    socket.on('end', () => this.over());
  }

  over() {
    this.isOver = true;
    this.wake();
  }

  more() {
    return new Promise((resolve) => (this.wake = resolve));
  }

  /** Sends by `send` and judges what comes; says whether the connection goes on. */
  async exchange(name, send, isRight, take = async () => undefined) {
    if (this.isOver) return this.leftIdle();
    await send(this.socket);
    let head;
    let length = 0;
    for (;;) {
      const end = this.bytes.indexOf('\r\n\r\n');
      if (head === undefined && end >= 0) {
        head = this.bytes.toString('latin1', 0, end + 4);
        this.bytes = this.bytes.subarray(end + 4);
        length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      }
      if (head !== undefined && this.bytes.length >= length) break;
      if (this.isOver) return this.failed(name, head);
      await take(this.socket);
      if (!this.isOver) await this.more();
    }
    const body = this.bytes.subarray(0, length);
    this.bytes = this.bytes.subarray(length);
    this.served++;
    if (!/^HTTP\/1\.1 2/.test(head)) {
      this.tally.not2xx++;
      this.tally.note(`${name}: ${head.slice(0, head.indexOf('\r'))}`);
    } else if (isRight(body)) this.tally.answered++;
    else this.tally.wrong++;
    return !/^connection: close/im.test(head);
  }

  leftIdle() {
    this.tally.idle++;
    return false;
  }

  failed(name, head) {
    const partly = head !== undefined || this.bytes.length > 0;
    if (this.served > 0 && !partly) this.tally.raced++;
    else this.tally.lost++;
    const after = `after ${this.served} answers${partly ? ' and a part of this one' : ''}`;
    this.tally.note(`${name}: ${this.error?.code ?? 'the end'} ${after}`);
    return false;
  }

  close() {
    this.socket.destroy();
  }
}

/** A connection, or undefined where it was refused. */
function open(port, tally) {
  const began = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('error', (error) => {
      tally.refused++;
      tally.note(`connect: ${error.code}`);
      resolve(undefined);
    });
    socket.once('connect', () => {
      tally.connected(performance.now() - began);
      socket.removeAllListeners('error');
      resolve(new Connection(socket, tally));
    });
  });
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const sendGet = (socket) => void socket.write(GET);
const isGreeting = (body) => /^generation \d+$/.test(body.toString());

/** A new connection for each request. */
export async function fresh(port, tally, state) {
  while (!state.stops) {
    const connection = await open(port, tally);
    if (connection === undefined) continue;
    await connection.exchange('fresh', sendGet, isGreeting);
    connection.close();
  }
}

/** One request after the other on one connection for as long as the server lets it; `gap`: ms between them. */
export async function keepAlive(port, tally, state, gap = 0) {
  while (!state.stops) {
    const connection = await open(port, tally);
    if (connection === undefined) continue;
    while (!state.stops && (await connection.exchange('keep-alive', sendGet, isGreeting))) if (gap) await pause(gap);
    connection.close();
  }
}

/** Uploads in pieces, with a pause after each: about a second for one. */
export async function slowUpload(port, tally, state) {
  const pieces = 16;
  const piece = Buffer.alloc(UPLOAD / pieces, 'x');
  const send = async (socket) => {
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${UPLOAD}\r\n\r\n`);
    for (let sent = 0; sent < pieces; sent++) {
      await pause(60);
      socket.write(piece);
    }
  };
  while (!state.stops) {
    const connection = await open(port, tally);
    if (connection === undefined) continue;
    await connection.exchange('slow upload', send, (body) => body.toString() === String(UPLOAD));
    connection.close();
  }
}

/** Reads 2 MiB a little at a time: more than the kernels hold, so that the server has to wait. */
export async function slowDownload(port, tally, state) {
  const send = (socket) => void socket.write('GET /long HTTP/1.1\r\nHost: a\r\n\r\n');
  const take = async (socket) => {
    socket.pause();
    await pause(20);
    socket.resume();
  };
  while (!state.stops) {
    const connection = await open(port, tally);
    if (connection === undefined) continue;
    await connection.exchange('slow download', send, (body) => body.length === LONG, take);
    connection.close();
  }
}
