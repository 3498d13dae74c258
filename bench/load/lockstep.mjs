// A load that does not depend on time: so many requests on each connection, and the next when all have been answered.
import { connect } from 'node:net';

/** Opens connections to a port of this machine; `round()` sends `depth` requests on each and resolves with the answers. */
export async function lockstep({ port, path, connections, depth }) {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  const sockets = await Promise.all(
    Array.from(
      { length: connections },
      () =>
        new Promise((resolve, reject) => {
          const socket = connect(port, '127.0.0.1', () => resolve(socket.setNoDelay(true)));
          socket.once('error', reject);
        }),
    ),
  );
  const exchange = (socket, text, length) =>
    new Promise((resolve, reject) => {
      let got = 0;
      let first;
      const heard = (bytes) => {
        first ??= bytes;
        got += bytes.length;
        if (got < length) return;
        socket.off('data', heard).off('close', left);
        resolve(first);
      };
      const left = () => reject(new Error('the server closed a connection'));
      socket.on('data', heard).once('close', left).write(text);
    });
  // All answers are of one length, which the first one tells.
  const answer = await exchange(sockets[0], request, 1);
  const batch = request.repeat(depth);
  return {
    answer: answer.toString('latin1'),
    round: () => Promise.all(sockets.map((socket) => exchange(socket, batch, answer.length * depth))),
    close: () => sockets.forEach((socket) => socket.removeAllListeners('close').destroy()),
  };
}
