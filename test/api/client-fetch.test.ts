import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

import { Client } from '../../ts/index.js';

let server: Server;
let origin: string;
let handler: (request: IncomingMessage, response: ServerResponse) => void;
let client: Client;

beforeAll(async () => {
  server = createServer((request, response) => handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  client = new Client();
  handler = (request, response) => response.end(`${request.method} ${request.url}`);
});

afterEach(() => client.close());

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('fetch answers with a Response of the platform’s kind', async () => {
  handler = (_, response) => response.setHeader('x-list', ['a', 'b']).end('{"a":1}');
  const response = await client.fetch(`${origin}/x#y`);
  expect(response).toBeInstanceOf(globalThis.Response);
  expect([response.status, response.ok, response.statusText, response.redirected]).toEqual([200, true, 'OK', false]);
  expect(response.url).toBe(`${origin}/x`);
  expect(response.headers.get('x-list')).toBe('a, b');
  expect(await response.json()).toEqual({ a: 1 });
  expect(response.bodyUsed).toBe(true);
  await expect(response.text()).rejects.toThrow(TypeError);
});

test('a body is had as a stream, a blob, a clone', async () => {
  expect(await new globalThis.Response((await client.fetch(origin)).body).text()).toBe('GET /');
  expect(await (await (await client.fetch(origin)).blob()).text()).toBe('GET /');
  const response = await client.fetch(origin);
  expect(await response.clone().text()).toBe('GET /');
  expect(await response.text()).toBe('GET /');
});

test('a Request of the platform’s is sent with its body and fields', async () => {
  handler = (request, response) => {
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (part: string) => (body += part));
    request.on('end', () =>
      response.end(`${String(request.headers['x-own'])} ${request.headers['content-type']} ${body}`),
    );
  };
  const request = new globalThis.Request(origin, { method: 'post', body: 'text', headers: { 'x-own': '1' } });
  expect(await (await client.fetch(request)).text()).toBe('1 text/plain;charset=UTF-8 text');
});

test('redirects are followed, refused or given as they are, as the call says', async () => {
  handler = (request, response) => {
    if (request.url === '/to') return void response.end(request.method);
    response.writeHead(302, { location: '/to' }).end();
  };
  const followed = await client.fetch(`${origin}/from`, { method: 'POST', body: 'x' });
  expect([await followed.text(), followed.redirected, followed.url]).toEqual(['GET', true, `${origin}/to`]);
  await expect(client.fetch(origin, { redirect: 'error' })).rejects.toThrow(TypeError);
  expect((await client.fetch(origin, { redirect: 'manual' })).status).toBe(302);
});

test('an abort rejects with the reason itself, a failure of the network with a TypeError', async () => {
  handler = () => undefined;
  const reason = new Error('mine');
  const controller = new AbortController();
  const pending = client.fetch(origin, { signal: controller.signal });
  controller.abort(reason);
  await expect(pending).rejects.toBe(reason);
  await expect(client.fetch('http://127.0.0.1:1/')).rejects.toMatchObject({
    name: 'TypeError',
    message: 'fetch failed',
  });
});

test('a coded body is decoded, and one that expands too far refused', async () => {
  handler = (request, response) => {
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(request.url === '/bomb' ? Buffer.alloc(20 << 20) : Buffer.from('plain')));
  };
  expect(await (await client.fetch(origin)).text()).toBe('plain');
  expect(await (await client.request(origin)).text()).toBe('plain');
  const parts: Uint8Array[] = [];
  for await (const part of (await client.request(origin)).body) parts.push(part);
  expect(Buffer.concat(parts).toString()).toBe('plain');
  await expect((await client.request(`${origin}/bomb`)).bytes()).rejects.toMatchObject({
    code: 'MILLRACE_RESPONSE_TOO_LARGE',
  });
});
