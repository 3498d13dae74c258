// What a handler enters is there after its awaits, and invisible to the other requests of the same wake and to later ones.
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { connect } from 'node:net';
import { serve, setLogger } from '../../../dist/index.mjs';

setLogger(null);
const storage = new AsyncLocalStorage();
const seen = [];
const server = await serve({
  port: 0,
  host: '127.0.0.1',
  async handler(req, res) {
    seen.push(storage.getStore());
    storage.enterWith(req.url);
    await null;
    await new Promise((resolve) => setTimeout(resolve, 1));
    res.end(storage.getStore());
  },
});
const socket = connect(server.port, '127.0.0.1');
let text = '';
socket.setEncoding('latin1').on('data', (data) => (text += data));
for (let round = 0; round < 3; round++) {
  for (let count = 0; count < 8; count++) socket.write(`GET /r${round}.${count} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const last = `/r${round}.7`;
  for (let turns = 0; !text.endsWith(last); turns++) {
    assert.ok(turns < 5_000, text);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
assert.equal(seen.length, 24);
assert.deepEqual(new Set(seen), new Set([undefined]));
assert.deepEqual(
  text.match(/\/r\d\.\d/g),
  Array.from({ length: 24 }, (_, place) => `/r${Math.floor(place / 8)}.${place % 8}`),
);
socket.destroy();
await server.close();
console.log('apart');
