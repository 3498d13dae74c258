// uWebSockets.js, written the way that its manual recommends, to be the fastest that it can be:
// - routes are its own router's, in C++; a handler answers before it returns, where the socket is corked already,
//   so there all goes out in one write; an answer given later corks by itself;
// - a body is copied out of its chunks once, into a Buffer of the announced length;
// - a large answer goes by tryEnd and onWritable, which send from our bytes and make no copy for the part that did not
//   fit, as its VideoStreamer example does.
import uWS from 'uwebsockets';
import { BIG, DOCUMENT, TEXT } from './answers.mjs';
import { attend } from '../attend.mjs';

// uWS copies a string as UTF-8, a Buffer as it is.
const big = new Uint8Array(BIG.buffer, BIG.byteOffset, BIG.length);

function upload(res, req) {
  const announced = Number(req.getHeader('content-length'));
  const body = Buffer.allocUnsafe(announced);
  let length = 0;
  let aborted = false;
  res.onAborted(() => {
    aborted = true;
  });
  res.onData((chunk, isLast) => {
    // The bytes of a chunk are gone when this function returns.
    body.set(new Uint8Array(chunk), length);
    length += chunk.byteLength;
    if (!isLast || aborted) return;
    res.cork(() => {
      res.writeHeader('Content-Type', 'text/plain').end(String(length));
    });
  });
}

function sendBig(res) {
  res.onAborted(() => {});
  res.writeHeader('Content-Type', 'application/octet-stream');
  const start = res.getWriteOffset();
  const [complete] = res.tryEnd(big, big.length);
  if (complete) return;
  res.onWritable((offset) => {
    const [sent] = res.tryEnd(big.subarray(offset - start), big.length);
    return sent;
  });
}

uWS
  .App()
  .get('/', (res) => {
    res.writeHeader('Content-Type', 'text/plain').end(TEXT);
  })
  .get('/json', (res) => {
    res.writeHeader('Content-Type', 'application/json').end(JSON.stringify(DOCUMENT));
  })
  .post('/upload', upload)
  .get('/big', sendBig)
  .listen('127.0.0.1', 0, (socket) => {
    if (!socket) throw new Error('uWebSockets.js could not listen');
    attend(uWS.us_socket_local_port(socket));
  });
