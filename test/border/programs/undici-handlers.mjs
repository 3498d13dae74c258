// undici 7 and 8 over our Dispatcher: its functions, handlers, interceptors and classes, and this Node's own fetch.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';

import { Dispatcher, setGlobalDispatcher } from '../../../dist/compat/undici.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);
const loaded = [await import('undici7')];
if (major > 22 || (major === 22 && minor >= 19)) loaded.push(await import('undici8'));
else console.log('undici 8 needs Node.js 22.19');

let flaky = 0;
const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts).toString();
    switch (request.url) {
      case '/large':
        return response.end(Buffer.alloc(4 << 20, 'x'));
      case '/redirect':
        return response.writeHead(307, { location: '/echo' }).end();
      case '/flaky':
        return response.writeHead(flaky++ % 2 === 0 ? 503 : 200).end('at last');
      case '/gzip':
        return response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('unpacked'));
      case '/404':
        return response.writeHead(404).end('nothing');
      case '/hints':
        response.writeEarlyHints({ link: '</a>; rel=preload' });
        return response.end('hinted');
      case '/trailers':
        response.writeHead(200, { trailer: 'x-sum' });
        response.write('with');
        response.addTrailers({ 'x-sum': '4' });
        return response.end();
      case '/events':
        return response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: told\n\n');
      default:
        return response.end(`${request.method} ${body}`);
    }
  });
});
server.on('upgrade', (_request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst ');
  socket.pipe(socket);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${server.address().port}`;
const own = new Dispatcher();

for (const undici of loaded) {
  const over = { dispatcher: own };
  const text = async (path, options) => (await undici.request(`${origin}${path}`, { ...over, ...options })).body.text();

  assert.equal(await text('/echo', { method: 'POST', body: 'b' }), 'POST b');
  assert.equal((await text('/large')).length, 4 << 20);
  assert.equal(await (await undici.fetch(`${origin}/echo`, { ...over, method: 'PUT', body: 'f' })).text(), 'PUT f');
  assert.equal(await (await undici.fetch(`${origin}/gzip`, over)).text(), 'unpacked');

  const informed = [];
  await text('/hints', { onInfo: ({ statusCode }) => informed.push(statusCode) });
  assert.deepEqual(informed, [103]);
  const { body, trailers } = await undici.request(`${origin}/trailers`, over);
  assert.equal(await body.text(), 'with');
  assert.deepEqual({ ...trailers }, { 'x-sum': '4' });

  let streamed = 0;
  await undici.stream(
    `${origin}/large`,
    over,
    () => new Writable({ write: (chunk, _encoding, done) => ((streamed += chunk.length), setImmediate(done)) }),
  );
  assert.equal(streamed, 4 << 20);
  const piped = undici.pipeline(`${origin}/echo`, { ...over, method: 'POST' }, (data) => data.body);
  piped.end('through');
  assert.equal((await piped.toArray()).join(''), 'POST through');

  const upgraded = await undici.upgrade(`${origin}/`, { ...over, protocol: 'echo' });
  upgraded.socket.end('second');
  assert.equal((await upgraded.socket.toArray()).join(''), 'first second');

  const controller = new AbortController();
  const large = await undici.request(`${origin}/large`, { ...over, signal: controller.signal });
  controller.abort();
  await assert.rejects(large.body.text(), { name: 'AbortError' });
  await assert.rejects(undici.request('http://127.0.0.1:1', over), { code: 'MILLRACE_SYSTEM' });

  const { interceptors } = undici;
  // What undici calls its own interceptors with is of its version: its own compose knows.
  const through = (...list) => ({ dispatcher: undici.Dispatcher.prototype.compose.call(own, ...list) });
  const asked = async (path, list) => undici.request(`${origin}${path}`, through(...list));
  assert.equal(await (await asked('/redirect', [interceptors.redirect({ maxRedirections: 1 })])).body.text(), 'GET ');
  const retried = await asked('/flaky', [interceptors.retry({ minTimeout: 1, maxTimeout: 1, statusCodes: [503] })]);
  assert.equal(await retried.body.text(), 'at last');
  await assert.rejects(asked('/404', [interceptors.responseError()]), { statusCode: 404 });
  assert.equal(await (await asked('/echo', [interceptors.dump()])).body.text(), '');
  for (const name of ['dns', 'cache', 'decompress', 'deduplicate']) {
    if (interceptors[name] === undefined) continue;
    const path = name === 'decompress' ? '/gzip' : '/echo';
    assert.equal(
      await (await asked(path, [interceptors[name]()])).body.text(),
      path === '/gzip' ? 'unpacked' : 'GET ',
      name,
    );
  }
  const agent = new undici.RetryAgent(own, { minTimeout: 1, maxTimeout: 1, statusCodes: [503] });
  assert.equal(await (await undici.request(`${origin}/flaky`, { dispatcher: agent })).body.text(), 'at last');

  const source = new undici.EventSource(`${origin}/events`, over);
  const [{ data }] = await once(source, 'message');
  source.close();
  assert.equal(data, 'told');

  // The functions of the package and the fetch of this Node.js, once it is set for all.
  const restore = setGlobalDispatcher(own);
  const carried = () => own.client.stats().created + own.client.stats().reused;
  const before = carried();
  assert.equal(await (await fetch(`${origin}/echo`, { method: 'POST', body: 'g' })).text(), 'POST g');
  assert.equal(await (await undici.request(`${origin}/echo`)).body.text(), 'GET ');
  assert.equal(carried(), before + 2);
  restore();
}

// A handler of the newer kind, held back and resumed by its controller.
const got = await new Promise((resolve, reject) => {
  let size = 0;
  own.dispatch(
    { origin, path: '/large', method: 'GET' },
    {
      onRequestStart: () => undefined,
      onResponseStart: (controller, status, headers) =>
        assert.deepEqual([status, headers['content-length']], [200, String(4 << 20)]),
      onResponseData: (controller, chunk) => {
        size += chunk.length;
        controller.pause();
        assert.equal(controller.paused, true);
        setImmediate(() => controller.resume());
      },
      onResponseEnd: () => resolve(size),
      onResponseError: (_controller, error) => reject(error),
    },
  );
});
assert.equal(got, 4 << 20);

await own.close();
server.closeAllConnections();
server.close();
console.log(`ok ${loaded.length}`);
