// The timeouts of a request before it is on a connection: each expires, and says which it was.
import type { LookupFunction } from 'node:net';

import type { ClientOptions, MillraceError, RequestOptions } from '../../ts/index.js';
import { Client } from '../../ts/index.js';
import { until } from '../support/condition.js';
import type { ScriptedServer } from '../support/scripted-server.js';
import { scriptedServer } from '../support/scripted-server.js';
import { endsWithItsTest } from '../support/test-server.js';
import { NO_UNACCEPTING, unaccepting } from '../support/unaccepting.js';
import { where } from '../support/where.js';

endsWithItsTest();

const LIMIT = 50;

/** What a request fails with; that it does not before its time, and that `destroy` leaves no dial that goes on. */
async function failureOf(url: string, options: RequestOptions, own: ClientOptions = {}): Promise<MillraceError> {
  const client = new Client(own);
  const began = performance.now();
  try {
    await client.request(url, options);
  } catch (error) {
    expect(performance.now() - began).toBeGreaterThanOrEqual(LIMIT - 2);
    expect(client.stats()).toMatchObject({ running: 0, queued: 0 });
    return error as MillraceError;
  } finally {
    client.destroy();
  }
  throw new Error('it was answered');
}

const silence: LookupFunction = () => undefined;
let mute: ScriptedServer;

beforeEach(async () => {
  mute = await scriptedServer(() => undefined);
});

afterEach(() => mute.end());

test('dns: the resolver says nothing', async () => {
  const error = await failureOf('http://name.test/', { timeouts: { dns: LIMIT } }, { resolver: silence });
  expect(error).toMatchObject({ phase: 'dns', limit: { option: 'timeouts.dns', value: LIMIT } });
  expect(error.code).toMatch(/TIMEOUT$/);
});

test('tls: the server says nothing', async () => {
  const error = await failureOf(mute.url.replace('http:', 'https:'), { timeouts: { tls: LIMIT } });
  expect(error).toMatchObject({
    code: 'MILLRACE_TLS_TIMEOUT',
    phase: 'tls',
    limit: { option: 'timeouts.tls', value: LIMIT },
  });
});

test('tls: a proxy of https says nothing', async () => {
  const proxy = `https://127.0.0.1:${mute.port}`;
  const error = await failureOf('http://127.0.0.1:9/', { timeouts: { tls: LIMIT }, proxy });
  expect(error).toMatchObject({ phase: 'tls', limit: { option: 'timeouts.tls', value: LIMIT } });
  expect(error.message).toContain('at the proxy');
});

test.each(['http', 'socks4', 'socks5', 'socks5h'])('proxy: one of %s says nothing', async (kind) => {
  const proxy = `${kind}://127.0.0.1:${mute.port}`;
  const error = await failureOf('http://127.0.0.1:9/', { timeouts: { proxy: LIMIT }, proxy });
  expect(error).toMatchObject({ phase: 'proxy', limit: { option: 'timeouts.proxy', value: LIMIT } });
});

where('connect', NO_UNACCEPTING).test('connect: nobody takes the connection', async () => {
  const nobody = await unaccepting();
  const error = await failureOf(`http://127.0.0.1:${nobody.port}/`, { timeouts: { connect: LIMIT } });
  expect(error).toMatchObject({
    code: 'MILLRACE_CONNECT_TIMEOUT',
    phase: 'connect',
    limit: { option: 'timeouts.connect', value: LIMIT },
  });
  await nobody.end();
});

test.each<[string, (port: number) => [string, RequestOptions, ClientOptions]]>([
  ['the resolver', () => ['http://name.test/', {}, { resolver: silence }]],
  ['a handshake of TLS', (port) => [`https://127.0.0.1:${port}/`, {}, {}]],
  ['a handshake with a proxy', (port) => ['http://127.0.0.1:9/', { proxy: `socks5://127.0.0.1:${port}` }, {}]],
  ['the answer', (port) => [`http://127.0.0.1:${port}/`, {}, {}]],
])('total: over within %s', async (_, of) => {
  const [url, options, own] = of(mute.port);
  const error = await failureOf(url, { ...options, timeouts: { total: LIMIT } }, own);
  expect(error).toMatchObject({
    code: 'MILLRACE_TOTAL_TIMEOUT',
    limit: { option: 'timeouts.total', value: LIMIT },
  });
});

test('acquire and total: over in the queue, each by its own name', async () => {
  const client = new Client({ pool: { maxConnectionsPerOrigin: 1 } });
  const held = client.request(mute.url).catch(() => undefined);
  await until(() => client.stats().running === 1);
  await expect(client.request(mute.url, { timeouts: { acquire: LIMIT } })).rejects.toMatchObject({
    code: 'MILLRACE_ACQUIRE_TIMEOUT',
    phase: 'acquire',
    limit: { option: 'timeouts.acquire', value: LIMIT },
  });
  await expect(client.request(mute.url, { timeouts: { total: LIMIT } })).rejects.toMatchObject({
    code: 'MILLRACE_TOTAL_TIMEOUT',
    limit: { option: 'timeouts.total', value: LIMIT },
  });
  expect(client.stats()).toMatchObject({ queued: 0, connected: 1 });
  client.destroy();
  await held;
});
