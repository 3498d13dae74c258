// Every series of the catalogue is moved here through the public API, or where ELSEWHERE says.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import type {
  ListenSocketOptions,
  ProxyServerOptions,
  RelayOptions,
  ServeOptions,
  ServerResponse,
  Socket,
} from '../../ts/index.js';
import {
  connect,
  createProxyServer,
  metrics,
  Resolver,
  setLevel,
  setLogger,
  setMaxMemory,
  TlsContext,
} from '../../ts/index.js';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../ts/metrics/catalogue.generated.js';
import type { CounterName, GaugeName, HistogramName } from '../../ts/metrics/catalogue.generated.js';
import { native } from '../../ts/native/loader.js';
import { CLIENT_MOVERS } from '../support/client-movers.js';
import { until } from '../support/condition.js';
import type { DnsScript } from '../support/dns-server.js';
import { DnsServer, fromZone, RCODE } from '../support/dns-server.js';
import { Authority } from '../support/pki.js';
import { RawClient } from '../support/raw-client.js';
import { echo, listenersEndWithTheirTest, pair, rest, said, startListener } from '../support/test-listener.js';
import { chunked, endsWithItsTest, get, post, request, start, startWithClient } from '../support/test-server.js';

listenersEndWithTheirTest();
endsWithItsTest();

type Name = CounterName | GaugeName | HistogramName;
/** Makes the metric move; what it left alive ends with the test, or by the function that it gives. */
type Mover = () => Promise<void | (() => Promise<unknown>)>;

/** Milliseconds; what expires here is waited for, so none of these is a race. */
const SOON = 20;
/**
 * A body begins with five seconds of credit: those two move where the rates are tested anyway. Descriptors run out in a
 * process of their own.
 */
const ELSEWHERE: Partial<Record<Name, string>> = {
  millrace_http_server_accept_pauses_total: '../border/programs/descriptors-run-out.mjs',
  'millrace_limit_exceeded_total{option="reputation"}': 'server-reputation.test.ts',
  millrace_http_server_connections_delayed_total: 'server-reputation.test.ts',
  'millrace_http_server_timeouts_total{phase="receiveRate"}': 'server-timeouts-rates.test.ts',
  'millrace_http_server_timeouts_total{phase="sendRate"}': 'server-timeouts-rates.test.ts',
};

const ok = (_req: unknown, res: ServerResponse): unknown => res.end('ok');
const never = (): void => undefined;

/** Sends the bytes to a server of these options; the answer, where one is waited for, is read. */
const exchange =
  (options: Partial<ServeOptions>, bytes: string, wait: 'answer' | 'end' | 'nothing' = 'answer'): Mover =>
  async () => {
    const { client } = await startWithClient({ handler: ok, ...options } as ServeOptions);
    client.send(bytes);
    if (wait === 'answer') await client.response();
    if (wait === 'end') await client.rest();
  };

const status = (code: number): Mover =>
  exchange({ handler: (_req: unknown, res: ServerResponse) => ((res.statusCode = code), res.end()) }, get());

/** More connections than the option admits. */
const crowd =
  (options: Partial<ServeOptions>): Mover =>
  async () => {
    const server = await start({ handler: ok, ...options } as ServeOptions);
    const first = await RawClient.connect(server);
    await first.send(get()).response();
    expect((await (await RawClient.connect(server)).response()).status).toBe(503);
  };

/** A body that nobody reads stays in a buffer of the pool. */
const unreadBody: Mover = exchange({ handler: never }, post('/', 'half a body').slice(0, -1), 'nothing');

const largeAnswer: Mover = async () => {
  const { client } = await startWithClient({
    handler: (_req, res) => void res.writeHead(200, { 'content-length': '9000000' }).write(Buffer.alloc(8 << 20)),
  });
  client.socket.pause();
  client.send(get());
};

let identity: { cert: string; key: string } | undefined;
/** A server of TLS, and a connection that we begin to it. */
const secure =
  (times = 1, options: Partial<ServeOptions> = {}, servername = 'localhost'): Mover =>
  async () => {
    identity ??= await (await Authority.root()).issue();
    const server = await start({
      handler: ok,
      tls: { cert: identity.cert, key: identity.key },
      ...options,
    } as ServeOptions);
    const tls = await TlsContext.client({ rejectUnauthorized: servername !== 'localhost', servername });
    for (let count = 0; count < times; count++) {
      const socket = await connect({ host: '127.0.0.1', port: server.port, tls }).catch(() => undefined);
      if (socket === undefined) return;
      // A ticket comes behind the handshake, with the answer at the latest.
      socket.write(request('GET', '/', ['Connection: close']));
      for await (const chunk of socket) void chunk;
      socket.destroy();
    }
  };

/** Raw listeners, which end with their test. */
const raw =
  (options: ListenSocketOptions, use: (port: number) => Promise<unknown>): Mover =>
  async () => {
    const listener = await startListener(echo, options);
    await use(listener.port);
  };

/** A connection that says this, to its end. */
const say =
  (bytes: string) =>
  async (port: number): Promise<void> => {
    const socket = await connect({ host: '127.0.0.1', port });
    socket.write(bytes);
    await rest(socket).catch(never);
    socket.destroy();
  };

const open = async (port: number): Promise<void> => {
  const socket = await connect({ host: '127.0.0.1', port });
  await said(socket, 'x');
};
const ZONE = fromZone({ 'a.test': ['192.0.2.1'] });
/** Resolves names, one after the other, by a server that answers so. */
const names =
  (hosts: string[], script: DnsScript = ZONE, options: object = {}): Mover =>
  async () => {
    const server = await DnsServer.start(script);
    const resolver = new Resolver({ servers: [server.address], ...options });
    for (const host of hosts) await resolver.resolve(host).catch(() => undefined);
    return () => server.close();
  };
const fails: DnsScript = () => ({ rcode: RCODE.SERVFAIL });

/** A proxy of ours, and a connection through it to an echo. */
const proxied =
  (options: ProxyServerOptions = {}, url = 'socks5h://127.0.0.1'): Mover =>
  async () => {
    const proxy = await createProxyServer(options);
    const listener = await startListener(echo);
    const way = { host: '127.0.0.1', port: listener.port, proxy: `${url}:${proxy.port}` };
    await connect(way).then((socket) => said(socket, 'x'), never);
    return () => Promise.resolve(proxy.destroy());
  };

/** A relay between a client of ours and an echo; `use` is given the client. */
const relayed =
  (options: RelayOptions, use: (client: Socket) => Promise<unknown>): Mover =>
  async () => {
    const back = await startListener(echo);
    const front = await startListener(async (socket) => {
      const there = await connect({ host: '127.0.0.1', port: back.port });
      await socket.pipeTo(there, options).catch(never);
    });
    const client = await connect({ host: '127.0.0.1', port: front.port });
    await use(client).catch(never);
    client.destroy();
  };

const logs =
  (mover: Mover): Mover =>
  async () => {
    setLevel('trace');
    return mover();
  };

const MOVERS: Record<Name, Mover | null> = {
  millrace_sockets_accepted_total: raw({}, open),
  millrace_sockets_refused_total: raw({ deny: ['127.0.0.1'] }, say('x')),
  millrace_sockets_accept_failures_total: raw({ proxyProtocol: 'required' }, say('no PROXY head at all\r\n')),
  millrace_relay_started_total: relayed({}, (client) => said(client, 'x')),
  millrace_relay_failed_total: relayed({ idleTimeout: SOON }, rest),
  'millrace_relay_timeouts_total{phase="idle"}': relayed({ idleTimeout: SOON }, rest),
  'millrace_relay_timeouts_total{phase="total"}': relayed({ totalTimeout: SOON }, rest),
  millrace_relay_bytes_total: relayed({}, (client) => said(client, 'x')),
  millrace_relay_spliced_bytes_total: relayed({}, async (client) => {
    const sending = (async () => {
      for (let count = 0; count < 100; count++) {
        if (!client.write(Buffer.alloc(200_000))) await client.drained();
      }
      await client.end();
    })();
    await Promise.all([rest(client), sending]);
  }),
  millrace_relay_active: async () => {
    const { near, far } = await pair();
    const other = await pair();
    const ended = near.pipeTo(other.near).catch(never);
    return async () => {
      for (const socket of [near, far, other.far]) socket.destroy();
      await ended;
    };
  },
  millrace_sockets_listeners: raw({}, () => Promise.resolve()),
  millrace_sockets_accepted_open: async () => {
    const { port } = await startListener(never);
    const socket = await connect({ host: '127.0.0.1', port });
    return async () => socket.destroy();
  },
  ...CLIENT_MOVERS,
  millrace_http_server_connections_accepted_total: exchange({}, get()),
  millrace_http_server_connections_refused_total: crowd({ maxConnections: 1 }),
  millrace_http_server_requests_total: exchange({}, get()),
  'millrace_http_server_responses_total{class="1xx"}': exchange(
    { handler: (_req: unknown, res: ServerResponse) => (res.writeProcessing(), res.end()) },
    get(),
  ),
  'millrace_http_server_responses_total{class="2xx"}': status(204),
  'millrace_http_server_responses_total{class="3xx"}': status(304),
  'millrace_http_server_responses_total{class="4xx"}': status(404),
  'millrace_http_server_responses_total{class="5xx"}': status(503),
  millrace_http_server_request_errors_total: exchange({}, 'GET / HTTP/9.9\r\n\r\n'),
  millrace_http_server_aborted_total: async () => {
    const { server, client } = await startWithClient({ handler: never });
    client.send(get());
    await until(() => server.stats().requests.active === 1);
    client.reset();
  },
  millrace_rate_limit_store_failures_total: exchange(
    { rateLimits: [{ requests: 1, store: { consume: () => Promise.reject(new Error('on purpose')) } }] },
    get(),
  ),
  millrace_http_server_handler_errors_total: exchange(
    { handler: () => Promise.reject(new Error('on purpose')) },
    get(),
  ),
  'millrace_http_server_timeouts_total{phase="headers"}': exchange({ headersTimeout: SOON }, 'GET / HT', 'end'),
  'millrace_http_server_timeouts_total{phase="body"}': exchange(
    { bodyTimeout: SOON, handler: async (req: { bytes(): Promise<unknown> }) => void (await req.bytes()) },
    request('POST', '/', ['Content-Length: 10']),
    'end',
  ),
  'millrace_http_server_timeouts_total{phase="request"}': exchange(
    { requestTimeout: SOON, handler: async (req: { bytes(): Promise<unknown> }) => void (await req.bytes()) },
    request('POST', '/', ['Content-Length: 10']),
    'end',
  ),
  'millrace_http_server_timeouts_total{phase="send"}': async () => {
    const { client } = await startWithClient({
      writeTimeout: SOON,
      handler: (_req, res) => res.end(Buffer.alloc(64 << 20)),
    });
    client.socket.pause();
    client.send(get());
  },
  'millrace_http_server_timeouts_total{phase="idle"}': exchange({ keepAliveTimeout: 1 }, get(), 'end'),
  'millrace_http_server_timeouts_total{phase="tlsHandshake"}': async () => {
    identity ??= await (await Authority.root()).issue();
    const { cert, key } = identity;
    await exchange({ tls: { cert, key }, tlsHandshakeTimeout: SOON }, '\x16', 'end')();
  },
  millrace_sockets_connects_started_total: secure(),
  millrace_sockets_connect_attempts_total: raw({}, open),
  millrace_sockets_connect_duration_seconds: raw({}, open),
  millrace_proxy_client_handshakes_total: proxied(),
  millrace_proxy_client_handshake_duration_seconds: proxied(),
  millrace_proxy_client_failures_total: proxied({ auth: { username: 'a', password: 'b' } }),
  millrace_proxy_server_tunnels_total: proxied(),
  millrace_proxy_server_failures_total: proxied({ auth: { username: 'a', password: 'b' } }, 'socks5h://a:c@127.0.0.1'),
  millrace_sockets_connects_failed_total: secure(1, {}, 'other.test'),
  'millrace_tls_handshakes_total{kind="full"}': secure(),
  'millrace_tls_handshakes_total{kind="resumed"}': secure(2),
  millrace_tls_failures_total: secure(1, {}, 'other.test'),
  millrace_sockets_connected: async () => {
    const server = await start({ handler: ok });
    const socket = await connect({ host: '127.0.0.1', port: server.port });
    return () => Promise.resolve(socket.destroy());
  },
  millrace_tls_handshake_duration_seconds: secure(),
  'millrace_http_server_timeouts_total{phase="handler"}': exchange({ handlerTimeout: SOON, handler: never }, get()),
  millrace_http_server_upgrades_total: exchange(
    { onUpgrade: (_req, socket) => socket.destroy() },
    get('/', 'Connection: upgrade', 'Upgrade: test'),
    'end',
  ),
  millrace_http_server_validate_refusals_total: exchange({ validate: () => 403 }, get()),
  'millrace_limit_exceeded_total{option="maxUrlSize"}': exchange({ maxUrlSize: 64 }, get(`/${'x'.repeat(64)}`)),
  'millrace_limit_exceeded_total{option="maxHeaderSize"}': exchange(
    { maxHeaderSize: 1_024 },
    get('/', `A: ${'x'.repeat(1_024)}`),
  ),
  'millrace_limit_exceeded_total{option="maxHeaderFields"}': exchange({ maxHeaderFields: 2 }, get('/', 'B: b', 'C: c')),
  'millrace_limit_exceeded_total{option="maxBodySize"}': exchange({ maxBodySize: 3 }, post('/', 'four')),
  'millrace_limit_exceeded_total{option="maxCollectedSize"}': exchange(
    { maxCollectedSize: 3, handler: async (req: { text(): Promise<string> }) => void (await req.text()) },
    post('/', 'four'),
  ),
  'millrace_limit_exceeded_total{option="maxConnections"}': crowd({ maxConnections: 1 }),
  'millrace_limit_exceeded_total{option="chunkExtensions"}': exchange(
    {},
    `${request('POST', '/', ['Transfer-Encoding: chunked'])}1;a=${'x'.repeat(5_000)}\r\n`,
  ),
  'millrace_limit_exceeded_total{option="trailers"}': exchange(
    {},
    request('POST', '/', ['Transfer-Encoding: chunked']) + chunked(['x'], `A: ${'x'.repeat(17_000)}\r\n`),
  ),
  'millrace_limit_exceeded_total{option="maxConnectionsPerIp"}': crowd({ maxConnectionsPerIp: 1 }),
  'millrace_limit_exceeded_total{option="deny"}': async () => {
    const server = await start({ handler: ok, deny: ['127.0.0.0/8'] });
    expect((await (await RawClient.connect(server)).response()).status).toBe(403);
  },
  'millrace_limit_exceeded_total{option="rateLimits"}': async () => {
    const { client } = await startWithClient({ handler: ok, rateLimits: [{ requests: 1, interval: 60_000 }] });
    await client.send(get()).response();
    expect((await client.send(get()).response()).status).toBe(429);
  },
  'millrace_limit_exceeded_total{option="maxMemory"}': async () => {
    setMaxMemory(1 << 20);
    await largeAnswer();
    return () => Promise.resolve(setMaxMemory(null));
  },
  millrace_sockets_received_bytes_total: exchange({}, get()),
  millrace_sockets_sent_bytes_total: exchange({}, get()),
  millrace_sockets_receive_calls_total: exchange({}, get()),
  millrace_sockets_send_calls_total: exchange({}, get()),
  millrace_reactor_wakes_total: exchange({}, get()),
  millrace_reactor_events_total: exchange({}, get()),
  millrace_reactor_panics_total: async () => void native.plantPanic(NaN, 1),
  'millrace_log_records_total{level="trace"}': logs(exchange({ keepAliveTimeout: 1 }, get(), 'end')),
  'millrace_log_records_total{level="debug"}': logs(exchange({}, 'GET / HTTP/9.9\r\n\r\n')),
  'millrace_log_records_total{level="info"}': logs(exchange({ accessLog: true }, get())),
  'millrace_log_records_total{level="warn"}': logs(
    exchange(
      {
        rateLimits: [
          { requests: 1, interval: 1_000, store: { consume: () => Promise.reject(new Error('on purpose')) } },
        ],
      },
      get(),
    ),
  ),
  'millrace_log_records_total{level="error"}': logs(
    exchange({ handler: () => Promise.reject(new Error('on purpose')) }, get()),
  ),
  'millrace_log_records_total{level="fatal"}': logs(async () => {
    await exchange({}, get())();
    native.plantPanic(NaN, 1);
  }),
  'millrace_dns_lookups_total{result="local"}': names(['localhost']),
  'millrace_dns_lookups_total{result="hit"}': names(['a.test', 'a.test']),
  'millrace_dns_lookups_total{result="negativeHit"}': names(['b.test', 'b.test']),
  'millrace_dns_lookups_total{result="miss"}': names(['a.test']),
  'millrace_dns_lookups_total{result="merged"}': async () => {
    const server = await DnsServer.start(ZONE);
    const resolver = new Resolver({ servers: [server.address] });
    await Promise.all([resolver.resolve('a.test'), resolver.resolve('a.test')]);
    return () => server.close();
  },
  millrace_dns_stale_total: async () => {
    const server = await DnsServer.start(ZONE);
    const resolver = new Resolver({ servers: [server.address], minTtl: 0, maxTtl: 1 });
    await resolver.resolve('a.test');
    server.script = fails;
    // Until the millisecond that it was good for has passed.
    for (let tries = 0; resolver.stats().stale === 0 && tries < 1_000; tries++) await resolver.resolve('a.test');
    return () => server.close();
  },
  'millrace_dns_queries_total{kind="A"}': names(['a.test']),
  'millrace_dns_queries_total{kind="AAAA"}': names(['a.test']),
  'millrace_dns_queries_total{kind="getaddrinfo"}': async () => {
    // It need not find it: libc is asked.
    const abort = AbortSignal.timeout(1_000);
    await new Resolver({ mode: 'system' }).resolve('a-name-of-nobody.', { signal: abort }).catch(() => undefined);
  },
  'millrace_dns_failures_total{reason="notFound"}': names(['b.test']),
  'millrace_dns_failures_total{reason="timeout"}': names(['a.test'], () => null, { timeout: SOON }),
  'millrace_dns_failures_total{reason="failed"}': names(['a.test'], fails),
  millrace_dns_lookup_duration_seconds: names(['a.test']),
  millrace_http_server_connections: exchange({}, get()),
  millrace_http_server_active_requests: exchange({ handler: never }, get(), 'nothing'),
  millrace_http_server_listeners: async () => void (await start({ handler: ok })),
  millrace_reactor_threads: async () => {
    const addon = JSON.stringify(join(__dirname, '../../native/index.js'));
    const code = `require(${addon}); require('node:worker_threads').parentPort.once('message', () => {}).postMessage('up')`;
    const worker = new Worker(code, { eval: true });
    await once(worker, 'message');
    return () => worker.terminate();
  },
  millrace_buffers: unreadBody,
  millrace_memory_held_bytes: largeAnswer,
  millrace_http_server_request_duration_seconds: exchange({}, get()),
  millrace_reactor_wake_duration_seconds: exchange({}, get()),
  millrace_http_server_accept_pauses_total: null,
  'millrace_limit_exceeded_total{option="reputation"}': null,
  millrace_http_server_connections_delayed_total: null,
  'millrace_http_server_timeouts_total{phase="receiveRate"}': null,
  'millrace_http_server_timeouts_total{phase="sendRate"}': null,
};

function valueOf(name: Name): number {
  const { counters, gauges, histograms } = metrics.snapshot();
  const all: Record<string, number | { count: number }> = { ...counters, ...gauges, ...histograms };
  const value = all[name];
  return typeof value === 'number' ? value : value.count;
}

const NAMES: readonly Name[] = [...COUNTERS, ...GAUGES, ...HISTOGRAMS].map(({ key }) => key);

beforeEach(() => setLogger(() => undefined));

afterEach(() => {
  setLogger(null);
  setLevel('warn');
});

test('every metric of the catalogue has a mover, and no other has', () => {
  expect(Object.keys(MOVERS).sort()).toEqual([...NAMES].sort());
  expect(NAMES.filter((name) => (MOVERS[name] === null) !== (ELSEWHERE[name] !== undefined))).toEqual([]);
});

test.each(NAMES.filter((name) => MOVERS[name] !== null))('%s moves', async (name) => {
  const before = valueOf(name);
  const end = await MOVERS[name]?.();
  await until(
    () => valueOf(name) > before,
    () => `${name} is ${valueOf(name)}, and was ${before}`,
  );
  await end?.();
});

test.each(Object.entries(ELSEWHERE))('%s moves in %s', (name, file) => {
  const text = readFileSync(join(__dirname, file), 'utf8');
  const [family, value] = /^(\w+)\{\w+="(\w+)"\}$/.exec(name)?.slice(1) ?? [name];
  expect(text).toContain(family);
  if (value !== undefined) expect(text).toContain(`'${value}'`);
});
