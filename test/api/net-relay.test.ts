import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket as NodeSocket } from 'node:net';
import { connect as nodeConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as nodeTls } from 'node:tls';

import type { Listener, ListenSocketOptions, RelayCounts, RelayOptions, Socket } from '../../ts/index.js';
import { connect, listen } from '../../ts/index.js';
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

const secure = (): ListenSocketOptions => ({ tls: { cert: issued.cert, key: issued.key } });
const trusting = { rejectUnauthorized: false, servername: 'localhost' };
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Tunnel {
  front: Listener;
  ended: Promise<RelayCounts>;
  sockets: Promise<[Socket, Socket]>;
}

/** A listener that relays its one connection to a target. */
async function tunnel(
  target: { port?: number; path?: string; tls?: object },
  options: RelayOptions = {},
  front: ListenSocketOptions = {},
): Promise<Tunnel> {
  const ended = deferred<RelayCounts>();
  ended.promise.catch(() => undefined);
  const sockets = deferred<[Socket, Socket]>();
  const listener = await startListener(async (socket) => {
    const there = await connect({ ...(target.path === undefined ? { host: '127.0.0.1' } : {}), ...target });
    sockets.resolve([socket, there]);
    socket.pipeTo(there, options).then(
      (counts) => ended.resolve(counts),
      (error: unknown) => ended.reject(error),
    );
  }, front);
  return { front: listener, ended: ended.promise, sockets: sockets.promise };
}

const at = ({ front }: Tunnel): { host: string; port: number } => ({ host: '127.0.0.1', port: front.port });

test.each([
  ['TCP to TCP', {}, {}],
  ['TLS to TCP', 'tls', {}],
  ['TCP to TLS', {}, 'tls'],
  ['TLS to TLS', 'tls', 'tls'],
  ['Unix to TCP', 'unix', {}],
  ['TCP to Unix', {}, 'unix'],
])('%s: carries every byte both ways, and each end by itself', async (_what, near, far) => {
  const path = (name: string): string => join(tmpdir(), `millrace-relay-${process.pid}-${name}.sock`);
  const backOptions = far === 'tls' ? secure() : far === 'unix' ? { path: path('back') } : {};
  const back = await startListener(echo, backOptions);
  const target =
    far === 'unix' ? { path: path('back') } : { port: back.port, ...(far === 'tls' ? { tls: trusting } : {}) };
  const frontOptions = near === 'tls' ? secure() : near === 'unix' ? { path: path('front') } : {};
  const way = await tunnel(target, {}, frontOptions);
  const place =
    near === 'unix' ? { path: path('front') } : { ...at(way), ...(near === 'tls' ? { tls: trusting } : {}) };
  const client = await connect(place);
  const bytes = randomBytes(3_000_000);
  const sending = (async () => {
    for (let from = 0; from < bytes.length; from += 100_000) {
      if (!client.write(bytes.subarray(from, from + 100_000))) await client.drained();
    }
    await client.end();
  })();
  const [answer] = await Promise.all([rest(client), sending]);
  expect(digest(answer)).toBe(digest(bytes));
  expect(await way.ended).toEqual({ sent: 3_000_000, received: 3_000_000 });
  const [socket, there] = await way.sockets;
  expect([socket.bytesRead, socket.bytesWritten]).toEqual([3_000_000, 3_000_000]);
  expect([there.bytesRead, there.bytesWritten]).toEqual([3_000_000, 3_000_000]);
  expect([socket.closed, there.closed]).toEqual([true, true]);
});

test('what was read before, in part or not at all, goes first', async () => {
  const back = await startListener(echo);
  const heads: string[] = [];
  const front = await startListener(async (socket) => {
    const chunks = socket[Symbol.asyncIterator]();
    heads.push(Buffer.from(((await chunks.next()) as { value: Uint8Array }).value).toString());
    // More comes while nobody takes it: it waits on this side of the border.
    await until(() => socket.memory > 0 || asked.length > 1);
    const there = await connect({ host: '127.0.0.1', port: back.port });
    there.write('<');
    const { sent, received } = await socket.pipeTo(there);
    counts.resolve([sent, received]);
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
  });
  const asked: string[] = [];
  const counts = deferred<number[]>();
  const client = await connect({ host: '127.0.0.1', port: front.port });
  client.write('head ');
  await until(() => heads.length === 1);
  client.write('body ');
  asked.push('body', 'asked');
  await new Promise((resolve) => setImmediate(resolve));
  expect(await said(client, 'tail')).toBe('<body tail');
  expect(heads).toEqual(['head ']);
  expect(await counts.promise).toEqual([9, 10]);
});

test('a socket that is joined takes no writes, is read by nobody, and is joined once', async () => {
  const back = await startListener(echo);
  const way = await tunnel({ port: back.port });
  const client = await connect(at(way));
  const [socket, there] = await way.sockets;
  await until(() => !socket.write('x'));
  expect(there.write('x')).toBe(false);
  await expect(socket.pipeTo(there)).rejects.toMatchObject({ code: 'MILLRACE_INVALID_STATE' });
  await expect(there.pipeTo(there)).rejects.toMatchObject({ code: expect.stringMatching(/INVALID/) as string });
  expect(() => socket[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'MILLRACE_SOCKET_USED' }));
  expect(await said(client, 'still')).toBe('still');
});

describe('with a socket that is closed', () => {
  /** A socket of ours and its peer, which reads. */
  async function pair(): Promise<[ours: Socket, peer: Socket]> {
    const peers: Socket[] = [];
    const back = await startListener((socket) => void peers.push(socket.resume()));
    const ours = await connect({ host: '127.0.0.1', port: back.port });
    await until(() => peers.length === 1);
    return [ours, peers[0]];
  }
  const states: [string, string, (closed: Socket, peer: Socket) => Promise<unknown>][] = [
    ['in order', 'MILLRACE_STREAM_CLOSED', (closed, peer) => Promise.all([closed.resume().close(), peer.end()])],
    ['by us', 'MILLRACE_DESTROYED', (closed) => Promise.resolve(closed.destroy())],
    [
      'by its peer',
      'MILLRACE_CONNECTION_RESET',
      (closed, peer) => {
        closed.resume();
        resetPeerOf(peer);
        return Promise.resolve();
      },
    ],
    [
      'with a relay',
      'MILLRACE_STREAM_CLOSED',
      async (closed, peer) => {
        const [other, otherPeer] = await pair();
        const over = closed.pipeTo(other);
        await Promise.all([peer.end(), otherPeer.end()]);
        await over;
      },
    ],
  ];
  test.each(states)('%s, pipeTo rejects and cuts the other, whichever way round', async (_how, code, close) => {
    for (const turned of [false, true]) {
      const [[open, openPeer], [closed, peer]] = [await pair(), await pair()];
      await close(closed, peer);
      await until(() => closed.closed);
      await expect(turned ? closed.pipeTo(open) : open.pipeTo(closed)).rejects.toMatchObject({ code });
      await until(() => open.closed && openPeer.closed);
      // No end: the peer is not to take it for all that there was to say.
      expect(openPeer.failure?.code).toBe('MILLRACE_CONNECTION_RESET');
      expect(open.failure?.cause).toMatchObject({ code });
    }
  });
});

describe('what reads a socket', () => {
  test('holds a relay back while a next() waits, and both sockets live on', async () => {
    const back = await startListener((socket) => echo(socket).catch(() => undefined));
    const [one, other] = await Promise.all([0, 1].map(() => connect({ host: '127.0.0.1', port: back.port })));
    const chunks = one[Symbol.asyncIterator]();
    const waiting = chunks.next();
    for (const begin of [() => one.pipeTo(other), () => other.pipeTo(one)]) {
      await expect(begin()).rejects.toMatchObject({ name: 'TypeError', code: 'MILLRACE_SOCKET_USED' });
    }
    one.write('here');
    expect(Buffer.from((await waiting).value as Uint8Array).toString()).toBe('here');
    await expect(said(other, 'there')).resolves.toBe('there');
    one.destroy();
  });

  test('is told while the relay lasts that it reads no more, and then how the relay has ended', async () => {
    const front = await startListener(() => undefined);
    const pairs = await Promise.all([0, 1, 2, 3].map(() => connect({ host: '127.0.0.1', port: front.port })));
    for (const [one, other, fails] of [
      [pairs[0], pairs[1], false],
      [pairs[2], pairs[3], true],
    ] as const) {
      const chunks = one[Symbol.asyncIterator]();
      const over = one.pipeTo(other).then(
        () => null,
        (error: unknown) => error,
      );
      await expect(chunks.next()).rejects.toMatchObject({ code: 'MILLRACE_SOCKET_USED' });
      expect(one.closed).toBe(false);
      if (fails) {
        other.destroy();
        const error = await over;
        await expect(chunks.next()).rejects.toBe(error);
      } else {
        await front.close({ timeout: 0 }).catch(() => undefined);
        await over;
      }
    }
  });

  test('may leave its iteration, and the relay goes on', async () => {
    const back = await startListener(echo);
    const ended = deferred<RelayCounts>();
    const front = await startListener(async (socket) => {
      const there = await connect({ host: '127.0.0.1', port: back.port });
      for await (const head of socket) {
        there.write(head);
        socket.pipeTo(there).then(
          (counts) => ended.resolve(counts),
          (error: unknown) => ended.reject(error),
        );
        break;
      }
    });
    const client = await connect({ host: '127.0.0.1', port: front.port });
    client.write('head');
    const reading = rest(client);
    await until(() => client.bytesRead === 4);
    await client.end(' and more');
    expect((await reading).toString()).toBe('head and more');
    expect(await ended.promise).toEqual({ sent: 9, received: 13 });
  });
});

test('the idle and the total time end it, and say which they were', async () => {
  const back = await startListener(echo);
  for (const [options, code, option] of [
    [{ idleTimeout: 150 }, 'MILLRACE_RELAY_IDLE_TIMEOUT', 'idleTimeout'],
    [{ idleTimeout: null, totalTimeout: 150 }, 'MILLRACE_RELAY_TOTAL_TIMEOUT', 'totalTimeout'],
  ] as const) {
    const way = await tunnel({ port: back.port }, options);
    const client = nodeConnect(way.front.port, '127.0.0.1');
    client.write('x');
    client.resume();
    const [reset] = (await once(client, 'error')) as [NodeJS.ErrnoException];
    expect(reset.code).toBe('ECONNRESET');
    await expect(way.ended).rejects.toMatchObject({ code, kind: 'timeout', limit: { option, value: 150 } });
    const [socket, there] = await way.sockets;
    expect([socket.bytesRead, there.bytesRead, socket.failure?.code]).toEqual([1, 1, code]);
  }
});

test('its signal cuts both sides, before and after it has begun', async () => {
  const back = await startListener(echo);
  const control = new AbortController();
  const way = await tunnel({ port: back.port }, { signal: control.signal });
  const client = nodeConnect(way.front.port, '127.0.0.1');
  client.resume();
  client.write('x');
  await once(client, 'data');
  control.abort(new Error('enough'));
  await once(client, 'error');
  await expect(way.ended).rejects.toMatchObject({
    name: 'AbortError',
    cause: expect.objectContaining({ message: 'enough' }) as Error,
  });
  const late = await tunnel({ port: back.port }, { signal: AbortSignal.abort() });
  const second = nodeConnect(late.front.port, '127.0.0.1').on('error', () => undefined);
  await expect(late.ended).rejects.toMatchObject({ name: 'AbortError' });
  second.destroy();
});

test.each(['client', 'target', 'ours'] as const)('a cut on the side of %s resets the other', async (who) => {
  const peers: Socket[] = [];
  const back = await startListener((socket) => {
    peers.push(socket);
    return echo(socket);
  });
  const way = await tunnel({ port: back.port });
  // No socket of Node's: libuv takes a reset that is there behind the last bytes for an end.
  const client = await connect({ host: '127.0.0.1', port: way.front.port });
  let got = 0;
  client.on('data', (chunk: Uint8Array) => (got += chunk.length));
  client.write('x');
  await until(() => got === 1);
  const [socket, there] = await way.sockets;
  if (who === 'client') resetPeerOf(client);
  else if (who === 'target') resetPeerOf(peers[0]);
  else there.destroy();
  await expect(way.ended).rejects.toMatchObject({ kind: 'closed' });
  await until(() => peers[0].closed && socket.closed && there.closed && client.closed);
  if (who !== 'client') expect(client.failure?.code).toBe('MILLRACE_CONNECTION_RESET');
  // What had reached the system before the cut was passed on, and may have come through; both sides count it.
  expect(got).toBeLessThanOrEqual(there.bytesRead);
  expect([socket.bytesRead, socket.bytesWritten]).toEqual([there.bytesWritten, there.bytesRead]);
});

/** Cut while bytes wait for it: the peer gets a reset. */
function resetPeerOf(socket: Socket): void {
  while (socket.write(Buffer.alloc(65_536)));
  socket.destroy();
}

test('a slow reader holds back its writer within bounds, and gets everything', async () => {
  const total = 24 << 20;
  const back = await startListener(async (socket) => {
    const chunk = Buffer.alloc(1 << 18, 'slow');
    for (let sent = 0; sent < total; sent += chunk.length) if (!socket.write(chunk)) await socket.drained();
    await socket.end();
  });
  const way = await tunnel({ port: back.port });
  const client: NodeSocket = nodeConnect(way.front.port, '127.0.0.1');
  client.pause();
  const [socket, there] = await way.sockets;
  const held = (): number => socket.memory + there.memory;
  let most = 0;
  for (let turn = 0; turn < 50; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    most = Math.max(most, held());
  }
  expect(most).toBeLessThanOrEqual(2 * 65_536);
  let got = 0;
  for await (const chunk of client) got += (chunk as Buffer).length;
  expect(got).toBe(total);
  client.end();
  expect(await way.ended).toEqual({ sent: 0, received: total });
});

test('leaves no descriptor, whoever ends it and how', async () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const back = await startListener(echo);
  const ways: Promise<unknown>[] = [];
  const front = await startListener(async (socket) => {
    const there = await connect({ host: '127.0.0.1', port: back.port });
    ways.push(socket.pipeTo(there).catch(() => undefined));
  });
  const round = async (): Promise<void> => {
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => connect({ host: '127.0.0.1', port: front.port })),
    );
    await Promise.all(
      clients.map(async (client, place) => {
        client.write(Buffer.alloc(place * 20_000 + 1));
        if (place % 3 === 0) client.destroy();
        else if (place % 3 === 1) await said(client, 'x');
        else await client.end().then(() => rest(client).catch(() => undefined));
      }),
    );
  };
  await round();
  await until(() => front.stats().connections.active === 0 && back.stats().connections.active === 0);
  await Promise.all(ways);
  const before = descriptors();
  for (let count = 0; count < 5; count++) await round();
  await until(() => front.stats().connections.active === 0 && back.stats().connections.active === 0);
  await Promise.all(ways);
  // Our own clients close a moment later; a pipe of the pool, two descriptors, may stay for each way.
  await until(
    () => descriptors() <= before + 4,
    () => `${descriptors()} descriptors, ${before} before`,
  );
});

test('TLS at the front: a client that ends by close_notify is passed on, one that is cut is a failure', async () => {
  const back = await startListener(async (socket) => socket.end(`got ${(await rest(socket)).length}`));
  for (const cuts of [false, true]) {
    const way = await tunnel({ port: back.port }, {}, secure());
    const client = nodeTls({ host: '127.0.0.1', port: way.front.port, rejectUnauthorized: false });
    await once(client, 'secureConnect');
    client.write('12345');
    await way.sockets;
    if (cuts) {
      client.on('error', () => undefined);
      await until(() => client.bytesWritten > 0);
      client.destroy();
      await expect(way.ended).rejects.toThrow();
    } else {
      client.end();
      const parts: Buffer[] = [];
      for await (const part of client) parts.push(part as Buffer);
      expect(Buffer.concat(parts).toString()).toBe('got 5');
      expect(await way.ended).toEqual({ sent: 5, received: 5 });
    }
  }
});

test('refuses options that are none', async () => {
  const back = await startListener(() => undefined);
  const [one, other] = await Promise.all([0, 1].map(() => connect({ host: '127.0.0.1', port: back.port })));
  await expect(one.pipeTo(other, { idleTimeout: 0 })).rejects.toThrow(RangeError);
  await expect(one.pipeTo(other, { idle: 1 } as never)).rejects.toThrow(/idle/);
  one.destroy();
  other.destroy();
  void listen;
});
