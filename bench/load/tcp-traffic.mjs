// Both ends of TCP traffic: node tcp-traffic.mjs, driven over standard input. It listens itself, as what is behind a
// relay, and says `listening <port>`.
//
// A connection begins with a letter: `E` has what follows echoed; `D<bytes>` and a line feed are answered with so many
// bytes and the end; after `U` bytes are counted until the end and their number is the answer.
//
// - `open <port> <count>` opens so many more connections of `E` and says `opened <of all>`;
// - `pingpong <size> <ms>` has each send so many bytes, and again when they have come back: `moved <times> <ms>`;
// - `ping` sends one byte on each and says `answered <how many>`;
// - `volume <port> <D | U> <bytes>` moves so many over a connection of its own and says `read <bytes> <ms>`.
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { serveTraffic } from './tcp-protocol.mjs';

const AT_ONCE = 100;
const BLOCK = Buffer.alloc(256 << 10, 'millrace');
const open = [];
const say = (text) => process.stdout.write(`${text}\n`);

const dial = (port) =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
      socket.off('error', reject).on('error', () => {});
      resolve(socket);
    }).once('error', reject);
  });

async function openMore(port, count) {
  for (let left = count; left > 0; left -= AT_ONCE) {
    const sockets = await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => dial(port)));
    for (const socket of sockets) socket.write('E');
    open.push(...sockets);
  }
  say(`opened ${open.length}`);
}

async function pingPong(size, ms) {
  const message = Buffer.alloc(size, 'x');
  const began = performance.now();
  let moved = 0;
  let over = false;
  const done = open.map(
    (socket) =>
      new Promise((resolve, reject) => {
        let missing = size;
        const read = (chunk) => {
          missing -= chunk.length;
          if (missing > 0) return;
          moved += 1;
          missing = size;
          if (!over) return socket.write(message);
          socket.off('data', read).off('close', reject);
          resolve();
        };
        socket.on('data', read).on('close', reject);
        socket.write(message);
      }),
  );
  setTimeout(() => (over = true), ms);
  await Promise.all(done);
  say(`moved ${moved} ${(performance.now() - began).toFixed(3)}`);
}

async function ping() {
  const answers = open.map(
    (socket) =>
      new Promise((resolve) => {
        socket.once('data', () => resolve(true)).once('close', () => resolve(false));
        socket.write('x');
      }),
  );
  say(`answered ${(await Promise.all(answers)).filter(Boolean).length}`);
}

function push(socket, left) {
  while (left > 0) {
    const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
    left -= block.length;
    if (!socket.write(block) && left > 0) return socket.once('drain', () => push(socket, left));
  }
  socket.end();
}

async function volume(port, way, bytes) {
  const socket = await dial(port);
  const began = performance.now();
  let got = 0;
  let text = '';
  socket.on('data', (chunk) => {
    got += chunk.length;
    if (way === 'U') text += chunk.toString('latin1');
  });
  const ended = new Promise((resolve) => socket.once('close', resolve));
  if (way === 'D') socket.end(`D${bytes}\n`);
  else {
    socket.write('U');
    push(socket, bytes);
  }
  await ended;
  say(`read ${way === 'D' ? got : Number(text)} ${(performance.now() - began).toFixed(3)}`);
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const [what, ...rest] = line.split(' ');
    if (what === 'open') await openMore(...rest.map(Number));
    else if (what === 'pingpong') await pingPong(...rest.map(Number));
    else if (what === 'ping') await ping();
    else if (what === 'volume') await volume(Number(rest[0]), rest[1], Number(rest[2]));
  })
  .on('close', () => process.exit(0));

const server = createServer({ noDelay: true, allowHalfOpen: true, backlog: 4_096 }, serveTraffic);
server.listen(0, '127.0.0.1', () => say(`listening ${server.address().port}`));
