import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { RequestOptions } from '../../ts/index.js';
import { Client } from '../../ts/index.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** What a request to a server that behaves so ends with. */
async function failureOf(
  onConnection: Parameters<typeof scriptedServer>[0],
  options: RequestOptions,
): Promise<Record<string, unknown>> {
  const server = await scriptedServer(onConnection);
  const client = new Client();
  try {
    const response = await client.request(server.url, options);
    await response.text();
    return {};
  } catch (error) {
    return error as Record<string, unknown>;
  } finally {
    client.destroy();
    await server.end();
  }
}

test('send: the server takes no byte', async () => {
  const error = await failureOf((socket) => socket.pause(), {
    method: 'POST',
    body: Buffer.alloc(32 << 20),
    timeouts: { send: 50 },
  });
  expect(error).toMatchObject({
    code: 'MILLRACE_SEND_TIMEOUT',
    phase: 'send',
    limit: { option: 'timeouts.send', value: 50 },
  });
});

test('headers: no byte of the response, or half a head', async () => {
  for (const said of ['', 'HTTP/1.1 200']) {
    const error = await failureOf((socket) => onRequests(socket, () => socket.write(said)), {
      timeouts: { headers: 50 },
    });
    expect(error).toMatchObject({ code: 'MILLRACE_RESPONSE_TIMEOUT', phase: 'headers', limit: { value: 50 } });
  }
});

test('body: a gap between bytes', async () => {
  const error = await failureOf((socket) => onRequests(socket, () => socket.write(ANSWER.slice(0, -1))), {
    timeouts: { body: 50 },
  });
  expect(error).toMatchObject({ code: 'MILLRACE_RESPONSE_BODY_TIMEOUT', phase: 'body', limit: { value: 50 } });
});

test('body: its clock stands still while nobody reads', async () => {
  const body = Buffer.alloc(4 << 20, 'x');
  const server = createServer((_, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new Client({ timeouts: { body: 150 } });
  const response = await client.request(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  let seen = 0;
  for await (const chunk of response.body) {
    if (seen === 0) await new Promise((resolve) => setTimeout(resolve, 300));
    seen += chunk.byteLength;
  }
  expect(seen).toBe(body.byteLength);
  client.destroy();
  server.closeAllConnections();
  server.close();
});

test('total: over all phases, in each of them', async () => {
  const silent = await failureOf(() => undefined, { timeouts: { total: 50 } });
  expect(silent).toMatchObject({ code: 'MILLRACE_TOTAL_TIMEOUT', limit: { option: 'timeouts.total', value: 50 } });
  const dripping = await failureOf(
    (socket) => {
      const timer = setInterval(() => socket.write('A: b\r\n'), 10);
      socket.write('HTTP/1.1 200 OK\r\n');
      socket.on('close', () => clearInterval(timer));
    },
    { timeouts: { total: 80 } },
  );
  expect(dripping).toMatchObject({ code: 'MILLRACE_TOTAL_TIMEOUT' });
});

test('acquire: no connection is free', async () => {
  const server = await scriptedServer(() => undefined);
  const client = new Client({ pool: { maxConnectionsPerOrigin: 1 } });
  const first = client.request(server.url).catch(() => undefined);
  await expect(client.request(server.url, { timeouts: { acquire: 50 } })).rejects.toMatchObject({
    code: 'MILLRACE_ACQUIRE_TIMEOUT',
    phase: 'acquire',
    limit: { option: 'timeouts.acquire', value: 50 },
  });
  expect(client.stats()).toMatchObject({ queued: 0, acquireTimeouts: 1 });
  client.destroy();
  await first;
  await server.end();
});

test('tls: the server says nothing', async () => {
  const server = await scriptedServer(() => undefined);
  const client = new Client();
  const error = client.request(server.url.replace('http:', 'https:'), { timeouts: { tls: 50 } });
  await expect(error).rejects.toMatchObject({ code: 'MILLRACE_TLS_TIMEOUT' });
  client.destroy();
  await server.end();
});

test('a request’s own timeouts go before its client’s', async () => {
  const server = await scriptedServer(() => undefined);
  const client = new Client({ timeouts: { headers: 60_000 } });
  await expect(client.request(server.url, { timeouts: { headers: 30 } })).rejects.toMatchObject({
    limit: { value: 30 },
  });
  client.destroy();
  await server.end();
});

test.each(['before it begins', 'in the queue', 'before the head', 'within the body', 'while it sends'] as const)(
  'an abort %s rejects with an AbortError whose cause is the reason',
  async (when) => {
    const server = await scriptedServer((socket) => {
      if (when === 'within the body') onRequests(socket, () => socket.write(ANSWER.slice(0, -1)));
      else if (when === 'while it sends') socket.pause();
    });
    const client = new Client({ pool: { maxConnectionsPerOrigin: 1 } });
    const held = when === 'in the queue' ? client.request(server.url).catch(() => undefined) : undefined;
    const controller = new AbortController();
    const reason = new Error('mine');
    if (when === 'before it begins') controller.abort(reason);
    const body = when === 'while it sends' ? Buffer.alloc(32 << 20) : undefined;
    const method = body === undefined ? 'GET' : 'POST';
    const pending = client
      .request(server.url, { signal: controller.signal, method, ...(body === undefined ? null : { body }) })
      .then((response) => response.text());
    const outcome = pending.catch((error: unknown) => error);
    if (when !== 'before it begins') {
      await new Promise((resolve) => setTimeout(resolve, 20));
      controller.abort(reason);
    }
    expect(await outcome).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason });
    if (when !== 'in the queue') expect(client.stats()).toMatchObject({ connected: 0, queued: 0 });
    client.destroy();
    await held;
    await server.end();
  },
);
