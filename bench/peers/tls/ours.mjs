// Ours: `serve` with `tls`. The argument is the folder of the certificate.
import { join } from 'node:path';
import { attend } from '../attend.mjs';
import { millrace } from '../millrace.mjs';
import { BLOCK, SUITE, TEXT, VERSION } from './material.mjs';

async function count(req, res) {
  let length = 0;
  for await (const chunk of req) length += chunk.length;
  res.setHeader('Content-Type', 'text/plain');
  res.end(String(length));
}

async function send(res, length) {
  res.setHeader('Content-Length', String(length));
  for (let left = length; left > 0; left -= BLOCK.length) {
    if (!res.write(left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK)) await res.drained();
  }
  res.end();
}

function handler(req, res) {
  if (req.method === 'POST') return count(req, res);
  if (req.path !== '/') return send(res, Number(req.path.slice(1)));
  res.setHeader('Content-Type', 'text/plain');
  res.end(TEXT);
}

const file = (name) => join(process.argv[2], name);
const tls = { key: file('key.pem'), cert: file('cert.pem'), minVersion: VERSION, ciphers: [SUITE] };
const server = await millrace().serve({ port: 0, host: '127.0.0.1', maxBodySize: null, tls, handler });
attend(server.port);
