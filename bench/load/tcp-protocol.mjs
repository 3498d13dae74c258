// What the far end of bench/load/tcp-traffic.c does with a connection, written for anything that has `data`, `drain`
// and `end` events, `write` and `end`: a node:net socket, and a socket of ours.
const BLOCK = Buffer.alloc(64 << 10, 'millrace');

function source(socket, left) {
  while (left > 0) {
    const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
    left -= block.length;
    if (!socket.write(block) && left > 0) return socket.once('drain', () => source(socket, left));
  }
  socket.end();
}

/** Serves one connection, by the letter that it begins with. */
export function serveTraffic(socket) {
  socket.on('error', () => {});
  socket.once('data', (first) => {
    const letter = String.fromCharCode(first[0]);
    if (letter === 'E') {
      if (first.length > 1) socket.write(first.subarray(1));
      socket.on('data', (chunk) => void socket.write(chunk));
      socket.once('end', () => socket.end());
    } else if (letter === 'D') {
      source(socket, Number(Buffer.from(first.subarray(1)).toString('latin1')));
      socket.on('data', () => {});
    } else {
      let count = first.length - 1;
      socket.on('data', (chunk) => (count += chunk.length));
      socket.once('end', () => socket.end(String(count)));
    }
  });
}
