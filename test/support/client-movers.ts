import { createServer } from 'node:net';
import type { AddressInfo, Socket as NetSocket } from 'node:net';
import { gzipSync } from 'node:zlib';

import type { ClientOptions, RequestOptions, ServerResponse } from '../../ts/index.js';
import { Client, ConnectionPool, RetryBudget } from '../../ts/index.js';
import { reset } from './reset.js';
import { start } from './test-server.js';

type Mover = () => Promise<void | (() => Promise<unknown>)>;

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A server that does with each connection what the test says; ended by the function that comes with it. */
async function peer(onConnection: (socket: NetSocket) => void): Promise<{ url: string; end: () => Promise<void> }> {
  const sockets = new Set<NetSocket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    end: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Requests of one client to one server, one after the other; what fails is meant to. */
const asks =
  (
    onConnection: (socket: NetSocket) => void,
    options: ClientOptions = {},
    times = 1,
    each: RequestOptions = {},
  ): Mover =>
  async () => {
    const { url, end } = await peer(onConnection);
    const client = new Client(options);
    for (let count = 0; count < times; count++) {
      await client
        .request(url, each)
        .then((response) => response.text())
        .catch(() => undefined);
    }
    return async () => {
      client.destroy();
      await end();
    };
  };

const answers = (socket: NetSocket): void => void socket.on('data', () => socket.write(ANSWER));
const never = (): void => undefined;

const status =
  (code: number): Mover =>
  async () => {
    const server = await start({
      handler: (_req: unknown, res: ServerResponse) => ((res.statusCode = code), res.end()),
    });
    const client = new Client();
    await (await client.request(server.url)).text();
    return () => client.close();
  };

const MANY = Buffer.alloc(32 << 20);

/** Every series of the areas `http client` and `pool`. */
export const CLIENT_MOVERS = {
  millrace_http_client_requests_total: asks(answers),
  millrace_http_client_pipelined_total: async () => {
    const { url, end } = await peer(never);
    const client = new Client({ pipelining: 2, pool: { maxConnectionsPerOrigin: 1 } });
    const both = Promise.allSettled([client.request(url), client.request(url)]);
    return async () => {
      client.destroy();
      await both;
      await end();
    };
  },
  'millrace_http_client_responses_total{class="1xx"}': asks((socket) =>
    socket.on('data', () => socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${ANSWER}`)),
  ),
  'millrace_http_client_responses_total{class="2xx"}': status(204),
  'millrace_http_client_responses_total{class="3xx"}': status(304),
  'millrace_http_client_responses_total{class="4xx"}': status(404),
  'millrace_http_client_responses_total{class="5xx"}': status(503),
  'millrace_http_client_timeouts_total{phase="send"}': asks((socket) => socket.pause(), { timeouts: { send: 20 } }, 1, {
    method: 'POST',
    body: MANY,
  }),
  'millrace_http_client_timeouts_total{phase="headers"}': asks(never, { timeouts: { headers: 20 } }),
  'millrace_http_client_timeouts_total{phase="body"}': asks(
    (socket) => socket.on('data', () => socket.write(ANSWER.slice(0, -1))),
    { timeouts: { body: 20 } },
  ),
  'millrace_http_client_timeouts_total{phase="total"}': asks(never, { timeouts: { total: 20 } }),
  'millrace_http_client_timeouts_total{phase="acquire"}': async () => {
    const { url, end } = await peer(never);
    const client = new Client({ pool: { maxConnectionsPerOrigin: 1 }, timeouts: { acquire: 20 } });
    const first = client.request(url).catch(() => undefined);
    await client.request(url).catch(() => undefined);
    client.destroy();
    await first;
    return end;
  },
  'millrace_limit_exceeded_total{option="maxResponseSize"}': asks(answers, { maxResponseSize: 1 }),
  'millrace_limit_exceeded_total{option="maxMemoryPerRequest"}': asks(answers, { maxMemoryPerRequest: 1_024 }, 1, {
    method: 'POST',
    body: 'x'.repeat(1_025),
  }),
  'millrace_limit_exceeded_total{option="maxExpansion"}': asks(
    (socket) => {
      const body = gzipSync(Buffer.alloc(11 << 20));
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
      socket.on('data', () => socket.write(Buffer.concat([Buffer.from(head), body])));
    },
    { maxExpansion: 2, maxResponseSize: null },
  ),
  'millrace_limit_exceeded_total{option="maxRedirects"}': asks(
    (socket) => {
      const answer = 'HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n';
      socket.on('data', () => socket.write(answer));
    },
    { maxRedirects: 1 },
  ),
  'millrace_limit_exceeded_total{option="contentCodings"}': asks((socket) =>
    socket.on('data', () =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: ${'gzip, '.repeat(5)}gzip\r\nContent-Length: 2\r\n\r\nok`),
    ),
  ),
  millrace_retry_budget_exhausted_total: asks((socket) => socket.destroy(), {
    retry: { minDelay: 1, maxDelay: 1, budget: new RetryBudget({ ratio: 0, reserve: 0 }) },
  }),
  millrace_circuit_breaker_refused_total: asks((socket) => socket.destroy(), { breaker: { failures: 1 } }, 2),
  millrace_http_client_failures_total: asks((socket) => socket.destroy()),
  millrace_http_client_replays_total: asks(answersOnce, {}, 2),
  millrace_pool_connections_created_total: asks(answers),
  'millrace_pool_connections_closed_total{reason="idle"}': async () => {
    const { url, end } = await peer(answers);
    const client = new Client({ pool: { idleTimeout: 1 } });
    await (await client.request(url)).text();
    await new Promise((resolve) => setTimeout(resolve, 2));
    client.pool.sweep();
    return end;
  },
  'millrace_pool_connections_closed_total{reason="age"}': asks(answers, { pool: { maxConnectionAge: 1 } }, 3),
  'millrace_pool_connections_closed_total{reason="requests"}': asks(answers, { pool: { maxRequestsPerConnection: 1 } }),
  'millrace_pool_connections_closed_total{reason="peer"}': asks((socket) =>
    socket.on('data', () => socket.end(ANSWER)),
  ),
  'millrace_pool_connections_closed_total{reason="stale"}': asks(answersOnce, {}, 2),
  'millrace_pool_connections_closed_total{reason="error"}': asks((socket) => socket.write('nonsense')),
  'millrace_pool_connections_closed_total{reason="limit"}': async () => {
    const { url, end } = await peer(answers);
    const client = new Client();
    await client.pool.prewarm(url, 2);
    client.pool.resize({ maxConnectionsPerOrigin: 1 });
    client.destroy();
    return end;
  },
  'millrace_pool_connections_closed_total{reason="drain"}': async () => {
    const { url, end } = await peer(answers);
    const client = new Client();
    await (await client.request(url)).text();
    await client.close();
    return end;
  },
  'millrace_pool_connections_closed_total{reason="discarded"}': async () => {
    const { url, end } = await peer(answers);
    const { hostname, port } = new URL(url);
    const pool = new ConnectionPool();
    (await pool.acquire({ scheme: 'tcp', host: hostname, port: Number(port) })).discard();
    return end;
  },
  'millrace_pool_acquires_total{kind="created"}': asks(answers),
  'millrace_pool_acquires_total{kind="reused"}': asks(answers, {}, 2),
  millrace_pool_refused_total: async () => {
    const { url, end } = await peer(never);
    const client = new Client({ pool: { maxConnectionsPerOrigin: 1, maxQueued: 0 } });
    const first = client.request(url).catch(() => undefined);
    await client.request(url).catch(() => undefined);
    client.destroy();
    await first;
    return end;
  },
  millrace_http_client_connections: asks(answers),
  millrace_http_client_active_requests: async () => {
    const { url, end } = await peer(never);
    const client = new Client();
    const first = client.request(url).catch(() => undefined);
    return async () => {
      client.destroy();
      await first;
      await end();
    };
  },
  millrace_pool_queued: async () => {
    const { url, end } = await peer(never);
    const client = new Client({ pool: { maxConnectionsPerOrigin: 1 } });
    const both = Promise.allSettled([client.request(url), client.request(url)]);
    return async () => {
      client.destroy();
      await both;
      await end();
    };
  },
  millrace_http_client_request_duration_seconds: asks(answers),
  millrace_pool_wait_seconds: asks(answers),
} satisfies Record<string, Mover>;

/** Answers one request of a connection, and resets it at the second. */
function answersOnce(socket: NetSocket): void {
  let asked = 0;
  socket.on('data', () => (asked++ === 0 ? socket.write(ANSWER) : reset(socket)));
}
