import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Writable } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Socket } from '../../ts/index.js';
import { connect, features, metrics } from '../../ts/index.js';
import { turns, until } from '../support/condition.js';
import { noKernelSockets, socketOptionsOf } from '../support/kernel-socket.js';
import { echo, listenersEndWithTheirTest, pair, rest, said, startListener } from '../support/test-listener.js';
import { endsWithItsTest } from '../support/test-server.js';
import { where } from '../support/where.js';

listenersEndWithTheirTest();
endsWithItsTest();

const text = async (socket: Socket): Promise<string> => (await rest(socket)).toString();

test('each side ends by itself, and the socket closes when both have', async () => {
  const { near, far } = await pair();
  near.write('question');
  await near.end();
  expect(near.write('late')).toBe(false);
  expect(await text(far)).toBe('question');
  expect([near.closed, far.closed]).toEqual([false, false]);
  far.write('an answer');
  await far.end('!');
  expect(await text(near)).toBe('an answer!');
  await until(() => near.closed && far.closed);
  expect([near.failure, far.failure]).toEqual([undefined, undefined]);
});

/** Writes until nothing goes on any more; answers with how much. */
async function fill(socket: Socket): Promise<number> {
  const chunk = Buffer.alloc(200_000, 1);
  let written = 0;
  for (let still = 0; still < 5;) {
    const before = socket.memory;
    // So much that what the kernel may still take does not drain it.
    if (before < 400_000) {
      socket.write(chunk);
      written += chunk.length;
    }
    await turns(1);
    still = before >= 400_000 && socket.memory === before ? still + 1 : 0;
  }
  return written;
}

/** Everything that was written is with the kernel of the peer. */
async function arrived(socket: Socket): Promise<void> {
  // Written at the end of this turn.
  await turns(1);
  await until(() => {
    const info = socket.info();
    return socket.memory === 0 && info?.unacked === 0 && info.notSent === 0;
  });
}

test('write answers false past the mark, drained waits, and memory says what is held', async () => {
  const { near, far } = await pair();
  const written = await fill(near);
  expect(near.bytesWritten).toBe(written);
  expect(near.write('more')).toBe(false);
  let drained = false;
  const waiting = near.drained().then(() => (drained = true));
  await turns(5);
  expect(drained).toBe(false);
  const ending = near.end();
  const got = await rest(far);
  await Promise.all([waiting, ending]);
  expect(got.length).toBe(written + 4);
  expect(far.bytesRead).toBe(written + 4);
  await Promise.all([far.end(), rest(near)]);
  await until(() => near.closed);
  expect(near.memory).toBe(0);
});

test('an array of chunks is one message', async () => {
  const { near, far } = await pair();
  near.write([Buffer.from('a'), Buffer.alloc(20_000, 'b'), new Uint8Array([0x63])]);
  await near.end();
  expect(await text(far)).toBe(`a${'b'.repeat(20_000)}c`);
  expect(near.bytesWritten).toBe(20_002);
  far.destroy();
});

test('an array of chunks leaves in one call to the kernel, and so does what is written in one turn', async () => {
  const { near, far } = await pair();
  const reading = rest(far);
  const sends = (): number => metrics.snapshot().counters.millrace_sockets_send_calls_total;
  await turns(2);
  const before = sends();
  near.write(Array.from({ length: 50 }, (_, at) => Buffer.from(`${at} `)));
  near.write('and ');
  near.write([Buffer.alloc(30_000, 'x')]);
  await turns(3);
  expect(sends() - before).toBe(1);
  await near.end();
  expect((await reading).length).toBe(140 + 4 + 30_000);
});

test('a reader that does not take what comes holds back the writer', async () => {
  const { near, far } = await pair();
  const chunks = far[Symbol.asyncIterator]();
  const written = await fill(near);
  expect(near.memory).toBeGreaterThan(0);
  const ending = near.end();
  let got = 0;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) got += next.value.length;
  expect(got).toBe(written);
  await ending;
});

test('data events come from the first listener on, pause and resume, and keep the order', async () => {
  const { near, far } = await pair();
  const got: string[] = [];
  near.write('early');
  await turns(3);
  expect(far.bytesRead).toBe(0);
  far.on('data', (chunk: Uint8Array) => got.push(Buffer.from(chunk).toString()));
  await until(() => got.join('') === 'early');
  far.pause();
  near.write(' paused');
  await turns(5);
  expect(got.join('')).toBe('early');
  far.resume();
  await until(() => got.join('') === 'early paused');
  const ended = once(far, 'end');
  await near.end(' last');
  await ended;
  expect(got.join('')).toBe('early paused last');
  expect(far.bytesRead).toBe(17);
  expect(() => far[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'MILLRACE_SOCKET_USED' }));
  far.destroy();
});

test('leaving the iteration cuts the socket', async () => {
  const { near, far } = await pair();
  near.write('x');
  for await (const chunk of far) {
    expect(chunk.length).toBe(1);
    break;
  }
  await until(() => far.closed);
});

test('a cut fails the reader, the writers that wait, and tells why', async () => {
  const { near, far } = await pair();
  const reading = rest(near);
  await fill(near);
  const ending = near.end();
  const failures = Promise.allSettled([reading, ending]);
  // With bytes unread a close is a reset.
  far.destroy();
  await until(() => near.closed);
  expect(await failures).toEqual([
    { status: 'rejected', reason: expect.objectContaining({ kind: 'closed' }) as Error },
    { status: 'rejected', reason: expect.objectContaining({ kind: 'closed' }) as Error },
  ]);
  expect(near.failure?.kind).toBe('closed');
});

test('destroy tells its error once, and the failure has it as the cause', async () => {
  const { near } = await pair();
  const told: unknown[] = [];
  near.on('error', (error) => told.push(error));
  const enough = new Error('enough');
  near.destroy(enough);
  near.destroy(new Error('later'));
  await until(() => near.closed);
  expect(told).toEqual([enough]);
  expect(near.failure).toMatchObject({ code: 'MILLRACE_DESTROYED', cause: enough });
});

test('await using closes it', async () => {
  const { near, far } = await pair();
  {
    await using socket = near;
    socket.write('x');
    void echo(far);
  }
  expect(near.closed).toBe(true);
});

describe('as a Duplex', () => {
  test('it pipes, both ways, and closes when both have ended', async () => {
    const listener = await startListener((socket) => {
      const duplex = socket.asDuplex();
      return pipeline(duplex, duplex);
    });
    const duplex = (await connect({ host: '127.0.0.1', port: listener.port })).asDuplex();
    const parts: Buffer[] = [];
    const closed = once(duplex, 'close');
    duplex.write('one ');
    duplex.cork();
    duplex.write('two ');
    duplex.write('three');
    duplex.uncork();
    duplex.end();
    await pipeline(duplex, new Writable({ write: (chunk: Buffer, _e, done) => (parts.push(chunk), done()) }));
    await closed;
    expect(Buffer.concat(parts).toString()).toBe('one two three');
    expect([duplex.bytesRead, duplex.bytesWritten]).toEqual([13, 13]);
  });

  test('allowHalfOpen: false ends our side with the peer, true does not', async () => {
    for (const allowHalfOpen of [false, true]) {
      const { near, far } = await pair();
      const duplex = near.asDuplex({ allowHalfOpen });
      duplex.resume();
      await far.end();
      await once(duplex, 'end');
      if (allowHalfOpen) {
        duplex.end('still here');
        expect(await text(far)).toBe('still here');
      } else expect(await text(far)).toBe('');
      await until(() => near.closed && far.closed);
    }
  });

  test('a cut destroys it with the reason, though nobody reads', async () => {
    const { near, far } = await pair();
    const duplex = near.asDuplex();
    const failed = once(duplex, 'error');
    near.write('x');
    await arrived(near);
    // With bytes unread a close is a reset.
    far.destroy();
    duplex.read();
    const [error] = (await failed) as [Error & { kind: string }];
    expect(error.kind).toBe('closed');
    expect(duplex.destroyed).toBe(true);
  });

  test('destroying it cuts the socket', async () => {
    const { near, far } = await pair();
    const reading = rest(far);
    near
      .asDuplex()
      .on('error', () => undefined)
      .destroy(new Error('enough'));
    await reading.catch(() => undefined);
    await until(() => near.closed);
  });

  test('its timeout is told when nothing moves, and moved by bytes', async () => {
    const { near, far } = await pair();
    const duplex: Duplex & { setTimeout(ms: number, fn?: () => void): unknown } = near.asDuplex();
    let sent = 0;
    let came = false;
    duplex.on('data', () => (came = true));
    const waited: number[] = [];
    duplex.setTimeout(60, () => undefined);
    // One that was due before the bytes came is another's.
    duplex.on('timeout', () => came && waited.push(performance.now() - sent));
    await new Promise((resolve) => setTimeout(resolve, 30));
    sent = performance.now();
    far.write('x');
    await until(() => waited.length > 0);
    // Timers of Node.js are early by up to a millisecond.
    expect(waited[0]).toBeGreaterThanOrEqual(58);
    expect(near.closed).toBe(false);
    duplex.destroy();
  });

  test('has the addresses and setters that libraries ask for', async () => {
    const { near, far, listener } = await pair();
    const duplex = near.asDuplex();
    expect([duplex.remoteAddress, duplex.remotePort]).toEqual(['127.0.0.1', listener.port]);
    expect([duplex.localAddress, duplex.localPort]).toEqual(['127.0.0.1', near.localPort]);
    expect(duplex.setNoDelay(true).setKeepAlive(true, 5_000).setTimeout(0).ref().unref()).toBe(duplex);
    duplex.destroy();
    far.destroy();
  });
});

test('info tells the round trip and the window of a TCP connection, and nothing of others', async () => {
  const { near, far } = await pair();
  await Promise.all([text(far), near.end('some bytes')]);
  const info = near.info();
  expect(info).toMatchObject({ retransmits: 0, lost: 0 });
  expect(info!.rtt).toBeGreaterThan(0);
  expect(info!.rtt).toBeLessThan(5_000);
  expect(info!.cwnd).toBeGreaterThan(0);
  expect(info!.mss).toBeGreaterThan(500);
  expect(near.peerCredentials()).toBeNull();
  near.destroy();
  await until(() => near.closed);
  expect(near.info()).toBeNull();
});

test('tells who is at the other end of a Unix socket', async () => {
  const path = join(tmpdir(), `millrace-socket-${process.pid}.sock`);
  const { near, far } = await pair({ path });
  const us = { pid: process.pid, uid: process.getuid!(), gid: process.getgid!() };
  expect(far.peerCredentials()).toEqual(us);
  expect(near.peerCredentials()).toEqual(us);
  expect(near.info()).toBeNull();
  near.setNoDelay(false).setKeepAlive(true).setUserTimeout(1_000);
  near.destroy();
});

test('sets options of the socket while it lives, and refuses values that are none', async () => {
  const { near, far } = await pair({
    keepAlive: { idle: 7, interval: 3, count: 2 },
    userTimeout: 5_000,
    noDelay: false,
  });
  near.setNoDelay(false).setKeepAlive({ idle: 5, interval: 2, count: 4 }).setUserTimeout(9_000);
  const timers = await kernelTimers([near.localPort, far.localPort]);
  expect(timers.get(near.localPort)).toMatch(/^keepalive,[45]/);
  expect(timers.get(far.localPort)).toMatch(/^keepalive,[67]/);
  near.setKeepAlive(false).setUserTimeout(null);
  expect((await kernelTimers([near.localPort])).get(near.localPort)).toBeUndefined();
  expect(() => near.setUserTimeout(0)).toThrow(RangeError);
  expect(() => near.setKeepAlive({ idle: 0, interval: 1, count: 1 })).toThrow(RangeError);
  near.destroy();
  await until(() => near.closed);
  expect(near.setNoDelay(true)).toBe(near);
});

where('what the kernel has of a socket', noKernelSockets).test(
  'the kernel has each option of a socket, from its beginning and as it is changed',
  async () => {
    const keepAlive = { idle: 70, interval: 11, count: 4 };
    const { near, far } = await pair(
      { noDelay: false, keepAlive: { idle: 80, interval: 12, count: 5 }, userTimeout: 23_456 },
      { keepAlive, userTimeout: 12_345 },
    );
    // TCP_NODELAY always, unless it is told otherwise (SPEC §16).
    expect(await socketOptionsOf(near)).toEqual([1, 1, 70, 11, 4, 12_345]);
    expect(await socketOptionsOf(far)).toEqual([0, 1, 80, 12, 5, 23_456]);
    const other = await pair({}, { noDelay: false, keepAlive: false });
    expect((await socketOptionsOf(other.near)).slice(0, 2)).toEqual([0, 0]);
    expect((await socketOptionsOf(other.far)).slice(0, 2)).toEqual([1, 0]);
    near.setNoDelay(false).setKeepAlive({ idle: 5, interval: 2, count: 3 }).setUserTimeout(9_000);
    expect(await socketOptionsOf(near)).toEqual([0, 1, 5, 2, 3, 9_000]);
    near.setNoDelay(true).setKeepAlive(false).setUserTimeout(null);
    const last = await socketOptionsOf(near);
    expect([last[0], last[1], last[5]]).toEqual([1, 0, 0]);
  },
);

/** The timer of each connection by its local port, as /proc/net/tcp tells it: `keepalive,N` seconds until it fires. */
async function kernelTimers(ports: number[]): Promise<Map<number, string>> {
  const { readFile } = await import('node:fs/promises');
  const found = new Map<number, string>();
  for (const line of (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1)) {
    const [, local, remote, state, , timer] = line.trim().split(/\s+/);
    if (local === undefined || remote === undefined || state !== '01') continue;
    const port = Number.parseInt(local.split(':')[1], 16);
    // Kind 2 is keepalive; the rest is in ticks of a hundredth.
    const [kind, left] = timer.split(':');
    if (ports.includes(port) && kind === '02') found.set(port, `keepalive,${Number.parseInt(left, 16) / 100}`);
  }
  return found;
}

test('fast open connects as ever, whatever the system allows', async () => {
  const listener = await startListener(echo, { fastOpen: true });
  for (let count = 0; count < 3; count++) {
    expect(await said(await connect({ host: '127.0.0.1', port: listener.port, fastOpen: true }), 'fast')).toBe('fast');
  }
});

test('fast open to a port where nobody listens fails as ever', async () => {
  const node = createServer().listen(0, '127.0.0.1');
  await once(node, 'listening');
  const { port } = node.address() as { port: number };
  node.close();
  await once(node, 'close');
  const attempt = connect({ host: '127.0.0.1', port, fastOpen: true }).then((socket) => said(socket, 'x'));
  await expect(attempt).rejects.toThrow(/ECONNREFUSED|connection/);
});

test('features tells what the system has', () => {
  expect(features()).toMatchObject({
    splice: true,
    peerCredentials: true,
    tcpInfo: true,
    userTimeout: true,
    reusePort: true,
    deferAccept: true,
    fastOpen: { connect: expect.any(Boolean) as boolean, listen: expect.any(Boolean) as boolean },
  });
});
