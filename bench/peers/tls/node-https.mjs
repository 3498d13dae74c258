// node:https over node:tls, as their documentation writes them. The argument is the folder of the certificate.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { attend } from '../attend.mjs';
import { BLOCK, SUITE, TEXT, VERSION } from './material.mjs';

const pem = (name) => readFileSync(join(process.argv[2], name));
const options = { key: pem('key.pem'), cert: pem('cert.pem'), minVersion: VERSION, ciphers: SUITE };

function send(res, left) {
  while (left > 0) {
    const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
    left -= block.length;
    if (!res.write(block) && left > 0) return res.once('drain', () => send(res, left));
  }
  res.end();
}

const server = createServer(options, (req, res) => {
  if (req.method === 'POST') {
    let length = 0;
    req.on('data', (chunk) => (length += chunk.length));
    req.on('end', () => {
      res.setHeader('Content-Type', 'text/plain');
      res.end(String(length));
    });
    return;
  }
  if (req.url === '/') {
    res.setHeader('Content-Type', 'text/plain');
    res.end(TEXT);
    return;
  }
  const length = Number(req.url.slice(1));
  res.setHeader('Content-Length', length);
  send(res, length);
});
// Idle connections are counted longer than the five seconds that it gives them.
server.keepAliveTimeout = 65_000;
server.listen(0, '127.0.0.1', () => attend(server.address().port));
