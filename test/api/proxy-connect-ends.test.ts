// Connections through proxies that are late or given up: each phase has its time, and nothing stays behind.
import { readdirSync } from 'node:fs';
import { once } from 'node:events';
import type { Socket as NodeSocket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { connect as connectTcp, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';

import type { ConnectOptions, MillraceError } from '../../ts/index.js';
import { connect } from '../../ts/index.js';
import { census } from '../../ts/native/events.js';
import { until } from '../support/condition.js';
import type { RawClient } from '../support/raw-client.js';
import { httpReply, ScriptedProxy, scriptedProxiesEndWithTheirTest, socks5Reply } from '../support/scripted-proxy.js';
import { endsWithItsTest } from '../support/test-server.js';

scriptedProxiesEndWithTheirTest();
endsWithItsTest();

const TARGET = { host: '192.0.2.9', port: 443 };
const BASIC = 'Proxy-Authenticate: Basic realm="r"';
/** Milliseconds, of what is waited for until it is over. */
const SOON = 40;

const failureOf = (options: Partial<ConnectOptions>): Promise<MillraceError> =>
  connect({ ...TARGET, ...options }).then(
    () => Promise.reject(new Error('it is open')),
    (error: MillraceError) => error,
  );

/** States of a handshake by what the proxy says until it falls silent, in the parts in which it answers. */
const STATES: [name: string, kind: string, parts: string[]][] = [
  ['the greeting', 'socks5h', []],
  ['the password', 'socks5h', ['\x05\x02']],
  ['the request', 'socks5h', ['\x05\x02', '\x01\0']],
  ['half a reply', 'socks5h', ['\x05\x02', '\x01\0', socks5Reply(0).slice(0, 5)]],
  ['a SOCKS4 request', 'socks4a', []],
  ['a CONNECT', 'http', []],
  ['a head that goes on', 'http', ['HTTP/1.1 200 OK\r\nVia: ']],
  ['the body of a 407', 'http', [httpReply(407, BASIC).replace('Length: 0', 'Length: 9')]],
  ['a CONNECT with credentials', 'http', [httpReply(407, BASIC)]],
];

const silent = (parts: string[]): ((peer: RawClient) => Promise<void>) => {
  return async (peer) => {
    for (const part of parts) {
      await peer.more();
      peer.send(part);
    }
    await peer.more();
  };
};

const urlOf = (proxy: ScriptedProxy, kind: string): string =>
  proxy.url(kind, kind === 'socks4a' ? 'ann' : 'ann:secret');

/** Resolves when the proxy has said its parts and has heard what follows them. */
async function arrived(proxy: ScriptedProxy): Promise<void> {
  await until(() => proxy.peers.length > 0 && proxy.peers[0].received > 0, 'the proxy has heard something');
}

/** A port that takes no more connections: nobody accepts, and the queue is full. */
async function fullPort(): Promise<{ port: number; free: () => Promise<void> }> {
  const code = `
    const { createServer } = require('node:net');
    const { parentPort } = require('node:worker_threads');
    const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      // From here on nothing is accepted: the thread sleeps.
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
    });`;
  const worker = new Worker(code, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers: NodeSocket[] = [];
  let stuck = false;
  while (!stuck && fillers.length < 20) {
    const filler = connectTcp(port, '127.0.0.1').on('error', () => undefined);
    fillers.push(filler);
    const opened = once(filler, 'connect').then(() => true);
    // After the time a turn in which the event of a connection that is there has come.
    const late = new Promise((resolve) => setTimeout(() => setImmediate(() => setImmediate(resolve, false)), 150));
    stuck = !(await Promise.race([opened, late]));
  }
  return {
    port,
    free: async () => {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}

/** A resolver that never answers, and hears no more of it. */
const mute = (): void => undefined;

describe('each phase has its time', () => {
  test.each([
    ['of the proxy', 'socks5h://proxy.test:1', 'far.test'],
    ['of a target that is resolved here', 'socks5://127.0.0.1:1', 'far.test'],
  ])('dns: the name %s', async (_what, proxy, host) => {
    const error = await failureOf({ host, proxy, resolver: mute, timeouts: { dns: SOON } });
    const limit = { option: 'timeouts.dns', value: SOON };
    expect(error).toMatchObject({ code: 'MILLRACE_DNS_TIMEOUT', phase: 'dns', retryable: true, limit });
  });

  test('connect: to the proxy, where nobody accepts', async () => {
    const { port, free } = await fullPort();
    const error = await failureOf({ proxy: `socks5h://127.0.0.1:${port}`, timeouts: { connect: SOON } });
    await free();
    const limit = { option: 'timeouts.connect', value: SOON };
    expect(error).toMatchObject({ code: 'MILLRACE_CONNECT_TIMEOUT', phase: 'connect', retryable: true, limit });
  });

  test('tls: a proxy that does not answer the hello', async () => {
    const proxy = await ScriptedProxy.start((peer) => peer.more());
    const error = await failureOf({ proxy: proxy.url('https'), timeouts: { tls: SOON } });
    const limit = { option: 'timeouts.tls', value: SOON };
    expect(error).toMatchObject({ code: 'MILLRACE_TLS_TIMEOUT', phase: 'tls', retryable: true, limit });
  });

  test('tls: a target behind a proxy that does not answer the hello', async () => {
    const proxy = await ScriptedProxy.start(async (peer) => {
      await peer.until('\r\n\r\n');
      peer.send('HTTP/1.1 200 OK\r\n\r\n');
    });
    const error = await failureOf({ proxy: proxy.url('http'), tls: true, timeouts: { tls: SOON } });
    expect(error).toMatchObject({ code: 'MILLRACE_TLS_TIMEOUT', phase: 'tls' });
    expect(error.message).not.toContain('at the proxy');
  });

  test.each(STATES)('proxy: at %s', async (_name, kind, parts) => {
    const proxy = await ScriptedProxy.start(silent(parts));
    const began = performance.now();
    const error = await failureOf({ proxy: urlOf(proxy, kind), timeouts: { proxy: SOON } });
    // Never early.
    expect(performance.now() - began).toBeGreaterThanOrEqual(SOON);
    const limit = { option: 'timeouts.proxy', value: SOON };
    expect(error).toMatchObject({ code: 'MILLRACE_PROXY_TIMEOUT', phase: 'proxy', retryable: true, limit });
    expect(error.limit?.seen).toBeGreaterThanOrEqual(SOON);
  });

  test('total: over everything, whatever else has time left', async () => {
    const proxy = await ScriptedProxy.start(silent([]));
    const error = await failureOf({ proxy: proxy.url('socks5h'), timeouts: { total: SOON } });
    const limit = { option: 'timeouts.total', value: SOON };
    expect(error).toMatchObject({ code: 'MILLRACE_TOTAL_TIMEOUT', phase: 'total', limit });
  });

  test('each proxy of a chain has the whole time of the phase', async () => {
    const pause = 100;
    const proxy = await ScriptedProxy.start(async (peer) => {
      for (const part of ['\x05\0', socks5Reply(0), '\x05\0', socks5Reply(0)]) {
        await peer.more();
        await new Promise((resolve) => setTimeout(resolve, pause));
        peer.send(part);
      }
    });
    const way = [proxy.url('socks5h'), 'socks5h://second.test'];
    // Four pauses, two of each.
    const socket = await connect({ ...TARGET, proxy: way, timeouts: { proxy: 3.5 * pause } });
    socket.destroy();
  });

  test.each([
    ['proxy', 1],
    ['proxy', 2_147_483_647],
    ['connect', 2_147_483_647],
  ])('timeouts.%s may be %i', async (name, value) => {
    const proxy = await ScriptedProxy.start(async (peer) => {
      await peer.until('\r\n\r\n');
      if (value > 1) peer.send('HTTP/1.1 200 OK\r\n\r\n').end();
    });
    const opened = connect({ ...TARGET, proxy: proxy.url('http'), timeouts: { [name]: value } });
    if (value === 1) await expect(opened).rejects.toMatchObject({ code: 'MILLRACE_PROXY_TIMEOUT' });
    else (await opened).destroy();
  });

  test.each([0, -1, 1.5, 2_147_483_648])('timeouts.proxy may not be %d', async (value) => {
    const error = await failureOf({ proxy: 'socks5://127.0.0.1:1', timeouts: { proxy: value } });
    expect(error).toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT', message: expect.stringContaining('proxy') });
  });
});

describe('a connection that is given up', () => {
  test.each(STATES)('at %s frees everything', async (_name, kind, parts) => {
    const proxy = await ScriptedProxy.start(silent(parts));
    const before = { ...census(), buffers: 0 };
    const descriptors = readdirSync('/proc/self/fd').length;
    const control = new AbortController();
    const failed = failureOf({ proxy: urlOf(proxy, kind), signal: control.signal });
    await arrived(proxy);
    // Time for what was said to be heard; whichever state it is in then, the outcome is the same.
    await new Promise((resolve) => setImmediate(resolve));
    control.abort();
    expect(await failed).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
    const [peer] = proxy.peers;
    await until(() => peer.ended, 'the proxy sees the end');
    peer.destroy();
    await until(() => JSON.stringify({ ...census(), buffers: 0 }) === JSON.stringify(before), 'the core holds nothing');
    await until(() => readdirSync('/proc/self/fd').length <= descriptors, 'the descriptors are closed');
  });

  /** Steps that are not of a handshake with the first proxy. */
  const others: [string, (signal: AbortSignal) => Promise<{ failed: Promise<MillraceError>; peer?: RawClient }>][] = [
    [
      'the name of the proxy',
      (signal) => Promise.resolve({ failed: failureOf({ proxy: 'socks5h://proxy.test:1', resolver: mute, signal }) }),
    ],
    [
      'the name of the target',
      (signal) =>
        Promise.resolve({
          failed: failureOf({ host: 'far.test', proxy: 'socks5://127.0.0.1:1', resolver: mute, signal }),
        }),
    ],
    [
      'TLS with the proxy',
      async (signal) => {
        const proxy = await ScriptedProxy.start((peer) => peer.more());
        const failed = failureOf({ proxy: proxy.url('https'), signal });
        await arrived(proxy);
        return { failed, peer: proxy.peers[0] };
      },
    ],
    [
      'TLS with the target',
      async (signal) => {
        let hello = 0;
        const proxy = await ScriptedProxy.start(async (peer) => {
          await peer.until('\r\n\r\n');
          peer.send('HTTP/1.1 200 OK\r\n\r\n');
          hello = (await peer.more()).length;
        });
        const failed = failureOf({ proxy: proxy.url('http'), tls: true, signal });
        await until(() => hello > 0, 'the hello');
        return { failed, peer: proxy.peers[0] };
      },
    ],
    [
      'the second proxy of a chain',
      async (signal) => {
        let greeting = '';
        const proxy = await ScriptedProxy.start(async (peer) => {
          await peer.until('\r\n\r\n');
          peer.send('HTTP/1.1 200 OK\r\n\r\n');
          greeting = (await peer.more()).toString('latin1');
        });
        const failed = failureOf({ proxy: [proxy.url('http'), 'socks5h://second.test'], signal });
        await until(() => greeting !== '', 'the greeting');
        expect(greeting).toBe('\x05\x01\0');
        return { failed, peer: proxy.peers[0] };
      },
    ],
  ];
  test.each(others)('at %s frees everything', async (_name, begin) => {
    const before = { ...census(), buffers: 0 };
    const descriptors = readdirSync('/proc/self/fd').length;
    const control = new AbortController();
    const { failed, peer } = await begin(control.signal);
    control.abort();
    expect(await failed).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
    if (peer !== undefined) await until(() => peer.ended, 'the proxy sees the end');
    peer?.destroy();
    await until(() => JSON.stringify({ ...census(), buffers: 0 }) === JSON.stringify(before), 'the core holds nothing');
    // What the proxy itself listens with is the test's.
    await until(() => readdirSync('/proc/self/fd').length <= descriptors + 1, 'the descriptors are closed');
  });

  test('before it has begun, and while it connects', async () => {
    await expect(
      connect({ ...TARGET, proxy: 'socks5h://127.0.0.1:1', signal: AbortSignal.abort() }),
    ).rejects.toBeDefined();
    const { port, free } = await fullPort();
    const control = new AbortController();
    const failed = failureOf({ proxy: `http://127.0.0.1:${port}`, signal: control.signal });
    await until(() => census().connections === 1, 'it connects');
    control.abort();
    expect(await failed).toMatchObject({ code: 'ABORT_ERR' });
    await free();
  });

  test('a hundred at once, in whatever state', async () => {
    const proxy = await ScriptedProxy.start((peer, number) => silent(STATES[number % 4][2])(peer));
    const control = new AbortController();
    const all = Array.from({ length: 100 }, () =>
      failureOf({ proxy: urlOf(proxy, 'socks5h'), signal: control.signal }),
    );
    await until(() => proxy.peers.length === 100, 'all have come');
    control.abort();
    for (const error of await Promise.all(all)) expect(error.code).toBe('ABORT_ERR');
  });

  test('open, it is cut by destroy on either side of the tunnel', async () => {
    const far = createServer((socket) => void socket.on('error', () => undefined).resume());
    await once(far.listen(0, '127.0.0.1'), 'listening');
    const proxy = await ScriptedProxy.start(async (peer) => {
      await peer.until('\r\n\r\n');
      peer.send('HTTP/1.1 200 OK\r\n\r\n');
    });
    const socket = await connect({
      host: '127.0.0.1',
      port: (far.address() as AddressInfo).port,
      proxy: proxy.url('http'),
    });
    socket.write('x'.repeat(100_000));
    socket.destroy();
    await until(() => proxy.peers[0].ended);
    const other = await connect({ ...TARGET, proxy: proxy.url('http') });
    const closed = new Promise((resolve) => other.on('error', () => undefined).once('close', resolve));
    proxy.peers[1].reset();
    await closed;
    far.close();
  });
});
