import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';

import type { LogRecord, ProxyRequest, ProxyServerOptions, TunnelStats } from '../../ts/index.js';
import { getLevel, metrics, setLevel, setLogger } from '../../ts/index.js';
import { Socket } from '../../ts/net/socket.js';
import { failureOf } from '../../ts/proxy-server/failure.js';
import { MillraceError } from '../../ts/errors/millrace-error.js';
import { errorFromNative } from '../../ts/errors/native-error.js';
import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { echo, listenersEndWithTheirTest, startListener } from '../support/test-listener.js';
import type { Way } from '../support/test-proxy.js';
import {
  ask,
  connectHead,
  proxiesEndWithTheirTest,
  socks4Request,
  socks5Request,
  startProxy,
} from '../support/test-proxy.js';
import { endsWithItsTest } from '../support/test-server.js';

listenersEndWithTheirTest();
proxiesEndWithTheirTest();
endsWithItsTest();

const WAYS: [Way, string][] = [
  ['socks4', '127.0.0.1'],
  ['socks4a', 'localhost'],
  ['socks5', '127.0.0.1'],
  ['socks5', '::1'],
  ['socks5', 'localhost'],
  ['connect', '127.0.0.1'],
  ['connect', '::1'],
  ['connect', 'localhost'],
];

/** A port on which nothing listens. */
async function deadPort(): Promise<number> {
  const listener = await startListener(() => undefined, { host: '::' });
  const { port } = listener;
  await listener.close();
  return port;
}

describe('one port tells its clients apart', () => {
  test.each(WAYS)('%s to %s: bytes both ways, and each half-close is passed on', async (way, host) => {
    let from = '';
    const heard: string[] = [];
    const { port } = await startListener(
      async (socket) => {
        from = socket.remoteAddress;
        for await (const chunk of socket) heard.push(Buffer.from(chunk).toString());
        // The client has ended its side, and still hears.
        await socket.end('and back');
      },
      { host: '::' },
    );
    const closed: TunnelStats[] = [];
    const proxy = await startProxy({ onClose: (stats) => closed.push(stats) });
    const { client, opened } = await ask(proxy, way, host, port);
    expect(opened).toBe(true);
    await client.sent('there ');
    client.end();
    expect((await client.rest()).toString()).toBe('and back');
    expect(heard.join('')).toBe('there ');
    expect(from).toMatch(/127\.0\.0\.1|::1/);
    await until(() => closed.length === 1, 'onClose');
    expect(closed[0]).toMatchObject({ sent: 6, received: 8, error: null });
    expect(closed[0].request).toMatchObject({ protocol: way.replace('a', ''), host, port, username: null });
    expect(proxy.stats()).toMatchObject({
      connections: { accepted: 1 },
      tunnels: { active: 0, ended: 1, failed: 0 },
      bytes: { sent: 6, received: 8 },
    });
  });

  test('what a client sends behind its request is the tunnel’s', async () => {
    const { port } = await startListener(echo);
    const proxy = await startProxy();
    const greeting = Buffer.from([5, 1, 0]);
    for (const [request, answer] of [
      [socks4Request('127.0.0.1', port), 8],
      [Buffer.concat([greeting, socks5Request('127.0.0.1', port)]), 12],
      [Buffer.from(connectHead('127.0.0.1', port)), 'HTTP/1.1 200 Connection established\r\n\r\n'.length],
    ] as const) {
      const client = await RawClient.connect(proxy);
      client.send(Buffer.concat([request, Buffer.from('early')])).end();
      await client.exactly(answer);
      expect((await client.rest()).toString()).toBe('early');
    }
  });

  test('a request that comes byte by byte is the same', async () => {
    const { port } = await startListener((socket) => void socket.end('hello'));
    const proxy = await startProxy();
    for (const request of [
      socks4Request('127.0.0.1', port, 'me'),
      Buffer.concat([Buffer.from([5, 2, 1, 0]), socks5Request('localhost', port)]),
      Buffer.from(connectHead('127.0.0.1', port)),
    ]) {
      const client = await RawClient.connect(proxy);
      for (const byte of request) await client.sent(Buffer.from([byte]));
      expect((await client.rest()).toString('latin1')).toMatch(/hello$/);
    }
  });

  test('SOCKS says from which address the target is reached', async () => {
    let seen = 0;
    const { port } = await startListener((socket) => {
      seen = socket.remotePort;
      void socket.end();
    });
    const proxy = await startProxy();
    const client = await RawClient.connect(proxy);
    client.send(Buffer.concat([Buffer.from([5, 1, 0]), socks5Request('127.0.0.1', port)]));
    const reply = await client.exactly(12);
    expect([...reply.subarray(2, 10)]).toEqual([5, 0, 0, 1, 127, 0, 0, 1]);
    expect(reply.readUInt16BE(10)).toBe(seen);
  });

  test('a tunnel through an upstream, which is a proxy of its own', async () => {
    const { port } = await startListener(echo);
    const asked: string[] = [];
    const authorize = ({ protocol, host, username }: ProxyRequest): boolean =>
      asked.push(`${protocol} ${host} ${username}`) > 0;
    const behind = await startProxy({ authorize, auth: { username: 'u', password: 'p' } });
    for (const scheme of ['socks5', 'socks5h', 'http']) {
      const proxy = await startProxy({ upstream: `${scheme}://u:p@127.0.0.1:${behind.port}` });
      const { client, opened } = await ask(proxy, 'connect', 'localhost', port);
      expect([scheme, opened]).toEqual([scheme, true]);
      client.send('x').end();
      expect((await client.rest()).toString()).toBe('x');
    }
    expect(asked.at(-1)).toBe('connect localhost u');
    expect(asked).toContain('socks5 localhost u');
  });

  test('channels tell of each tunnel, open and over', async () => {
    const { port } = await startListener((socket) => void socket.end('x'));
    const told: string[] = [];
    const onOpen = (message: unknown): void =>
      void told.push(`open ${(message as { request: ProxyRequest }).request.host}`);
    const onClose = (message: unknown): void => void told.push(`close ${(message as TunnelStats).received}`);
    subscribe('millrace:proxy:tunnel:open', onOpen);
    subscribe('millrace:proxy:tunnel:close', onClose);
    try {
      const proxy = await startProxy();
      const { client } = await ask(proxy, 'socks5', 'localhost', port);
      client.end();
      await client.rest();
      await until(() => told.length === 2, 'two messages');
      expect(told).toEqual(['open localhost', 'close 1']);
    } finally {
      unsubscribe('millrace:proxy:tunnel:open', onOpen);
      unsubscribe('millrace:proxy:tunnel:close', onClose);
    }
  });

  test('close lets tunnels end, and cuts what is left after its time', async () => {
    const { port } = await startListener(echo);
    const proxy = await startProxy();
    const [one, other] = await Promise.all([
      ask(proxy, 'socks5', '127.0.0.1', port),
      ask(proxy, 'connect', '127.0.0.1', port),
    ]);
    const closing = proxy.close({ timeout: 200 });
    one.client.send('still').end();
    expect((await one.client.rest()).toString()).toBe('still');
    await other.client.closed();
    await closing;
    await until(() => proxy.stats().tunnels.active === 0, 'no tunnel');
    expect(proxy.stats().tunnels.ended).toBe(2);
  });
});

test.each([
  ['idleTimeout, when it is silent', { idleTimeout: 150 }, 'MILLRACE_RELAY_IDLE_TIMEOUT', false],
  ['totalTimeout, however busy it is', { totalTimeout: 300, idleTimeout: 290 }, 'MILLRACE_RELAY_TOTAL_TIMEOUT', true],
])('a tunnel ends by %s', async (_, limits, code, busy) => {
  const { port } = await startListener(echo);
  const closed: TunnelStats[] = [];
  const proxy = await startProxy({ ...limits, onClose: (stats) => closed.push(stats) });
  for (const way of ['socks5', 'connect'] as const) {
    const started = performance.now();
    const { client } = await ask(proxy, way, '127.0.0.1', port);
    client.socket.on('error', () => undefined);
    const beat = setInterval(() => busy && client.send('x'), 20);
    await client.closed();
    clearInterval(beat);
    expect(performance.now() - started).toBeGreaterThan(('totalTimeout' in limits ? 300 : 150) - 5);
    client.destroy();
  }
  await until(() => closed.length === 2, 'onClose');
  for (const { error } of closed) expect(error).toMatchObject({ code });
  expect(proxy.stats().tunnels).toEqual({ active: 0, ended: 2, failed: 0 });
});

test('a tunnel has the times that the proxy was given, and none where that is null', async () => {
  const { port } = await startListener(echo);
  const joined = jest.spyOn(Socket.prototype, 'pipeTo');
  try {
    for (const times of [
      { idleTimeout: null, totalTimeout: null },
      { idleTimeout: 7_000, totalTimeout: 8_000 },
    ]) {
      const proxy = await startProxy(times);
      const { client } = await ask(proxy, 'socks5', '127.0.0.1', port);
      expect(joined.mock.lastCall?.[1]).toEqual(times);
      client.destroy();
    }
  } finally {
    joined.mockRestore();
  }
});

describe('a tunnel that cannot be opened', () => {
  test('is refused in the words of its protocol where the target refuses', async () => {
    const port = await deadPort();
    const proxy = await startProxy();
    const replies: Record<string, number> = {};
    for (const [way, host] of WAYS) {
      const { client, opened, reply, head } = await ask(proxy, way, host, port);
      expect(opened).toBe(false);
      replies[way] = reply;
      if (way === 'connect') expect(head).toContain('Proxy-Status: millrace; error=connection_refused\r\n');
      await client.closed();
    }
    expect(replies).toEqual({ socks4: 91, socks4a: 91, socks5: 5, connect: 502 });
    expect(proxy.stats().tunnels).toEqual({ active: 0, ended: 0, failed: WAYS.length });
  });

  test('is refused where its name does not resolve', async () => {
    const proxy = await startProxy();
    expect((await ask(proxy, 'socks5', 'nowhere.invalid', 1)).reply).toBe(4);
    expect((await ask(proxy, 'connect', 'nowhere.invalid', 1)).head).toMatch(/ 502 .*error=dns_error\r\n/s);
  });

  const system = (errno: number): MillraceError => errorFromNative(2, { errno, syscall: 'connect' });
  test.each<[string, unknown, number, number, string]>([
    ['ECONNREFUSED', system(111), 5, 502, 'connection_refused'],
    ['ENETUNREACH', system(101), 3, 502, 'destination_ip_unroutable'],
    ['EHOSTUNREACH', system(113), 4, 502, 'destination_unavailable'],
    ['ETIMEDOUT', system(110), 6, 504, 'connection_timeout'],
    ['EMFILE', system(24), 1, 502, 'proxy_internal_error'],
    ['a connect timeout', new MillraceError('MILLRACE_CONNECT_TIMEOUT'), 6, 504, 'connection_timeout'],
    ['a name that does not resolve', new MillraceError('MILLRACE_DNS_FAILED'), 4, 502, 'dns_error'],
    ['a name that is none', new MillraceError('MILLRACE_DNS_NAME_INVALID'), 4, 502, 'dns_error'],
    ['a resolver that is silent', new MillraceError('MILLRACE_DNS_TIMEOUT'), 4, 504, 'dns_timeout'],
    ['a rule', new MillraceError('MILLRACE_PROXY_TARGET_FORBIDDEN'), 2, 403, 'http_request_denied'],
    [
      'a prohibited address',
      new MillraceError('MILLRACE_PROXY_TARGET_PROHIBITED'),
      2,
      403,
      'destination_ip_prohibited',
    ],
    ['a loop', new MillraceError('MILLRACE_PROXY_LOOP'), 1, 502, 'proxy_loop_detected'],
    ['an upstream’s own rules', new MillraceError('MILLRACE_SOCKS_FORBIDDEN'), 2, 403, 'http_request_denied'],
    ['anything else', new Error('x'), 1, 502, 'proxy_internal_error'],
  ])('by %s is told so', (_, error, reply, status, type) => {
    expect(failureOf(error)).toEqual({ reply, status, type });
  });

  const NAME = [...Buffer.from('far.test')];
  const AUTH = [1, 1, 97, 1, 98];
  const UNSUPPORTED = 'MILLRACE_SOCKS_COMMAND_UNSUPPORTED';
  test.each<[string, number[], number[], string]>([
    ['BIND', [5, 1, 0, 5, 2, 0, 1, 127, 0, 0, 1, 0, 80], [5, 0, 5, 7], UNSUPPORTED],
    ['UDP ASSOCIATE', [5, 1, 0, 5, 3, 0, 1, 127, 0, 0, 1, 0, 80], [5, 0, 5, 7], UNSUPPORTED],
    ['UDP ASSOCIATE from anywhere', [5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0], [5, 0, 5, 7], UNSUPPORTED],
    ['UDP ASSOCIATE of IPv6', [5, 1, 0, 5, 3, 0, 4, ...Array<number>(18).fill(0)], [5, 0, 5, 7], UNSUPPORTED],
    ['UDP ASSOCIATE of a name', [5, 1, 0, 5, 3, 0, 3, NAME.length, ...NAME, 0, 53], [5, 0, 5, 7], UNSUPPORTED],
    [
      'UDP ASSOCIATE with a password',
      [5, 1, 2, ...AUTH, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0],
      [5, 2, 1, 0, 5, 7],
      UNSUPPORTED,
    ],
    ['BIND of SOCKS4', [4, 2, 0, 80, 192, 0, 2, 1, 0], [0, 91], UNSUPPORTED],
    [
      'an address type that is none',
      [5, 1, 0, 5, 1, 0, 2, 127, 0, 0, 1, 0, 80],
      [5, 0, 5, 8],
      'MILLRACE_SOCKS_ADDRESS_UNSUPPORTED',
    ],
  ])('because it is %s is refused in a whole reply, counted and logged', async (_, request, begins, code) => {
    const records: LogRecord[] = [];
    const level = getLevel();
    setLevel('debug');
    setLogger((record) => void records.push(record));
    const failures = (): number => metrics.snapshot().counters['millrace_proxy_server_failures_total'];
    const before = failures();
    try {
      const onClose = jest.fn();
      const proxy = await startProxy({
        onClose,
        ...(request[2] === 2 ? { auth: { username: 'a', password: 'b' } } : null),
      });
      const client = await RawClient.connect(proxy);
      client.send(Buffer.from(request));
      // Of SOCKS5 an address that is none follows, of SOCKS4 six bytes; then the end, and no reset.
      const rest = begins[0] === 5 ? [0, 1, 0, 0, 0, 0, 0, 0] : [0, 0, 0, 0, 0, 0];
      expect([...(await client.exactly(begins.length + rest.length))]).toEqual([...begins, ...rest]);
      await client.closed();
      expect(failures() - before).toBe(1);
      expect(proxy.stats()).toMatchObject({
        handshakes: { malformed: 1, late: 0 },
        tunnels: { active: 0, ended: 0, failed: 0 },
        unauthenticated: 0,
      });
      expect(onClose).not.toHaveBeenCalled();
      await until(() => records.some(({ fields }) => (fields as { code?: string }).code === code), 'the record');
    } finally {
      setLevel(level);
      setLogger(null);
    }
  });
});

describe('who may use it', () => {
  const RIGHT = { user: 'someone', password: 'sécret' };
  const both = async (options: ProxyServerOptions, shown: object): Promise<[number, number, number]> => {
    const { port } = await startListener((socket) => void socket.end());
    const proxy = await startProxy({ handshakeTimeout: 300, ...options });
    const socks = await ask(proxy, 'socks5', '127.0.0.1', port, shown);
    const http = await ask(proxy, 'connect', '127.0.0.1', port, shown);
    return [socks.reply, http.reply, proxy.stats().unauthenticated];
  };

  test.each<[string, ProxyServerOptions['auth'], object, [number, number, number]]>([
    ['the right name and password', { username: 'someone', password: 'sécret' }, RIGHT, [0, 200, 0]],
    ['another password', { username: 'someone', password: 'sécret2' }, RIGHT, [-1, 407, 2]],
    ['another name', { username: 'Someone', password: 'sécret' }, RIGHT, [-1, 407, 2]],
    ['none', { username: 'someone', password: 'sécret' }, {}, [255, 407, 1]],
    ['an empty password where one is wanted', { username: 'a', password: 'b' }, { user: 'a' }, [-1, 407, 2]],
    [
      'a name and password that share their letters otherwise',
      { username: 'ab', password: 'c' },
      { user: 'a', password: 'bc' },
      [-1, 407, 2],
    ],
    ['what a function likes', (name, secret) => name + secret === 'someonesécret', RIGHT, [0, 200, 0]],
    ['what a function likes later', () => Promise.resolve(true), RIGHT, [0, 200, 0]],
    ['what a function does not like', () => false, RIGHT, [-1, 407, 2]],
    ['what a function calls truthy', () => 1 as never, RIGHT, [-1, 407, 2]],
  ])('%s', async (_, auth, shown, wanted) => {
    expect(await both({ auth }, shown)).toEqual(wanted);
  });

  test.each<[string, ProxyServerOptions['auth']]>([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
    ],
    ['rejects', () => Promise.reject(new Error('boom'))],
    ['does not answer within handshakeTimeout', () => new Promise(() => undefined)],
  ])('nobody, where the function %s, and that is logged', async (_, auth) => {
    const records: LogRecord[] = [];
    setLogger((record) => void records.push(record));
    try {
      expect(await both({ auth }, RIGHT)).toEqual([-1, 407, 2]);
      expect(records.map(({ message }) => message)).toEqual(
        Array.from({ length: 2 }, () => 'the function auth has failed: nobody is let in by it'),
      );
    } finally {
      setLogger(null);
    }
  });

  test.each([
    ['socks4', '127.0.0.1'],
    ['socks4a', 'localhost'],
  ] as const)('%s, which has no password, is refused, whatever user it claims', async (way, host) => {
    const reached = jest.fn();
    const { port } = await startListener(reached);
    const asked = jest.fn(() => true);
    const proxy = await startProxy({ auth: asked, authorize: asked });
    for (const user of ['', 'a']) {
      const { client, reply } = await ask(proxy, way, host, port, { user });
      expect(reply).toBe(91);
      await client.closed();
    }
    expect([asked.mock.calls, reached.mock.calls]).toEqual([[], []]);
    const { tunnels, handshakes, unauthenticated } = proxy.stats();
    expect(tunnels).toEqual({ active: 0, ended: 0, failed: 0 });
    expect([handshakes.malformed, unauthenticated]).toEqual([2, 0]);
  });

  test('a 407 says how, and ends the connection', async () => {
    const proxy = await startProxy({ auth: { username: 'a', password: 'b' } });
    const { client, head } = await ask(proxy, 'connect', '127.0.0.1', 1);
    expect(head).toContain('Proxy-Authenticate: Basic realm="proxy", charset="UTF-8"\r\n');
    await client.closed();
  });

  test('authorize hears of each request what there is to know', async () => {
    const { port } = await startListener((socket) => void socket.end());
    const heard: ProxyRequest[] = [];
    const proxy = await startProxy({ authorize: (request) => heard.push(request) > 0 });
    const { client } = await ask(proxy, 'socks4', '127.0.0.1', port, { user: 'claims' });
    expect(heard).toEqual([
      {
        protocol: 'socks4',
        host: '127.0.0.1',
        port,
        username: 'claims',
        remoteAddress: '127.0.0.1',
        remotePort: client.socket.localPort,
      },
    ]);
    const known = await startProxy({
      auth: { username: 'a', password: 'b' },
      authorize: (request) => heard.push(request) > 0,
    });
    await ask(known, 'socks5', 'localhost', port, { user: 'a', password: 'b' });
    await ask(known, 'connect', 'localhost', port, { user: 'a', password: 'b' });
    expect(heard.slice(1).map(({ protocol, username }) => [protocol, username])).toEqual([
      ['socks5', 'a'],
      ['connect', 'a'],
    ]);
  });

  test.each<[string, ProxyServerOptions['authorize'], [number, number]]>([
    ['says no', () => false, [2, 403]],
    ['says no later', () => Promise.resolve(false), [2, 403]],
    ['says something else than yes', () => 'yes' as never, [2, 403]],
    [
      'throws',
      () => {
        throw new Error('boom');
      },
      [1, 502],
    ],
    ['rejects', () => Promise.reject(new Error('boom')), [1, 502]],
    ['does not answer within handshakeTimeout', () => new Promise(() => undefined), [1, 502]],
  ])('nobody, where authorize %s', async (_, authorize, wanted) => {
    const reached = jest.fn();
    const { port } = await startListener(reached);
    const proxy = await startProxy({ authorize, handshakeTimeout: 300 });
    setLogger(() => undefined);
    try {
      const socks = await ask(proxy, 'socks5', '127.0.0.1', port);
      const http = await ask(proxy, 'connect', '127.0.0.1', port);
      expect([socks.reply, http.reply]).toEqual(wanted);
    } finally {
      setLogger(null);
    }
    expect(reached).not.toHaveBeenCalled();
    expect(proxy.stats().tunnels).toEqual({ active: 0, ended: 0, failed: 2 });
  });

  test('an onClose that throws is logged, and harms nobody', async () => {
    const { port } = await startListener((socket) => void socket.end('x'));
    const records: LogRecord[] = [];
    setLogger((record) => void records.push(record));
    try {
      const proxy = await startProxy({
        onClose: () => {
          throw new Error('boom');
        },
      });
      for (let time = 1; time <= 2; time++) {
        const { client } = await ask(proxy, 'socks5', '127.0.0.1', port);
        client.end();
        expect((await client.rest()).toString()).toBe('x');
        await until(() => proxy.stats().tunnels.ended === time, 'the tunnel has ended');
      }
      expect(records.map(({ message }) => message)).toEqual(Array(2).fill('the function onClose has failed'));
    } finally {
      setLogger(null);
    }
  });

  test('credentials stand in no log record, error or statistic', async () => {
    const records: unknown[] = [];
    const level = getLevel();
    setLevel('trace');
    setLogger((record) => void records.push(record));
    try {
      const closed: TunnelStats[] = [];
      const proxy = await startProxy({
        auth: { username: 'a', password: 'S3CRET' },
        onClose: (stats) => closed.push(stats),
      });
      await ask(proxy, 'socks5', '127.0.0.1', await deadPort(), { user: 'a', password: 'S3CRET' });
      await ask(proxy, 'connect', '127.0.0.1', 1, { user: 'a', password: 'S3CRETs' });
      await until(() => closed.length === 1, 'onClose');
      const seen = inspect([records, closed, proxy.stats(), proxy], { depth: 12 });
      expect(seen).not.toContain('S3CRET');
      expect(seen).not.toContain(Buffer.from('a:S3CRET').toString('base64').slice(0, 8));
    } finally {
      setLevel(level);
      setLogger(null);
    }
  });
});
