// Opens connections and leaves them idle: node idle-connections.mjs <port> <count> <http | https>, driven over standard
// input. One of TLS is opened when its handshake is over; its certificate is taken as it is.
//
// It says `opened <n>` when all are there. `request` sends one GET on each and says `answered <n>`; the end of standard
// input ends the process and with it the connections.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import * as tls from 'node:tls';

const [port, wanted] = process.argv.slice(2).map(Number);
const isTls = process.argv[4] === 'https';
const AT_ONCE = 100;
const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const sockets = new Set();
const say = (text) => process.stdout.write(`${text}\n`);

function open() {
  return new Promise((resolve, reject) => {
    const to = { port, host: '127.0.0.1' };
    const socket = isTls ? tls.connect({ ...to, rejectUnauthorized: false }) : connect(to);
    socket.once('error', reject);
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      sockets.add(socket);
      socket.off('error', reject);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
      resolve();
    });
  });
}

function ask(socket) {
  return new Promise((resolve) => {
    let text = '';
    const read = (chunk) => {
      text += chunk.toString('latin1');
      if (!text.includes('Hello, World!')) return;
      socket.off('data', read);
      resolve(true);
    };
    socket.on('data', read);
    socket.once('close', () => resolve(false));
    socket.write(GET);
  });
}

async function inGroups(items, work) {
  const results = [];
  for (let i = 0; i < items.length; i += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(i, i + AT_ONCE).map(work))));
  }
  return results;
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    if (line === 'request') say(`answered ${(await inGroups([...sockets], ask)).filter(Boolean).length}`);
  })
  .on('close', () => process.exit(0));

await inGroups(Array.from({ length: wanted }), open);
say(`opened ${sockets.size}`);
