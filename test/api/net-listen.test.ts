import { once } from 'node:events';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect as nodeConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ListenerMessage, ListenSocketOptions, MillraceError, SocketMessage } from '../../ts/index.js';
import { connect, listen, setLogger } from '../../ts/index.js';
import { deferred, until } from '../support/condition.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { echo, listenersEndWithTheirTest, rest, said, startListener } from '../support/test-listener.js';
import { endsWithItsTest } from '../support/test-server.js';

let issued: Issued;
beforeAll(async () => {
  issued = await (await Authority.root()).issue();
});
listenersEndWithTheirTest();
endsWithItsTest();

let number = 0;
const unixPath = (): string => join(tmpdir(), `millrace-listen-${process.pid}-${number++}.sock`);

test('gives each connection as a socket that reads, writes and ends on its own', async () => {
  const listener = await startListener(echo);
  expect(listener.address()).toEqual({ address: '127.0.0.1', port: listener.port, family: 'IPv4' });
  const answers = await Promise.all(
    ['one', 'two', 'x'.repeat(300_000)].map(async (what) =>
      said(await connect({ host: '127.0.0.1', port: listener.port }), what),
    ),
  );
  expect(answers).toEqual(['one', 'two', 'x'.repeat(300_000)]);
  expect(listener.stats()).toMatchObject({
    connections: { accepted: 3, opened: 3, refused: 0, failed: 0 },
    bytes: { received: 300_006, sent: 300_006 },
  });
});

test('may speak first', async () => {
  const listener = await startListener((socket) => socket.end('220 ready\r\n'));
  const client = await connect({ host: '127.0.0.1', port: listener.port });
  expect((await rest(client)).toString()).toBe('220 ready\r\n');
  client.destroy();
});

test.each(['path', 'abstract with @', 'abstract with a zero byte'])('listens on a Unix socket: %s', async (kind) => {
  const path = kind === 'path' ? unixPath() : `${kind.includes('@') ? '@' : '\0'}millrace-${process.pid}-${number++}`;
  const listener = await startListener(echo, { path });
  expect(await said(await connect({ path }), 'hello')).toBe('hello');
  expect(listener.port).toBe(0);
  if (kind === 'path') expect(listener.address()).toBe(path);
});

test('speaks TLS, and gives a socket only once the handshake is over', async () => {
  const seen = deferred<string | null>();
  const listener = await startListener(
    (socket) => {
      seen.resolve(socket.tls?.servername ?? null);
      return echo(socket);
    },
    { tls: { cert: issued.cert, key: issued.key } },
  );
  const tls = { rejectUnauthorized: false, servername: 'localhost' };
  const client = await connect({ host: '127.0.0.1', port: listener.port, tls });
  expect(await said(client, 'secret')).toBe('secret');
  expect(await seen.promise).toBe('localhost');
});

test('a failed handshake is counted and never a socket', async () => {
  const onConnection = jest.fn();
  const listener = await startListener(onConnection, { tls: { cert: issued.cert, key: issued.key } });
  const failed = once(listener, 'tlsClientError');
  const plain = nodeConnect(listener.port, '127.0.0.1');
  plain.on('error', () => undefined);
  plain.write('GET / HTTP/1.1\r\n\r\n');
  const answer: Buffer[] = [];
  plain.on('data', (chunk: Buffer) => answer.push(chunk));
  await once(plain, 'close');
  expect(Buffer.concat(answer).toString('latin1')).not.toContain('HTTP/');
  const [error] = (await failed) as [MillraceError];
  expect(error.code).toBe('MILLRACE_TLS_PLAIN_HTTP');
  await until(() => listener.stats().connections.failed === 1);
  expect(onConnection).not.toHaveBeenCalled();
});

test.each([
  ['a TLS handshake', (): ListenSocketOptions => ({ tls: { cert: issued.cert, key: issued.key } })],
  ['a PROXY head', (): ListenSocketOptions => ({ proxyProtocol: 'required' })],
])('%s that does not come in time is cut', async (_what, options) => {
  const onConnection = jest.fn();
  const listener = await startListener(onConnection, { ...options(), handshakeTimeout: 20 });
  const silent = nodeConnect(listener.port, '127.0.0.1');
  const begun = performance.now();
  silent.resume();
  await once(silent, 'close');
  // Long before the 10 s that it has unless it is told otherwise.
  expect(performance.now() - begun).toBeLessThan(5_000);
  await until(() => listener.stats().connections.failed === 1);
  expect(onConnection).not.toHaveBeenCalled();
});

test('takes the address of the client from a PROXY head', async () => {
  const seen = deferred<string>();
  const listener = await startListener(
    (socket) => {
      seen.resolve(`${socket.remoteAddress}:${socket.remotePort}`);
      return echo(socket);
    },
    { proxyProtocol: 'required' },
  );
  const client = await connect({ host: '127.0.0.1', port: listener.port });
  client.write('PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n');
  expect(await said(client, 'after it')).toBe('after it');
  expect(await seen.promise).toBe('203.0.113.9:4711');
});

test.each([
  ['an address rule', { deny: ['127.0.0.0/8'] }, 0],
  ['a cap on connections', { maxConnections: 1 }, 1],
  ['a cap on connections of one client', { maxConnectionsPerIp: 1 }, 1],
])('%s closes a connection at once, without a byte', async (_what, options: ListenSocketOptions, before) => {
  const listener = await startListener(() => undefined, options);
  const first = before === 1 ? await connect({ host: '127.0.0.1', port: listener.port }) : undefined;
  if (first !== undefined) await until(() => listener.stats().connections.opened === 1);
  const second = nodeConnect(listener.port, '127.0.0.1');
  const bytes: Buffer[] = [];
  second.on('data', (chunk: Buffer) => bytes.push(chunk));
  second.on('error', () => undefined);
  await once(second, 'close');
  expect(bytes).toEqual([]);
  expect(listener.stats().connections).toMatchObject({ refused: 1, opened: before });
  first?.destroy();
});

test.each([
  [
    'throws',
    () => {
      throw new Error('on purpose');
    },
  ],
  ['rejects', () => Promise.reject(new Error('on purpose'))],
])('onConnection that %s is logged, its socket destroyed, and the rest is served', async (_how, fail) => {
  const records: { level: string; message: string }[] = [];
  setLogger((record) => records.push(record));
  try {
    let count = 0;
    const listener = await startListener((socket) => (count++ === 0 ? fail() : echo(socket)));
    const first = nodeConnect(listener.port, '127.0.0.1');
    first.resume().on('error', () => undefined);
    await once(first, 'close');
    expect(await said(await connect({ host: '127.0.0.1', port: listener.port }), 'alive')).toBe('alive');
    expect(records).toContainEqual(expect.objectContaining({ level: 'error', message: 'onConnection failed' }));
  } finally {
    setLogger(null);
  }
});

test('close waits for its sockets, and refuses what comes meanwhile', async () => {
  const listener = await startListener(echo);
  const client = await connect({ host: '127.0.0.1', port: listener.port });
  await until(() => listener.stats().connections.opened === 1);
  const closed = listener.close();
  await expect(connect({ host: '127.0.0.1', port: listener.port })).rejects.toMatchObject({ code: 'MILLRACE_SYSTEM' });
  expect(await said(client, 'still here')).toBe('still here');
  expect(await closed).toEqual({ finished: 1, forced: 0 });
});

test('close cuts what is left after its timeout', async () => {
  const listener = await startListener(() => undefined);
  const client = await connect({ host: '127.0.0.1', port: listener.port });
  await until(() => listener.stats().connections.opened === 1);
  expect(await listener.close({ timeout: 10 })).toEqual({ finished: 0, forced: 1 });
  client.destroy();
});

test('its signal destroys it, and one that is aborted already lets nothing listen', async () => {
  const control = new AbortController();
  const listener = await startListener(() => undefined, { signal: control.signal });
  const closed = once(listener, 'close');
  control.abort();
  await closed;
  await expect(listen({ port: 0, signal: AbortSignal.abort() }, echo)).rejects.toThrow(/abort/i);
});

test('refuses what is no option, no function and no free place', async () => {
  await expect(listen({ prot: 1 } as never, echo)).rejects.toThrow(/prot/);
  await expect(listen({ port: 0 }, 'x' as never)).rejects.toThrow(TypeError);
  const { port } = await startListener(echo);
  await expect(listen({ host: '127.0.0.1', port }, echo)).rejects.toMatchObject({
    code: 'MILLRACE_SYSTEM',
    syscall: 'listen',
    cause: { code: 'EADDRINUSE' },
  });
});

test('tells on its channels what happens', async () => {
  const told: string[] = [];
  // What earlier tests have left may still be told meanwhile.
  const ours = new Set<unknown>();
  const names = ['listening', 'connect', 'accept', 'close', 'listener:close', 'connect:error'];
  const channels = names.map((name) => {
    const listener = (message: unknown): void => {
      const { socket, listener: server } = message as Partial<SocketMessage & ListenerMessage>;
      if (name === 'listening' || name === 'connect' || name === 'accept') ours.add(socket ?? server);
      if (name === 'connect:error' || ours.has(socket ?? server)) told.push(name);
    };
    return [`millrace:socket:${name}`, listener] as const;
  });
  for (const [name, listener] of channels) subscribe(name, listener);
  try {
    const listener = await startListener(echo);
    const { port } = listener;
    await said(await connect({ host: '127.0.0.1', port }), 'x');
    await listener.close();
    await connect({ host: '127.0.0.1', port }).catch(() => undefined);
    await until(() => told.length >= 7);
    expect([...told].sort()).toEqual([
      'accept',
      'close',
      'close',
      'connect',
      'connect:error',
      'listener:close',
      'listening',
    ]);
    expect(told[0]).toBe('listening');
  } finally {
    for (const [name, listener] of channels) unsubscribe(name, listener);
  }
});
