import { gzipSync } from 'node:zlib';

import { Client } from '../../ts/index.js';
import { nodeServer } from '../support/node-server.js';

const server = nodeServer((request, response) => response.end(`${request.method} ${request.url}`));
let client: Client;

beforeEach(() => {
  client = new Client();
});

afterEach(() => client.close());

test('fetch answers with a Response of the platform’s kind', async () => {
  server.handler = (_, response) => response.setHeader('x-list', ['a', 'b']).end('{"a":1}');
  const response = await client.fetch(`${server.url}/x#y`);
  expect(response).toBeInstanceOf(globalThis.Response);
  expect([response.status, response.ok, response.statusText, response.redirected]).toEqual([200, true, 'OK', false]);
  expect(response.url).toBe(`${server.url}/x`);
  expect(response.headers.get('x-list')).toBe('a, b');
  expect(await response.json()).toEqual({ a: 1 });
  expect(response.bodyUsed).toBe(true);
  await expect(response.text()).rejects.toThrow(TypeError);
});

test('a body is had as a stream, a blob, a clone', async () => {
  expect(await new globalThis.Response((await client.fetch(server.url)).body).text()).toBe('GET /');
  expect(await (await (await client.fetch(server.url)).blob()).text()).toBe('GET /');
  const response = await client.fetch(server.url);
  expect(await response.clone().text()).toBe('GET /');
  expect(await response.text()).toBe('GET /');
});

test('a Request of the platform’s is sent with its body and fields', async () => {
  server.handler = (request, response) => {
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (part: string) => (body += part));
    request.on('end', () =>
      response.end(`${String(request.headers['x-own'])} ${request.headers['content-type']} ${body}`),
    );
  };
  const request = new globalThis.Request(server.url, { method: 'post', body: 'text', headers: { 'x-own': '1' } });
  expect(await (await client.fetch(request)).text()).toBe('1 text/plain;charset=UTF-8 text');
});

test('redirects are followed, refused or given as they are, as the call says', async () => {
  server.handler = (request, response) => {
    if (request.url === '/to') return void response.end(request.method);
    response.writeHead(302, { location: '/to' }).end();
  };
  const followed = await client.fetch(`${server.url}/from`, { method: 'POST', body: 'x' });
  expect([await followed.text(), followed.redirected, followed.url]).toEqual(['GET', true, `${server.url}/to`]);
  await expect(client.fetch(server.url, { redirect: 'error' })).rejects.toThrow(TypeError);
  expect((await client.fetch(server.url, { redirect: 'manual' })).status).toBe(302);
});

test('an abort rejects with the reason itself, a failure of the network with a TypeError', async () => {
  server.handler = () => undefined;
  const reason = new Error('mine');
  const controller = new AbortController();
  const pending = client.fetch(server.url, { signal: controller.signal });
  controller.abort(reason);
  await expect(pending).rejects.toBe(reason);
  await expect(client.fetch('http://127.0.0.1:1/')).rejects.toMatchObject({
    name: 'TypeError',
    message: 'fetch failed',
  });
});

test('a coded body is decoded, and one that expands too far refused', async () => {
  server.handler = (request, response) => {
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(request.url === '/bomb' ? Buffer.alloc(20 << 20) : Buffer.from('plain')));
  };
  expect(await (await client.fetch(server.url)).text()).toBe('plain');
  expect(await (await client.request(server.url)).text()).toBe('plain');
  const parts: Uint8Array[] = [];
  for await (const part of (await client.request(server.url)).body) parts.push(part);
  expect(Buffer.concat(parts).toString()).toBe('plain');
  await expect((await client.request(`${server.url}/bomb`)).bytes()).rejects.toMatchObject({
    code: 'MILLRACE_RESPONSE_TOO_LARGE',
  });
});
