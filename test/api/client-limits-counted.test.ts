// Each limit of a client's requests: at it nothing is refused or counted, one past it both, by an error that says the limit.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

import type { ClientOptions, MillraceError, RequestOptions } from '../../ts/index.js';
import { CircuitBreaker, Client, metrics, RetryBudget } from '../../ts/index.js';
import type { CounterName } from '../../ts/metrics/catalogue.generated.js';

let server: Server;
let url: string;
let handler: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** What asking comes to, with how far the counter moved. */
async function ask(
  counter: CounterName,
  options: ClientOptions,
  request: RequestOptions & { streamed?: boolean } = {},
): Promise<[string, number, MillraceError['limit'] | undefined]> {
  const before = metrics.snapshot().counters[counter];
  const client = new Client(options);
  const { streamed = false, ...rest } = request;
  let outcome: [string, MillraceError['limit'] | undefined] = ['whole', undefined];
  try {
    const { body } = await client.request(url, rest);
    if (streamed) for await (const chunk of body) void chunk;
    else await body.bytes();
  } catch (error) {
    const { code, limit } = error as MillraceError;
    outcome = [code, limit];
  }
  await client.close();
  return [outcome[0], metrics.snapshot().counters[counter] - before, outcome[1]];
}

const limitOf = (option: string): CounterName => `millrace_limit_exceeded_total{option="${option}"}` as CounterName;

test.each(['collected', 'streamed'])('maxResponseSize, %s', async (how) => {
  handler = (_request, response) => response.end('x'.repeat(1_000));
  const counter = limitOf('maxResponseSize');
  const streamed = how === 'streamed';
  expect(await ask(counter, {}, { streamed, maxResponseSize: 1_000 })).toEqual(['whole', 0, undefined]);
  expect(await ask(counter, {}, { streamed, maxResponseSize: 999 })).toEqual([
    'MILLRACE_RESPONSE_TOO_LARGE',
    1,
    { option: 'maxResponseSize', value: 999, seen: 1_000 },
  ]);
});

test('maxMemoryPerRequest', async () => {
  handler = (_request, response) => response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  const counter = limitOf('maxMemoryPerRequest');
  // `OK`, the name of the field, its value and two separators.
  const head = 2 + 'Content-Length'.length + 1 + 2;
  const asked = { method: 'POST', body: 'x'.repeat(2_000) };
  const at = 2_000 + head;
  expect(await ask(counter, { maxMemoryPerRequest: at }, asked)).toEqual(['whole', 0, undefined]);
  expect(await ask(counter, { maxMemoryPerRequest: at - 1 }, asked)).toEqual([
    'MILLRACE_REQUEST_MEMORY',
    1,
    { option: 'maxMemoryPerRequest', value: at - 1, seen: at },
  ]);
});

test('maxExpansion', async () => {
  const size = 11 << 20;
  const coded = gzipSync(Buffer.alloc(size, 'abcdefgh'));
  handler = (_request, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(coded);
  const ratio = Math.ceil(size / coded.length);
  const options = { maxResponseSize: null };
  const counter = limitOf('maxExpansion');
  expect(await ask(counter, { ...options, maxExpansion: ratio })).toEqual(['whole', 0, undefined]);
  expect(await ask(counter, { ...options, maxExpansion: ratio - 1 })).toEqual([
    'MILLRACE_HTTP_EXPANSION_TOO_LARGE',
    1,
    { option: 'maxExpansion', value: ratio - 1, seen: ratio },
  ]);
});

test('maxRedirects', async () => {
  handler = ({ url: path = '' }, response) => {
    if (path.length > 2) response.end();
    else response.writeHead(302, { Location: `/x${path.slice(1)}` }).end();
  };
  const counter = limitOf('maxRedirects');
  expect(await ask(counter, { maxRedirects: 2 })).toEqual(['whole', 0, undefined]);
  expect(await ask(counter, { maxRedirects: 1 })).toEqual([
    'MILLRACE_HTTP_TOO_MANY_REDIRECTS',
    1,
    { option: 'maxRedirects', value: 1, seen: 2 },
  ]);
});

test('content codings', async () => {
  let times = 5;
  handler = (_request, response) => {
    let body: Buffer = Buffer.from('x');
    for (let left = times; left > 0; left--) body = gzipSync(body);
    response.writeHead(200, { 'Content-Encoding': Array(times).fill('gzip').join(', ') }).end(body);
  };
  const counter = limitOf('contentCodings');
  expect(await ask(counter, {})).toEqual(['whole', 0, undefined]);
  times = 6;
  expect(await ask(counter, {})).toEqual([
    'MILLRACE_HTTP_TOO_MANY_CODINGS',
    1,
    { option: 'contentCodings', value: 5, seen: 6 },
  ]);
});

test('the budget of retries', async () => {
  let asked = 0;
  handler = (_request, response) => (asked++, response.writeHead(503).end());
  const retry = (attempts: number): ClientOptions => ({
    retry: { attempts, minDelay: 1, maxDelay: 1, budget: new RetryBudget({ ratio: 0, reserve: 2 }) },
  });
  const counter = 'millrace_retry_budget_exhausted_total';
  expect([await ask(counter, retry(3)), asked]).toEqual([['whole', 0, undefined], 3]);
  asked = 0;
  expect([await ask(counter, retry(4)), asked]).toEqual([['whole', 1, undefined], 3]);
});

test('an open circuit', async () => {
  handler = (_request, response) => response.writeHead(500).end();
  const breaker = new CircuitBreaker({ failures: 2 });
  const counter = 'millrace_circuit_breaker_refused_total';
  expect(await ask(counter, { breaker })).toEqual(['whole', 0, undefined]);
  expect(await ask(counter, { breaker })).toEqual(['whole', 0, undefined]);
  expect((await ask(counter, { breaker })).slice(0, 2)).toEqual(['MILLRACE_CIRCUIT_OPEN', 1]);
});
