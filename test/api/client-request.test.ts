import { Client } from '../../ts/index.js';
import { nodeServer } from '../support/node-server.js';

const server = nodeServer((request, response) => response.end(`${request.method} ${request.url}`));
let client: Client;

beforeEach(() => {
  client = new Client();
});

afterEach(async () => {
  await client.close();
});

test('a request is answered with status, fields and body', async () => {
  const response = await client.request(`${server.url}/a?b=c`);
  expect(response.status).toBe(200);
  expect(response.statusText).toBe('OK');
  expect(response.httpVersion).toBe('1.1');
  expect(response.headers.get('content-length')).toBe('10');
  expect(await response.text()).toBe('GET /a?b=c');
});

test('the next request goes over the same connection', async () => {
  for (let round = 0; round < 5; round++) await (await client.request(`${server.url}/${round}`)).text();
  const { created, reused, connected } = client.stats();
  expect({ created, reused, connected }).toEqual({ created: 1, reused: 4, connected: 1 });
});

test('a body of a megabyte arrives whole, collected and streamed', async () => {
  const body = Buffer.alloc(1 << 20, 'abcdefgh');
  server.handler = (_, response) => response.end(body);
  expect(Buffer.from(await (await client.request(server.url)).bytes()).equals(body)).toBe(true);
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await client.request(server.url)).body) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(body)).toBe(true);
});

test('a body is sent, as text and in chunks', async () => {
  server.handler = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () =>
      response.end(`${request.headers['content-length'] ?? 'chunked'} ${Buffer.concat(parts).toString()}`),
    );
  };
  expect(await (await client.post(server.url, { body: 'grüße' })).text()).toBe('7 grüße');
  async function* parts(): AsyncGenerator<string> {
    yield 'one ';
    await Promise.resolve();
    yield 'two';
  }
  expect(await (await client.post(server.url, { body: parts() })).text()).toBe('chunked one two');
});

test('HEAD, 204 and 304 have no body', async () => {
  server.handler = (request, response) => {
    response.statusCode = Number(request.url?.slice(1) || 200);
    response.setHeader('content-length', request.method === 'HEAD' ? '5' : '0');
    response.end();
  };
  expect(await (await client.head(server.url)).text()).toBe('');
  expect(await (await client.request(`${server.url}/204`)).text()).toBe('');
  expect(await (await client.request(`${server.url}/304`)).text()).toBe('');
  expect(client.stats().created).toBe(1);
});
