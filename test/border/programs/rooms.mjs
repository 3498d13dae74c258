// What loading the package leaves to be loaded, and whether what the rooms make is of the classes that programs have.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as millrace from '../../../dist/index.mjs';

const require = createRequire(import.meta.url);
const folder = fileURLToPath(new URL('../../../dist/rooms', import.meta.url));
const loaded = () =>
  Object.keys(require.cache)
    .filter((path) => path.startsWith(folder))
    .map((path) => basename(path, '.js'))
    .sort();

// The first things first: later ones load what they use.
assert.deepEqual(loaded(), ['core'], 'loading the package');
const server = await millrace.serve({ host: '127.0.0.1', port: 0, handler: (_req, res) => res.end('served') });
await new Promise((resolve) => {
  const { get } = require('node:http');
  get({ port: server.port, host: '127.0.0.1', agent: false }, (answer) => answer.resume().on('end', resolve));
});
assert.deepEqual(loaded(), ['core'], 'a server that serves');

const asCommonJs = require('../../../dist/index.js');
const names = Object.keys(millrace).sort();
assert.deepEqual(Object.keys(asCommonJs).sort(), names);
for (const name of names) assert.equal(asCommonJs[name], millrace[name], `two copies of ${name}`);
for (const [name, value] of Object.entries(millrace)) {
  // Request and Response are called as the platform's are.
  if (typeof value === 'function')
    assert.ok(value.name === name || value.name === `Lazy${name}`, `${name} is ${value.name}`);
}
assert.deepEqual(loaded(), ['core'], 'looking at every name');

const is = (value, type) => assert.ok(value instanceof type, `${value?.constructor?.name} is no ${type.name}`);
const fails = async (call) => {
  const error = await new Promise((resolve) => resolve(call())).then(
    () => undefined,
    (thrown) => thrown,
  );
  is(error, millrace.MillraceError);
  return error.code;
};
is(server, millrace.Server);
const answer = await millrace.request(`http://127.0.0.1:${server.port}/`);
is(answer, millrace.ClientResponse);
assert.equal(await answer.text(), 'served');
is(answer.headers, millrace.HeaderView);
class Own extends millrace.Client {}
const own = new Own();
is(own, millrace.Client);
is(own.pool, millrace.ConnectionPool);
assert.equal(await (await own.get(`http://127.0.0.1:${server.port}/`)).text(), 'served');
await own.close();
const listener = await millrace.listen({ host: '127.0.0.1', port: 0 }, async (socket) => {
  // Who reads notices that the other side has ended.
  for await (const chunk of socket) await socket.end(chunk);
});
is(listener, millrace.Listener);
const socket = await millrace.connect({ host: '127.0.0.1', port: listener.port });
is(socket, millrace.Socket);
await socket.end('bye');
for await (const chunk of socket) assert.equal(String(Buffer.from(chunk)), 'bye');
await listener.close();
assert.equal(await fails(() => millrace.connect({ host: '127.0.0.1', port: listener.port })), 'MILLRACE_SYSTEM');
is(await millrace.TlsContext.client(), millrace.TlsContext);
assert.equal(await fails(() => millrace.TlsContext.client({ nothing: 1 })), 'MILLRACE_UNKNOWN_OPTION');
const proxy = await millrace.createProxyServer({ host: '127.0.0.1', port: 0 });
is(proxy, millrace.ProxyServer);
await proxy.close();
let tries = 0;
await millrace.retry(
  () => (++tries === 1 ? Promise.reject(new millrace.MillraceError('MILLRACE_CONNECTION_RESET')) : 1),
  {
    minDelay: 0,
  },
);
assert.equal(tries, 2);
assert.equal(typeof millrace.serveStatic(folder), 'function');
await server.close();
const all = readdirSync(folder).map((name) => basename(name, '.js'));
assert.deepEqual(loaded(), all.sort(), 'rooms that nothing has loaded');

// Each by itself: whichever is first, the core comes before it.
for (const room of all) {
  execFileSync(process.execPath, ['-e', `require(${JSON.stringify(`${folder}/${room}.js`)})`], { stdio: 'pipe' });
}
console.log(`${all.length} rooms`);
process.exit(0);
