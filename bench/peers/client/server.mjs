// The server that all clients ask: `serve`, bodies of so many bytes as the path says.
import { readFileSync } from 'node:fs';
import { attend } from '../attend.mjs';
import { millrace } from '../millrace.mjs';

const [certFile, keyFile] = process.argv.slice(2);
const bodies = new Map();
const bodyOf = (size) => {
  if (!bodies.has(size)) bodies.set(size, Buffer.alloc(size, 'abcdefghijklmnop'));
  return bodies.get(size);
};
const tls = certFile ? { tls: { cert: readFileSync(certFile), key: readFileSync(keyFile) } } : {};
const handler = (request, response) => response.end(bodyOf(Number(request.path.slice(1))));
const server = await millrace().serve({ host: '127.0.0.1', port: 0, handler, minSendRate: 0, ...tls });
attend(server.port);
