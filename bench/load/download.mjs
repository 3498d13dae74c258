// Downloads one path again and again, as fast as it comes, into one buffer: node download.mjs <port> <path>, driven over
// standard input. For each line `again` it says `read <bytes> <milliseconds>`, the bytes being those of the body.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [port, path] = process.argv.slice(2);
const buffer = Buffer.allocUnsafe(1 << 20);

function download() {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let head = '';
    let left = null;
    let length = 0;
    const read = (count) => {
      let from = 0;
      if (left === null) {
        head += buffer.latin1Slice(0, count);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return true;
        from = count - (head.length - end - 4);
        length = Number(/\r\ncontent-length: *(\d+)/i.exec(head.slice(0, end))?.[1] ?? NaN);
        if (!head.startsWith('HTTP/1.1 200 ') || Number.isNaN(length)) {
          socket.destroy(new Error(`not the answer that was expected: ${head.slice(0, end)}`));
          return false;
        }
        left = length;
      }
      left -= count - from;
      if (left > 0) return true;
      socket.destroy();
      if (left === 0) resolve({ length, took: performance.now() - began });
      else reject(new Error(`${-left} bytes more than the length`));
      return false;
    };
    const socket = connect({ port: Number(port), host: '127.0.0.1', onread: { buffer, callback: read } });
    socket.once('error', reject).once('close', () => reject(new Error(`the connection ended with ${left} bytes left`)));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  });
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    if (line !== 'again') return;
    const { length, took } = await download();
    process.stdout.write(`read ${length} ${took.toFixed(3)}\n`);
  })
  .on('close', () => process.exit(0));
