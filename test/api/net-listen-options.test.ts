// What each option of listen() does.
import { once } from 'node:events';
import { connect as nodeConnect } from 'node:net';

import type { Listener, ListenSocketOptions, Socket } from '../../ts/index.js';
import { connect, features, listen } from '../../ts/index.js';
import { turns, until } from '../support/condition.js';
import { freeTcpPort } from '../support/free-port.js';
import { backlogOf, noKernelSockets } from '../support/kernel-socket.js';
import { echo, listenersEndWithTheirTest, pair, said, startListener } from '../support/test-listener.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';
import { where } from '../support/where.js';

listenersEndWithTheirTest();
endsWithItsTest();

/** What is answered at an address; the code of the error where nobody is there. */
const answerAt = (host: string, port: number): Promise<string> =>
  connect({ host, port }).then(
    (socket) => said(socket, 'here'),
    (error: { cause?: { code?: string } }) => String(error.cause?.code),
  );

test('port and host say where: there and nowhere else', async () => {
  const port = await freeTcpPort();
  const listener = await startListener(echo, { port, host: '127.0.0.2' });
  expect(listener.address()).toMatchObject({ address: '127.0.0.2', port });
  expect(await answerAt('127.0.0.2', port)).toBe('here');
  expect(await answerAt('127.0.0.1', port)).toBe('ECONNREFUSED');
});

test('without a host it is every address, and with ipv6Only no address of IPv4', async () => {
  const everywhere = await listen({}, echo);
  expect(await answerAt('127.0.0.1', everywhere.port)).toBe('here');
  expect(await answerAt('::1', everywhere.port)).toBe('here');
  everywhere.destroy();
  for (const [ipv6Only, answer] of [
    [false, 'here'],
    [true, 'ECONNREFUSED'],
  ] as const) {
    const listener = await startListener(echo, { host: '::', ipv6Only });
    expect(await answerAt('::1', listener.port)).toBe('here');
    expect(await answerAt('127.0.0.1', listener.port)).toBe(answer);
  }
});

test('reusePort lets several listen on one port, and only where both say so', async () => {
  const one = await startListener(echo, { reusePort: true });
  const other = await startListener(echo, { reusePort: true, port: one.port });
  expect(other.port).toBe(one.port);
  await expect(startListener(echo, { port: one.port })).rejects.toMatchObject({ cause: { code: 'EADDRINUSE' } });
  const alone = await startListener(echo);
  await expect(startListener(echo, { port: alone.port, reusePort: true })).rejects.toMatchObject({
    cause: { code: 'EADDRINUSE' },
  });
});

where('the backlog of a listener', noKernelSockets).test('backlog is how many may wait to be accepted', async () => {
  expect(await backlogOf(await startListener(echo, { backlog: 7 }))).toBe(7);
  const usual = await backlogOf(await startListener(echo));
  // What the system caps it to may be less.
  expect(usual).toBeGreaterThan(7);
  expect(usual).toBeLessThanOrEqual(511);
});

/** How many of two connections a server knows when the second has been answered: the first has sent nothing. */
async function knownBeforeTheFirstByte(deferAccept: boolean, kind: 'listen' | 'serve'): Promise<[number, string]> {
  const count = (stats: { connections: { active: number } }): number => stats.connections.active;
  const server =
    kind === 'listen'
      ? await startListener(echo, { deferAccept })
      : await start({ deferAccept, handler: (_req, res) => res.end('here') });
  const request = kind === 'listen' ? 'here' : get();
  const silent = nodeConnect(server.port, '127.0.0.1');
  await once(silent, 'connect');
  const other = nodeConnect(server.port, '127.0.0.1');
  other.write(request);
  await once(other, 'data');
  const known = count(server.stats());
  silent.write(request);
  const [answer] = (await once(silent, 'data')) as [Buffer];
  for (const socket of [silent, other]) socket.destroy();
  return [known, answer.toString()];
}

where('deferred accepting', features().deferAccept ? undefined : 'the system has none').test.each([
  'listen',
  'serve',
] as const)('deferAccept: connections that have sent nothing wait in the kernel, of %s', async (kind) => {
  const [all, plain] = await knownBeforeTheFirstByte(false, kind);
  expect([all, plain]).toEqual([2, expect.stringMatching(/here$/)]);
  // The kernel waits for a second: a machine that stalled for longer says nothing.
  for (let tries = 0; ; tries++) {
    const [known, answer] = await knownBeforeTheFirstByte(true, kind);
    expect(answer).toMatch(/here$/);
    if (known === 1 || tries === 5) return expect(known).toBe(1);
  }
});

test('writeHighWaterMark is from where on write answers false', async () => {
  for (const mark of [10_000, 100_000, 1_000_000]) {
    // Its reader reads nothing: what the kernel does not take waits.
    const { near, far } = await pair({ writeHighWaterMark: mark });
    let waits = false;
    far.on('drain', () => (waits = false));
    for (let held = -1; held !== far.memory || !waits;) {
      held = far.memory;
      if (!waits) while (far.write(new Uint8Array(1_000)));
      waits = true;
      await turns(3);
    }
    expect(far.memory).toBeGreaterThanOrEqual(mark);
    expect(far.memory).toBeLessThan(2 * mark + 65_536);
    near.destroy();
  }
});

test('allow lets in whom it names, and where lists overlap the longest network decides', async () => {
  const rows: [ListenSocketOptions, string, boolean][] = [
    [{ allow: ['127.0.0.0/30'] }, '127.0.0.1', true],
    [{ allow: ['127.0.0.0/30'] }, '127.0.0.9', false],
    [{ allow: ['127.0.0.9'], deny: ['127.0.0.0/8'] }, '127.0.0.9', true],
    [{ allow: ['127.0.0.9'], deny: ['127.0.0.0/8'] }, '127.0.0.1', false],
    [{ deny: ['127.0.0.9'] }, '127.0.0.9', false],
    [{ deny: ['127.0.0.9'] }, '127.0.0.1', true],
  ];
  for (const [options, localAddress, enters] of rows) {
    const listener = await startListener(echo, options);
    const socket = nodeConnect({ port: listener.port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined).resume();
    await until(() => Object.values(counted(listener)).some((count) => count === 1));
    expect(counted(listener)).toEqual({ opened: enters ? 1 : 0, refused: enters ? 0 : 1 });
    socket.destroy();
  }
});

function counted(listener: Listener): { opened: number; refused: number } {
  const { opened, refused } = listener.stats().connections;
  return { opened, refused };
}

test.each([
  ['maxConnections', 'thread', 4],
  ['maxConnections', 'process', 2],
  ['maxConnectionsPerIp', 'thread', 4],
  ['maxConnectionsPerIp', 'process', 2],
] as const)('%s of two listeners on one port, limitScope %s: %i in all', async (limit, limitScope, most) => {
  const options: ListenSocketOptions = { reusePort: true, limitScope, [limit]: 2 };
  const one = await startListener(() => undefined, options);
  const other = await startListener(() => undefined, { ...options, port: one.port });
  const all = (what: 'opened' | 'refused'): number => counted(one)[what] + counted(other)[what];
  const sockets: Socket[] = [];
  try {
    // The system spreads them by their ports: after so many each of the two has had its share.
    for (let count = 1; count <= 64; count++) {
      sockets.push(await connect({ host: '127.0.0.1', port: one.port }));
      await until(() => all('opened') + all('refused') === count);
    }
    expect([all('opened'), all('refused')]).toEqual([most, 64 - most]);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});
