// The honest client: a request on a fresh connection, and how long its answer took.
import { connect } from 'node:net';
import { now } from './clock.mjs';

const REQUEST = 'GET / HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n';
/** Another address than the attackers'. */
const FROM = '127.0.0.2';
const PATIENCE = 10_000;

/** Resolves once the connection is over: { status, ms }, from before the connect to the end of the answer. */
export function probe(port) {
  return new Promise((resolve) => {
    const began = now();
    let text = '';
    let ms;
    const socket = connect({ host: '127.0.0.1', port, localAddress: FROM });
    const timer = setTimeout(() => socket.destroy(), PATIENCE);
    socket.on('connect', () => socket.write(REQUEST));
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.endsWith('\r\n\r\nfine')) ms ??= now() - began;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ status: ms === undefined ? 0 : Number(text.slice(9, 12)), ms: ms ?? now() - began, text });
    });
  });
}
