import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Client } from '../../ts/index.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let origin: string;
let handler: Handler;
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

afterEach(async () => {
  await client.close();
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('a request is answered with status, fields and body', async () => {
  const response = await client.request(`${origin}/a?b=c`);
  expect(response.status).toBe(200);
  expect(response.statusText).toBe('OK');
  expect(response.httpVersion).toBe('1.1');
  expect(response.headers.get('content-length')).toBe('10');
  expect(await response.text()).toBe('GET /a?b=c');
});

test('the next request goes over the same connection', async () => {
  for (let round = 0; round < 5; round++) await (await client.request(`${origin}/${round}`)).text();
  const { created, reused, connected } = client.stats();
  expect({ created, reused, connected }).toEqual({ created: 1, reused: 4, connected: 1 });
});

test('a body of a megabyte arrives whole, collected and streamed', async () => {
  const body = Buffer.alloc(1 << 20, 'abcdefgh');
  handler = (_, response) => response.end(body);
  expect(Buffer.from(await (await client.request(origin)).bytes()).equals(body)).toBe(true);
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await client.request(origin)).body) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(body)).toBe(true);
});

test('a body is sent, as text and in chunks', async () => {
  handler = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () =>
      response.end(`${request.headers['content-length'] ?? 'chunked'} ${Buffer.concat(parts).toString()}`),
    );
  };
  expect(await (await client.post(origin, { body: 'grüße' })).text()).toBe('7 grüße');
  async function* parts(): AsyncGenerator<string> {
    yield 'one ';
    await Promise.resolve();
    yield 'two';
  }
  expect(await (await client.post(origin, { body: parts() })).text()).toBe('chunked one two');
});

test('HEAD, 204 and 304 have no body', async () => {
  handler = (request, response) => {
    response.statusCode = Number(request.url?.slice(1) || 200);
    response.setHeader('content-length', request.method === 'HEAD' ? '5' : '0');
    response.end();
  };
  expect(await (await client.head(origin)).text()).toBe('');
  expect(await (await client.request(`${origin}/204`)).text()).toBe('');
  expect(await (await client.request(`${origin}/304`)).text()).toBe('');
  expect(client.stats().created).toBe(1);
});
