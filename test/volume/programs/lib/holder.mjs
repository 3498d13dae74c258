// The client side of many connections: opens them, asks on each when told, and says who answered what.
import { connect } from 'node:net';
import { play } from './child.mjs';

/** Connections that are being opened, or asked, at once: fewer than the kernel's queue of a listener holds. */
const AT_ONCE = 256;
const GET = 'GET / HTTP/1.1\r\nHost: t\r\n\r\n';
const OK = /^HTTP\/1\.1 200 [^]*\r\n\r\nok$/;
/** An answer that takes longer is none. */
const PATIENCE = 60_000;

/** Works on all, so many at once; resolves to the answers in their order. */
async function each(items, work) {
  const answers = Array(items.length);
  let next = 0;
  const worker = async () => {
    for (let place = next++; place < items.length; place = next++) answers[place] = await work(items[place]);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return answers;
}

/** How often each text occurs. */
function counts(texts) {
  const found = {};
  for (const text of texts) found[text] = (found[text] ?? 0) + 1;
  return found;
}

/** What comes until the answer is whole or the connection ends: `ok`, the status line of another, or the end. */
function answer(socket) {
  return new Promise((resolve) => {
    let text = '';
    const done = (what) => {
      socket.off('data', read).off('close', cut).setTimeout(0).off('timeout', late);
      resolve(what);
    };
    const status = () => /^HTTP\/1\.1 \d{3}/.exec(text)?.[0].slice(9);
    const read = (bytes) => {
      text += bytes.latin1Slice();
      if (OK.test(text)) done('ok');
    };
    const cut = () => done(status() ?? 'cut');
    const late = () => done('no answer');
    socket.on('data', read).on('close', cut).setTimeout(PATIENCE, late);
  });
}

/** Plays the client role for a server at that place. */
export function playHolder({ port, host }) {
  const sockets = new Set();
  const open = () =>
    new Promise((resolve) => {
      const socket = connect({ port, host });
      const failed = (error) => resolve(error.code);
      socket.once('error', failed);
      socket.once('connect', () => {
        socket.off('error', failed).on('error', () => {});
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        resolve(socket);
      });
    });
  const ask = (socket) => {
    const answered = answer(socket);
    socket.write(GET);
    return answered;
  };
  play({
    /** Opens so many more, a request on each; what came. */
    open: async (count) =>
      counts(
        await each(Array(count).fill(0), async () => {
          const socket = await open();
          return typeof socket === 'string' ? socket : ask(socket);
        }),
      ),
    /** A request on each that is open; what came. */
    ask: async () => counts(await each([...sockets], ask)),
    /** Opens so many and says nothing on them; what came. */
    listen: async (count) =>
      counts(
        await each(Array(count).fill(0), async () => {
          const socket = await open();
          return typeof socket === 'string' ? socket : answer(socket);
        }),
      ),
    held: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  });
}
