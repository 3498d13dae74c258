import { randomBytes } from 'node:crypto';

import type { ProxyServer, Socket } from '../../ts/index.js';
import { heldMemory } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { echo, listenersEndWithTheirTest, startListener } from '../support/test-listener.js';
import type { AskOptions } from '../support/test-proxy.js';
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
// Looks after each test that no connection, stream, timer or server is left.
endsWithItsTest();

/** The rest is served. */
async function serves(proxy: ProxyServer, shown: AskOptions = {}): Promise<void> {
  const { port } = await startListener(echo);
  const { client, opened } = await ask(proxy, 'socks5', '127.0.0.1', port, shown);
  expect(opened).toBe(true);
  client.send('probe').end();
  expect((await client.rest()).toString()).toBe('probe');
}

const DRIP_MS = 400;

describe('garbage', () => {
  test('as the first byte ends its connection, unless it may begin a request', async () => {
    const proxy = await startProxy({ handshakeTimeout: DRIP_MS });
    const clients = await Promise.all(
      Array.from({ length: 256 }, async (_, first) => {
        const client = await RawClient.connect(proxy);
        client.socket.on('error', () => undefined);
        client.send(Buffer.concat([Buffer.from([first]), randomBytes(64)]));
        return client;
      }),
    );
    await Promise.all(clients.map((client) => client.closed()));
    await until(() => proxy.stats().connections.active === 0, 'nobody is left');
    const { handshakes, tunnels } = proxy.stats();
    expect(tunnels).toMatchObject({ active: 0, ended: 0 });
    // What else there is looks like SOCKS so far, or a request without an end.
    expect(handshakes.malformed).toBeGreaterThan(150);
    expect(handshakes.malformed + handshakes.late + tunnels.failed).toBe(256);
    await serves(proxy);
  });

  test.each([
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex')],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
    ['SMTP', Buffer.from('EHLO a.test\r\n')],
    ['HTTP/2', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['the reply of a proxy', Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])],
    ['SOCKS5 that offers no method', Buffer.from([5, 0])],
    ['SOCKS5 that offers none that is wanted', Buffer.from([5, 2, 1, 2])],
    ['SOCKS6', Buffer.from([6, 0, 0, 0])],
    [
      'a name with a NUL',
      Buffer.concat([Buffer.from([5, 1, 0, 5, 1, 0, 3, 4]), Buffer.from('a\0.b'), Buffer.from([0, 80])]),
    ],
    ['a name of no bytes', Buffer.from([5, 1, 0, 5, 1, 0, 3, 0, 0, 80])],
    ['port 0', Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 0])],
    ['another version behind the greeting', Buffer.from([5, 1, 0, 4, 1, 0, 1, 127, 0, 0, 1, 0, 80])],
    ['CONNECT to port 0', Buffer.from(connectHead('127.0.0.1', 0))],
    ['CONNECT to no port', Buffer.from('CONNECT 127.0.0.1 HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['CONNECT to a port that is too large', Buffer.from('CONNECT a:65536 HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['CONNECT to nothing', Buffer.from('CONNECT :80 HTTP/1.1\r\nHost: a\r\n\r\n')],
  ])('%s ends its connection at once', async (_, bytes) => {
    const proxy = await startProxy();
    const client = await RawClient.connect(proxy);
    client.socket.on('error', () => undefined);
    client.send(bytes);
    await client.closed();
    client.end();
    await until(() => proxy.stats().connections.active === 0, 'nobody is left');
    expect(proxy.stats().tunnels).toMatchObject({ active: 0, ended: 0 });
  });
});

describe('handshakeTimeout', () => {
  const name = Buffer.alloc(255, 'a');
  test.each<[string, Buffer | null, Buffer, object]>([
    ['a client that says nothing', null, Buffer.alloc(0), {}],
    ['a greeting of SOCKS5', Buffer.from([5, 255]), Buffer.alloc(255, 1), {}],
    [
      'user name and password',
      Buffer.concat([Buffer.from([5, 1, 2, 1, 255]), name]),
      name,
      { auth: { username: 'a', password: 'b' } },
    ],
    ['a request of SOCKS5', Buffer.from([5, 1, 0, 5, 1, 0, 3, 255]), name, {}],
    ['a user id of SOCKS4', Buffer.from([4, 1, 0, 80, 127, 0, 0, 1]), name, {}],
    ['a name of SOCKS4a', Buffer.from([4, 1, 0, 80, 0, 0, 0, 1, 0]), name, {}],
    ['a head of CONNECT', Buffer.from('CONNECT a:80 HTTP/1.1\r\nHost: a\r\n'), Buffer.alloc(1_000, 'x'), {}],
  ])('cuts %s, however it drips', async (_, begin, drops, options) => {
    const proxy = await startProxy({ ...options, handshakeTimeout: DRIP_MS });
    const started = performance.now();
    const client = await RawClient.connect(proxy);
    client.socket.on('error', () => undefined);
    if (begin !== null) client.send(begin);
    let next = 0;
    const drip = setInterval(() => next < drops.length && client.send(drops.subarray(next, ++next)), 20);
    await client.closed();
    clearInterval(drip);
    client.destroy();
    expect(performance.now() - started).toBeGreaterThan(DRIP_MS - 5);
    // It was cut, and has not said everything it had.
    if (drops.length > 0) expect(next).toBeLessThan(drops.length);
    await until(() => proxy.stats().handshakes.late === 1, 'it is counted');
    await serves(proxy, 'auth' in options ? { user: 'a', password: 'b' } : {});
  });

  test('does not hold for a tunnel', async () => {
    const { port } = await startListener(echo);
    const proxy = await startProxy({ handshakeTimeout: DRIP_MS });
    const clients = [];
    for (const way of ['socks4', 'socks5', 'connect'] as const) clients.push(await ask(proxy, way, '127.0.0.1', port));
    const { client: late } = await ask(proxy, 'socks5', '127.0.0.1', port);
    const silent = await RawClient.connect(proxy);
    // Who came after them has been cut.
    await silent.closed();
    for (const { client } of [...clients, { client: late }]) {
      client.send('alive').end();
      expect((await client.rest()).toString()).toBe('alive');
    }
  });
});

describe('what is too long', () => {
  test.each<[string, Buffer, RegExp]>([
    ['a user id of SOCKS4', socks4Request('127.0.0.1', 80, 'a'.repeat(256)), /^\0\x5b|^$/],
    ['a name of SOCKS4a', socks4Request('a'.repeat(256), 80), /^\0\x5b|^$/],
    ['a name of CONNECT', Buffer.from(connectHead('a'.repeat(70_000), 80)), /^HTTP\/1\.1 414 /],
    [
      'a field of CONNECT',
      Buffer.from(`CONNECT a:80 HTTP/1.1\r\nHost: a\r\nx: ${'a'.repeat(70_000)}`),
      /^HTTP\/1\.1 431 /,
    ],
  ])('%s is refused before it is whole', async (_, bytes, wanted) => {
    const proxy = await startProxy();
    const client = await RawClient.connect(proxy);
    client.socket.on('error', () => undefined);
    client.send(bytes.subarray(0, -1));
    await client.closed();
    expect(client.take(client.pending.length).toString('latin1')).toMatch(wanted);
    client.end();
    await until(() => proxy.stats().handshakes.malformed === 1, 'it is counted');
  });

  test('a name of 255 bytes is looked up', async () => {
    const proxy = await startProxy();
    expect((await ask(proxy, 'socks5', `${'a'.repeat(63)}.`.repeat(3) + 'b'.repeat(63), 80)).reply).toBe(4);
    expect((await ask(proxy, 'socks4a', `${'a'.repeat(63)}.`.repeat(3) + 'b'.repeat(63), 80)).reply).toBe(91);
  });
});

describe('a storm of connections', () => {
  test.each([
    ['maxConnections', { maxConnections: 10 }],
    ['maxConnectionsPerIp', { maxConnectionsPerIp: 10 }],
  ])('is held by %s, counted, and room is given again', async (_, limit) => {
    const proxy = await startProxy(limit);
    const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.connect(proxy)));
    for (const client of clients) client.socket.on('error', () => undefined);
    await until(
      () => proxy.stats().connections.refused === 30,
      () => JSON.stringify(proxy.stats()),
    );
    expect(proxy.stats().connections).toEqual({ active: 10, accepted: expect.any(Number), refused: 30 });
    await until(() => clients.filter((client) => client.ended).length === 30, 'thirty are out');
    for (const client of clients) client.destroy();
    await until(() => proxy.stats().connections.active === 0, 'nobody is left');
    await serves(proxy);
  });

  test('tunnels count too', async () => {
    const { port } = await startListener(echo);
    const proxy = await startProxy({ maxConnections: 3 });
    const open = await Promise.all(Array.from({ length: 3 }, () => ask(proxy, 'socks5', '127.0.0.1', port)));
    const one = await RawClient.connect(proxy);
    await one.closed();
    for (const { client } of open) client.end();
    await until(() => proxy.stats().tunnels.active === 0, 'no tunnel');
    await serves(proxy);
  });
});

describe('a client that leaves', () => {
  /** A target that never answers what it is asked: a dial that hangs in the handshake with an upstream. */
  async function hanging(): Promise<{ upstream: string; held: Socket[] }> {
    const held: Socket[] = [];
    const { port } = await startListener((socket) => void held.push(socket));
    return { upstream: `socks5h://127.0.0.1:${port}`, held };
  }

  test.each<[string, Buffer]>([
    ['before its first byte', Buffer.alloc(0)],
    ['in its greeting', Buffer.from([5, 3, 0])],
    ['behind its greeting', Buffer.from([5, 1, 0])],
    ['in its request', Buffer.from([5, 1, 0, 5, 1, 0, 3, 9])],
    ['in a user id', Buffer.from([4, 1, 0, 80, 127, 0, 0, 1, 65])],
    ['in a head', Buffer.from('CONNECT a:80 HT')],
  ])('%s, by an end or a reset, leaves nothing', async (_, bytes) => {
    const proxy = await startProxy();
    for (const leave of ['end', 'reset'] as const) {
      const client = await RawClient.connect(proxy);
      client.socket.on('error', () => undefined);
      if (bytes.length > 0) await client.sent(bytes);
      await until(() => proxy.stats().connections.active === 1, 'it is there');
      client[leave]();
      await until(() => proxy.stats().connections.active === 0, `it is gone by ${leave}`);
    }
    expect(proxy.stats().tunnels).toMatchObject({ active: 0, failed: 0 });
  });

  test.each(['socks4', 'socks5', 'connect'] as const)('%s: while we dial, the dial is cancelled', async (way) => {
    const { upstream, held } = await hanging();
    const proxy = await startProxy({ upstream });
    const client = await RawClient.connect(proxy);
    client.socket.on('error', () => undefined);
    const requests = {
      socks4: socks4Request('a.test', 80),
      socks5: Buffer.concat([Buffer.from([5, 1, 0]), socks5Request('a.test', 80)]),
      connect: Buffer.from(connectHead('a.test', 80)),
    };
    client.send(requests[way]);
    await until(() => held.length === 1, 'the upstream has been dialled');
    const over = (async () => {
      for await (const chunk of held[0]) void chunk;
    })().catch(() => undefined);
    client.reset();
    await over;
    await until(() => proxy.stats().tunnels.failed === 1, 'it is counted');
    expect(proxy.stats()).toMatchObject({ connections: { active: 0 }, tunnels: { active: 0, ended: 0 } });
  });

  test.each(['socks5', 'connect'] as const)('%s: while authorize thinks, nothing is dialled', async (way) => {
    const reached = jest.fn();
    const { port } = await startListener(reached);
    let asked = 0;
    const authorize = (): Promise<boolean> => (asked++, new Promise(() => undefined));
    const proxy = await startProxy({ authorize });
    const client = await RawClient.connect(proxy);
    client.socket.on('error', () => undefined);
    client.send(
      way === 'connect'
        ? connectHead('127.0.0.1', port)
        : Buffer.concat([Buffer.from([5, 1, 0]), socks5Request('127.0.0.1', port)]),
    );
    await until(() => asked === 1, 'authorize');
    client.reset();
    // Not after handshakeTimeout, which is 30 s.
    await until(() => proxy.stats().tunnels.failed === 1, 'it is counted');
    expect(reached).not.toHaveBeenCalled();
  });

  test.each(['socks5', 'connect'] as const)('%s: while its password is judged, leaves nothing', async (way) => {
    let asked = 0;
    let decide: (right: boolean) => void = () => undefined;
    const auth = (): Promise<boolean> => (asked++, new Promise((resolve) => (decide = resolve)));
    const proxy = await startProxy({ auth });
    const client = await RawClient.connect(proxy);
    client.socket.on('error', () => undefined);
    client.send(way === 'connect' ? connectHead('a.test', 80, { user: 'a' }) : Buffer.from([5, 1, 2, 1, 1, 65, 1, 66]));
    await until(() => asked === 1, 'auth');
    client.reset();
    await until(() => proxy.stats().connections.active === 0, 'it is gone');
    decide(true);
    await until(() => proxy.stats().tunnels.active === 0, 'no tunnel');
  });

  test('with a tunnel takes the other side with it, in each direction', async () => {
    const far: Socket[] = [];
    const hear = async (socket: Socket): Promise<void> => {
      far.push(socket);
      // Who does not read does not hear of an end.
      for await (const chunk of socket) void chunk;
      await socket.end();
    };
    const { port } = await startListener((socket) => hear(socket).catch(() => undefined));
    const proxy = await startProxy();
    for (const way of ['socks5', 'connect'] as const) {
      const { client } = await ask(proxy, way, '127.0.0.1', port);
      client.socket.on('error', () => undefined);
      await until(() => far.length === 1, 'the target');
      client.reset();
      await until(() => far[0].closed, 'the target is cut');
      far.pop();
      const other = await ask(proxy, way, '127.0.0.1', port);
      other.client.socket.on('error', () => undefined);
      await until(() => far.length === 1, 'the target');
      far.pop()?.destroy();
      await other.client.closed();
      other.client.end();
    }
    await until(() => proxy.stats().tunnels.ended === 4, 'all have ended');
  });
});

test('a client that was refused and stays is cut after two seconds, whatever it sends', async () => {
  const proxy = await startProxy({ rules: [], auth: (name) => name === 'a' });
  const shown = `Proxy-Authorization: Basic ${Buffer.from('a:b').toString('base64')}\r\n`;
  const clients = await Promise.all(
    [
      'CONNECT a.test:80 HTTP/1.1\r\nHost: a\r\n\r\n',
      `CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: a\r\n${shown}\r\n`,
      `CONNECT a:0 HTTP/1.1\r\nHost: a\r\n${shown}\r\n`,
      Buffer.concat([Buffer.from([5, 1, 2, 1, 1, 97, 1, 98]), socks5Request('127.0.0.1', 80)]),
      socks4Request('127.0.0.1', 80),
    ].map(async (bytes) => {
      const client = await RawClient.connect(proxy);
      client.socket.on('error', () => undefined);
      return client.send(bytes);
    }),
  );
  const flood = setInterval(() => clients.forEach((client) => client.send('x'.repeat(1_000))), 20);
  try {
    await Promise.all(clients.map((client) => client.closed()));
    await until(() => proxy.stats().connections.active === 0, 'all are cut');
  } finally {
    clearInterval(flood);
  }
  expect(proxy.stats().connections.accepted).toBe(5);
});

test('a slow reader on either side holds the other one back, and little memory', async () => {
  const MiB = 1024 * 1024;
  const sent = { far: 0, near: 0 };
  const flood = async (socket: Socket): Promise<void> => {
    const bytes = Buffer.alloc(65_536);
    while (!socket.closed) {
      sent.far += bytes.length;
      if (!socket.write(bytes)) await socket.drained();
    }
  };
  const { port } = await startListener((socket) => flood(socket).catch(() => undefined));
  const proxy = await startProxy();
  const { client } = await ask(proxy, 'socks5', '127.0.0.1', port);
  client.socket.on('error', () => undefined);
  client.socket.pause();
  client.socket.on('drain', () => undefined);
  // The target reads nothing, and neither does the client.
  for (; sent.near < 64 * MiB; sent.near += MiB) client.socket.write(Buffer.alloc(MiB));
  let before = -1;
  await until(() => {
    const stands = sent.far === before && client.socket.writableLength === (client as { last?: number }).last;
    before = sent.far;
    (client as { last?: number }).last = client.socket.writableLength;
    return stands && sent.far > 0;
  }, 'both stand still');
  expect(sent.far).toBeLessThan(32 * MiB);
  expect(client.socket.writableLength).toBeGreaterThan(32 * MiB);
  expect(heldMemory()).toBeLessThan(8 * MiB);
  await serves(proxy);
  client.reset();
  await until(
    () => proxy.stats().tunnels.ended === 2,
    () => JSON.stringify(proxy.stats()),
  );
});
