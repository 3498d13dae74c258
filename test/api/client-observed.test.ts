// What others see of a client's requests and connections: channels, timings, OpenTelemetry's instrumentation of undici.
import type { ChannelListener } from 'node:diagnostics_channel';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { LookupFunction } from 'node:net';

import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

import type { Server } from '../../ts/index.js';
import { Client, ConnectionPool } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { scriptedServer } from '../support/scripted-server.js';
import { endsWithItsTest, start } from '../support/test-server.js';
import { undiciSpans } from '../support/undici-spans.js';

endsWithItsTest();

type Message = Record<string, Record<string, unknown>>;

let messages: [string, Message][];
let listeners: [string, ChannelListener][];

/** Hears these channels until the test is over. */
function hear(...names: string[]): void {
  for (const name of names) {
    const listener: ChannelListener = (message) => void messages.push([name, message as Message]);
    listeners.push([name, listener]);
    subscribe(name, listener);
  }
}

beforeEach(() => {
  messages = [];
  listeners = [];
});

afterEach(() => {
  for (const [name, listener] of listeners) unsubscribe(name, listener);
});

const serving = (): Promise<Server> =>
  start({ port: 0, handler: (req, res) => void res.end(req.headers.get('traceparent') ?? 'none') });
const CONNECTS = ['millrace:client:connect:', 'undici:client:'];
const NAMES = ['start', 'open', 'error', 'beforeConnect', 'connected', 'connectError'];

describe('connections', () => {
  const hearAll = (): void => hear(...NAMES.map((name, place) => `${CONNECTS[place < 3 ? 0 : 1]}${name}`));
  const heard = (): string[] => messages.map(([name]) => name.slice(name.lastIndexOf(':') + 1));

  test('one that opens is told of once under each name, and its reuse is not', async () => {
    hearAll();
    const server = await serving();
    await using client = new Client();
    for (let call = 0; call < 3; call++) await (await client.get(server.url)).text();
    expect(heard()).toEqual(['beforeConnect', 'start', 'connected', 'open']);
    const port = String(server.port);
    for (const [, { connectParams }] of messages) {
      expect(connectParams).toEqual({
        host: `127.0.0.1:${port}`,
        hostname: '127.0.0.1',
        protocol: 'http:',
        port,
        servername: null,
        localAddress: null,
        version: 'h1',
      });
    }
    const { socket } = messages[3][1];
    expect(socket).toMatchObject({ remoteAddress: '127.0.0.1', remotePort: server.port, alpnProtocol: null });
    expect(socket['localPort']).toBeGreaterThan(0);
  });

  test('one that fails is told of with its error', async () => {
    const server = await scriptedServer(() => undefined);
    await server.end();
    hearAll();
    await using client = new Client();
    const error: unknown = await client.get(server.url).catch((reason: unknown) => reason);
    expect(heard()).toEqual(['beforeConnect', 'start', 'connectError', 'error']);
    for (const [, message] of messages.slice(2)) expect(message['error']).toBe(error);
  });

  test('raw sockets of a pool are told of as well', async () => {
    hearAll();
    const server = await scriptedServer(() => undefined);
    const pool = new ConnectionPool();
    const lent = await pool.acquire({ scheme: 'tcp', host: '127.0.0.1', port: server.port });
    expect(heard()).toEqual(['beforeConnect', 'start', 'connected', 'open']);
    expect(messages[3][1]).toMatchObject({
      connectParams: { protocol: 'tcp:' },
      socket: { remoteAddress: '127.0.0.1', remotePort: server.port },
    });
    lent.discard();
    await pool.drain();
    await server.end();
  });
});

describe('timings', () => {
  test('tell how long the resolver took, and apart from it how long connecting did', async () => {
    const server = await serving();
    const resolver: LookupFunction = (_host, _options, callback) => {
      setTimeout(() => callback(null, [{ address: '127.0.0.1', family: 4 }]), 60);
    };
    await using client = new Client({ resolver });
    const { timings } = await client.get(`http://name.test:${server.port}/`);
    expect(timings.dns).toBeGreaterThanOrEqual(58);
    expect(timings.connect).toBeGreaterThan(0);
    expect(timings.reused).toBe(false);
    expect([timings.proxy, timings.tls]).toEqual([null, null]);
    const sum = ['queued', 'dns', 'connect', 'send', 'headers', 'body'] as const;
    const all = sum.reduce((total, name) => total + (timings[name] ?? 0), 0);
    expect(Math.abs(all - (timings.total as number))).toBeLessThan(1);
    const again = (await client.get(`http://name.test:${server.port}/`)).timings;
    expect([again.reused, again.dns, again.connect]).toEqual([true, null, null]);
  });

  test('of an address there is no phase dns', async () => {
    const server = await serving();
    await using client = new Client();
    expect((await client.get(server.url)).timings).toMatchObject({ dns: null, reused: false });
  });
});

describe("OpenTelemetry's instrumentation of undici", () => {
  const { exporter, provider } = undiciSpans();

  test('sees each request of a client, by request and by fetch, and its traceparent is sent', async () => {
    const server = await serving();
    await using client = new Client();
    const parent = provider.getTracer('test').startSpan('parent');
    await context.with(trace.setSpan(context.active(), parent), async () => {
      for (const by of ['request', 'fetch'] as const) {
        const sent = await (await client[by](new URL('/there?a=b', server.url).href)).text();
        await until(() => exporter.getFinishedSpans().length === 1);
        const [span] = exporter.getFinishedSpans();
        exporter.reset();
        expect(span.kind).toBe(SpanKind.CLIENT);
        expect(span.spanContext().traceId).toBe(parent.spanContext().traceId);
        expect(sent).toBe(`00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`);
        expect(span.attributes).toMatchObject({
          'http.request.method': 'GET',
          'url.full': new URL('/there?a=b', server.url).href,
          'server.port': server.port,
          'network.peer.address': '127.0.0.1',
          'http.response.status_code': 200,
        });
      }
    });
  });

  test('sees a request that fails, by its code', async () => {
    const server = await scriptedServer((socket) => socket.destroy());
    await using client = new Client();
    const error = (await client.get(server.url).catch((reason: unknown) => reason)) as { code: string };
    const [span] = exporter.getFinishedSpans();
    expect(span.attributes['error.type']).toBe(error.code);
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
    await server.end();
  });
});
