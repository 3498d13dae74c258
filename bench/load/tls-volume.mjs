// Moves bodies over TLS: node tls-volume.mjs <port> <down | up> <bytes> <bytes at first>, driven over standard input.
//
// `again` moves one of so many bytes, `warm` one of the size at first; each is answered `read <bytes> <milliseconds>`.
// Down is `GET /<bytes>`; up is a POST whose answer has to be their number. The certificate is taken as it is.
import { request } from 'node:https';
import { createInterface } from 'node:readline';

const [port, direction, all, atFirst] = process.argv.slice(2);
const BLOCK = Buffer.alloc(256 << 10, 'millrace');

function send(body, left) {
  while (left > 0) {
    const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
    left -= block.length;
    if (!body.write(block) && left > 0) return body.once('drain', () => send(body, left));
  }
  body.end();
}

function move(bytes) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const to = { host: '127.0.0.1', port, agent: false, rejectUnauthorized: false };
    const isUp = direction === 'up';
    const options = isUp
      ? { ...to, method: 'POST', headers: { 'Content-Length': bytes } }
      : { ...to, path: `/${bytes}` };
    const sent = request(options, (res) => {
      let length = 0;
      let text = '';
      res.on('data', (chunk) => {
        length += chunk.length;
        if (isUp) text += chunk.toString('latin1');
      });
      res.once('error', reject).once('end', () => {
        const moved = isUp ? Number(text) : length;
        if (res.statusCode === 200 && moved === bytes) resolve(performance.now() - began);
        else reject(new Error(`status ${res.statusCode}, ${moved} of ${bytes} bytes`));
      });
    });
    sent.once('error', reject);
    if (isUp) send(sent, bytes);
    else sent.end();
  });
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const bytes = Number(line === 'warm' ? atFirst : all);
    process.stdout.write(`read ${bytes} ${(await move(bytes)).toFixed(3)}\n`);
  })
  .on('close', () => process.exit(0));
