// How many Node-API calls one keep-alive GET costs, one request a wake: printed as JSON. Needs an addon that counts
// (feature `count-calls`), named by NAPI_RS_NATIVE_LIBRARY_PATH; bench/cost/check.mjs builds it.
import { createRequire } from 'node:module';
import { connect } from 'node:net';

const require = createRequire(import.meta.url);
const { serve } = require('../../dist/index.js');
const native = require('../../native/index.js');
const REQUESTS = 2_000;

const server = await serve({ host: '127.0.0.1', handler: async (_req, res) => void res.end('Hello, World!') });
const socket = connect(server.port, '127.0.0.1');
const one = () =>
  new Promise((resolve, reject) => {
    socket.once('data', resolve).once('error', reject);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  });
for (let warm = 0; warm < 100; warm++) await one();
const before = native.calls();
for (let count = 0; count < REQUESTS; count++) await one();
const calls = (native.calls() - before) / REQUESTS;
socket.destroy();
server.destroy();
console.log(JSON.stringify({ calls }));
