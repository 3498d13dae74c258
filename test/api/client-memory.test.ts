// maxMemoryPerRequest: everything that is buffered for one request, at the limit and one past it.
import { gzipSync } from 'node:zlib';

import type { DispatchHandler, RequestOptions } from '../../ts/index.js';
import { Client } from '../../ts/index.js';
import { metrics } from '../../ts/index.js';
import { deferred } from '../support/condition.js';
import { nodeServer } from '../support/node-server.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';

const server = nodeServer((request, response) => {
  response.sendDate = false;
  response.removeHeader('connection');
  request.resume().on('end', () => response.end('ok'));
});
let client: Client;

beforeEach(() => {
  client = new Client();
});

afterEach(() => client.close({ timeout: 0 }));

const refused = (value: number, seen: number): object => ({
  code: 'MILLRACE_REQUEST_MEMORY',
  limit: { option: 'maxMemoryPerRequest', value, seen },
});

/** How much of the limit the head of the response takes: what the core gives of it. */
async function headSize(options: RequestOptions = {}): Promise<number> {
  const response = await client.request(server.url, options);
  await response.dump();
  return response.statusText.length + response.headers.raw.reduce((size, text) => size + text.length + 1, 0);
}

test('a body in memory, by its bytes', async () => {
  const body = 'é'.repeat(2_000);
  const head = await headSize();
  await (await client.post(server.url, { body, maxMemoryPerRequest: 4_000 + head + 2 })).text();
  await expect(client.post(server.url, { body, maxMemoryPerRequest: 3_999 })).rejects.toMatchObject(
    refused(3_999, 4_000),
  );
  await expect(
    client.post(server.url, { body: new URLSearchParams({ a: 'b'.repeat(2_000) }), maxMemoryPerRequest: 2_001 }),
  ).rejects.toMatchObject(refused(2_001, 2_002));
  await expect(
    new Promise((resolve, reject) => {
      client.dispatch(
        { url: server.url, method: 'POST', body, maxMemoryPerRequest: 3_999 },
        { onResponse: resolve, onData: () => undefined, onEnd: () => undefined, onError: reject },
      );
    }),
  ).rejects.toMatchObject(refused(3_999, 4_000));
});

test('a piece of a streamed body', async () => {
  const body = (size: number) =>
    async function* (): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 5; count++) yield await Promise.resolve(Buffer.alloc(size));
    };
  const limit = { maxMemoryPerRequest: 2_048 };
  await (await client.post(server.url, { ...limit, body: body(2_048)() })).text();
  await expect(client.post(server.url, { ...limit, body: body(2_049)() })).rejects.toMatchObject(refused(2_048, 2_049));
});

test('the head of the response', async () => {
  server.handler = (_request, response) => {
    response.setHeader('X-Long', 'x'.repeat(4_000));
    response.end();
  };
  const size = await headSize();
  await (await client.request(server.url, { maxMemoryPerRequest: size })).text();
  await expect(client.request(server.url, { maxMemoryPerRequest: size - 1 })).rejects.toMatchObject(
    refused(size - 1, size),
  );
  // Of one whose body follows too: the connection is closed.
  server.handler = (_request, response) => {
    response.setHeader('X-Long', 'x'.repeat(4_000));
    response.flushHeaders();
  };
  await expect(client.request(server.url, { maxMemoryPerRequest: 2_000 })).rejects.toMatchObject({
    code: 'MILLRACE_REQUEST_MEMORY',
  });
  const told = deferred<unknown>();
  const never: DispatchHandler = {
    onResponse: () => told.reject(new Error('there is room for it')),
    onData: () => undefined,
    onEnd: () => undefined,
    onError: told.resolve,
  };
  client.dispatch({ url: server.url, maxMemoryPerRequest: 2_000 }, never);
  expect(await told.promise).toMatchObject({ code: 'MILLRACE_REQUEST_MEMORY' });
  expect(client.stats().running).toBe(0);
});

describe('what is collected, beside the head and the request’s own body', () => {
  const sizes: [string, number, boolean][] = [
    ['with its head', 3_000, true],
    ['after its head', 300_000, false],
  ];
  test.each(sizes)('that comes %s', async (_name, size) => {
    server.handler = (request, response) => request.resume().on('end', () => response.end(Buffer.alloc(size, 'x')));
    const body = 'y'.repeat(500);
    const head = await headSize({ method: 'POST', body });
    const limit = head + body.length + size;
    const whole = async (maxMemoryPerRequest: number): Promise<number> =>
      (await (await client.post(server.url, { body, maxMemoryPerRequest })).bytes()).byteLength;
    expect(await whole(limit)).toBe(size);
    await expect(whole(limit - 1)).rejects.toMatchObject({
      code: 'MILLRACE_REQUEST_MEMORY',
      limit: { option: 'maxMemoryPerRequest', value: limit - 1 },
    });
    const text = client.post(server.url, { body, maxMemoryPerRequest: limit - 1 }).then((response) => response.text());
    await expect(text).rejects.toMatchObject({ code: 'MILLRACE_REQUEST_MEMORY' });
  });

  test('coded and decoded together', async () => {
    const coded = gzipSync('x'.repeat(50_000));
    server.handler = (_request, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(coded);
    const limit = (await headSize()) + coded.length + 50_000;
    const response = await client.request(server.url, { maxMemoryPerRequest: limit });
    expect(await response.text()).toHaveLength(50_000);
    await expect((await client.request(server.url, { maxMemoryPerRequest: limit - 1 })).text()).rejects.toMatchObject({
      code: 'MILLRACE_REQUEST_MEMORY',
      limit: { option: 'maxMemoryPerRequest', value: limit - 1 },
    });
  });

  test('the smaller of it and maxResponseSize refuses', async () => {
    server.handler = (_request, response) => response.end('x'.repeat(2_000));
    const codeOf = (options: RequestOptions): Promise<unknown> =>
      client
        .request(server.url, options)
        .then((response) => response.text())
        .catch((error: { code: string }) => error.code);
    expect(await codeOf({ maxMemoryPerRequest: 1_500, maxResponseSize: 1_999 })).toBe('MILLRACE_REQUEST_MEMORY');
    expect(await codeOf({ maxMemoryPerRequest: 10_000, maxResponseSize: 1_999 })).toBe('MILLRACE_RESPONSE_TOO_LARGE');
  });
});

describe('what flows comes in smaller pieces', () => {
  const LIMIT = 16_384;
  const TOTAL = 4 << 20;

  test('of a stream, plain and decoded: all of it arrives', async () => {
    for (const coded of [false, true]) {
      server.handler = (_request, response) => {
        if (coded) response.setHeader('Content-Encoding', 'gzip');
        response.end(coded ? gzipSync(Buffer.alloc(TOTAL, 'abc')) : Buffer.alloc(TOTAL, 'abc'));
      };
      let size = 0;
      let largest = 0;
      for await (const chunk of (await client.request(server.url, { maxMemoryPerRequest: LIMIT })).body) {
        size += chunk.byteLength;
        if (coded) largest = Math.max(largest, chunk.byteLength);
      }
      expect(size).toBe(TOTAL);
      expect(largest).toBeLessThanOrEqual(LIMIT / 3);
    }
  });

  test('who does not read has the server wait: no more than the limit and one read of the socket is taken', async () => {
    const READ = 128 * 1024;
    const taken = async (options: RequestOptions): Promise<number> => {
      const source = await scriptedServer((socket) =>
        onRequests(socket, () => {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${64 << 20}\r\n\r\n`);
          socket.write(Buffer.alloc(64 << 20));
        }),
      );
      const body = (await client.request(source.url, options)).body[Symbol.asyncIterator]();
      const first = (await body.next()).value as Uint8Array;
      const before = metrics.snapshot().counters.millrace_sockets_received_bytes_total;
      let after = before;
      // Until nothing more comes: a few turns in which the counter stood still.
      for (let still = 0; still < 20;) {
        await new Promise<void>((resolve) => setTimeout(resolve, 1));
        const now = metrics.snapshot().counters.millrace_sockets_received_bytes_total;
        still = now === after ? still + 1 : 0;
        after = now;
      }
      await body.return?.();
      await source.end();
      return first.byteLength + after - before;
    };
    expect(await taken({ maxMemoryPerRequest: LIMIT })).toBeLessThanOrEqual(LIMIT + 2 * READ);
  });
});

test('redirects and retries hold each body once', async () => {
  let asked = 0;
  server.handler = (request, response) => {
    request.resume().on('end', () => {
      if (asked++ === 0) response.writeHead(503).end();
      else if (request.url === '/') response.writeHead(307, { Location: '/next' }).end();
      else response.end('ok');
    });
  };
  const body = 'x'.repeat(3_000);
  const response = await client.put(`${server.url}/`, {
    body,
    maxMemoryPerRequest: 3_500,
    retry: { minDelay: 1, maxDelay: 1 },
  });
  expect([await response.text(), asked]).toEqual(['ok', 3]);
});

test('of a function in place of the network', async () => {
  const mocked = new Client({
    dispatch: (_request, receiver) => {
      receiver.onResponse({ status: 200, headers: { A: 'x'.repeat(97) } });
      receiver.onData('x'.repeat(1_000));
      receiver.onEnd();
    },
  });
  // `A`, its value and two separators.
  const size = 100 + 1_000;
  expect(await (await mocked.request(server.url, { maxMemoryPerRequest: size })).text()).toHaveLength(1_000);
  const over = (await mocked.request(server.url, { maxMemoryPerRequest: size - 1 })).text();
  await expect(over).rejects.toMatchObject(refused(size - 1, size));
  await expect(mocked.post(server.url, { body: 'x'.repeat(2_000), maxMemoryPerRequest: 1_999 })).rejects.toMatchObject(
    refused(1_999, 2_000),
  );
});

test('refusals of a client are its own in the metrics, and no server’s', async () => {
  const before = metrics.snapshot().counters;
  server.handler = (_request, response) => response.end(Buffer.alloc(300_000));
  await expect((await client.request(server.url, { maxResponseSize: 1_000 })).bytes()).rejects.toMatchObject({
    code: 'MILLRACE_RESPONSE_TOO_LARGE',
  });
  const after = metrics.snapshot().counters;
  const moved = (name: keyof typeof after): number => after[name] - before[name];
  expect([
    moved('millrace_limit_exceeded_total{option="maxResponseSize"}'),
    moved('millrace_limit_exceeded_total{option="maxCollectedSize"}'),
    moved('millrace_http_server_request_errors_total'),
  ]).toEqual([1, 0, 0]);
});

test('of dispatch: what flows to a handler that holds back comes in smaller pieces, and arrives whole', async () => {
  const TOTAL = 2 << 20;
  server.handler = (_request, response) => response.end(Buffer.alloc(TOTAL));
  let size = 0;
  const done = deferred<void>();
  const control = client.dispatch(
    { url: server.url, maxMemoryPerRequest: 8_192 },
    {
      onResponse: () => undefined,
      onData: (chunk) => {
        size += chunk.byteLength;
        setImmediate(() => control.resume());
        return false;
      },
      onEnd: () => done.resolve(),
      onError: done.reject,
    },
  );
  await done.promise;
  expect(size).toBe(TOTAL);
});
