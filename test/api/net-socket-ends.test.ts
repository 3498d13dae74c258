import { randomBytes } from 'node:crypto';
import { once } from 'node:events';

import type { Socket } from '../../ts/index.js';
import { turns, until } from '../support/condition.js';
import { Authority } from '../support/pki.js';
import { listenersEndWithTheirTest, pair, rest } from '../support/test-listener.js';
import { endsWithItsTest } from '../support/test-server.js';

listenersEndWithTheirTest();
endsWithItsTest();

/** What a socket tells, in its order. */
function told(socket: Socket): string[] {
  const all: string[] = [];
  for (const name of ['end', 'error', 'close']) socket.on(name, () => all.push(name));
  return all;
}

const text = (chunks: Uint8Array[]): string => Buffer.concat(chunks).toString();

describe.each(['plain', 'over TLS'])('a socket that nobody reads, %s,', (kind) => {
  async function open(): Promise<{ near: Socket; far: Socket }> {
    if (kind === 'plain') return pair();
    const root = await Authority.root();
    const leaf = await root.issue();
    return pair({ tls: { cert: leaf.cert, key: leaf.key } }, { tls: { ca: root.cert, servername: 'localhost' } });
  }

  test('tells that its peer has ended, stays open for our side, and closes when that has ended', async () => {
    for (const accepted of [true, false]) {
      const both = await open();
      const [speaker, silent] = accepted ? [both.near, both.far] : [both.far, both.near];
      const events = told(silent);
      await speaker.end();
      await until(() => events.length > 0);
      expect(events).toEqual(['end']);
      silent.write('an answer');
      await silent.end('!');
      expect((await rest(speaker)).toString()).toBe('an answer!');
      await until(() => silent.closed && speaker.closed);
      expect(events).toEqual(['end', 'close']);
      expect([silent.failure, speaker.failure]).toEqual([undefined, undefined]);
    }
  });

  test('closes when its peer ends after us', async () => {
    const { near, far } = await open();
    const events = told(far);
    await far.end('all we say');
    await rest(near);
    await near.end();
    await until(() => far.closed);
    expect(events).toEqual(['end', 'close']);
  });

  test('tells the end to who listens later, before it has asked for a byte', async () => {
    const { near, far } = await open();
    await near.end();
    await turns(5);
    const events: string[] = [];
    far.on('data', () => events.push('data'));
    await once(far, 'end');
    await turns(2);
    far.on('end', () => events.push('again'));
    await turns(2);
    expect(events).toEqual([]);
    await far.end();
  });

  test('tells the end behind the bytes that came before it, when they are read', async () => {
    const { near, far } = await open();
    const events = told(far);
    near.write('unread');
    await near.end();
    await turns(5);
    expect(events).toEqual([]);
    expect((await rest(far)).toString()).toBe('unread');
    expect(events).toEqual(['end']);
    await far.end();
  });
});

test('a cut is told although nobody reads', async () => {
  const { near, far } = await pair();
  near.write('unread');
  await until(() => near.memory === 0 && near.info()?.unacked === 0);
  const events = told(far);
  near.destroy();
  await until(() => far.closed);
  expect(events).toEqual(['error', 'close']);
});

test('a reset is told behind an end that waits behind bytes that nobody reads', async () => {
  const { near, far } = await pair();
  const events = told(far);
  near.write('unread');
  await near.end();
  await until(() => near.info()?.unacked === 0);
  near.destroy();
  await until(() => near.closed);
  await turns(5);
  expect(events).toEqual([]);
  // Nobody is there any more who would take it: the system answers with a reset.
  far.write('x');
  await until(() => far.closed);
  expect(events).toEqual(['error', 'close']);
  expect(far.failure?.code).toBe('MILLRACE_CONNECTION_RESET');
});

test('a paused socket tells data, then the end, then that it is closed', async () => {
  const { near, far } = await pair();
  const events = told(far);
  const chunks: Uint8Array[] = [];
  far.on('data', (chunk: Uint8Array) => {
    if (chunks.push(chunk) === 1) events.push('data');
  });
  far.pause();
  near.write('paused');
  await near.end();
  // Our side is over, too.
  await far.end();
  await until(() => near.info() === null || near.info()?.unacked === 0);
  await turns(10);
  expect(events).toEqual([]);
  expect(far.closed).toBe(false);
  far.resume();
  await until(() => far.closed);
  expect(text(chunks)).toBe('paused');
  expect(events).toEqual(['data', 'end', 'close']);
  await rest(near);
});

test('a paused socket whose peer has ended can be closed and destroyed, and drops what waits', async () => {
  for (const how of ['close', 'destroy'] as const) {
    const { near, far } = await pair();
    const chunks: Uint8Array[] = [];
    far.on('data', (chunk: Uint8Array) => chunks.push(chunk)).pause();
    await near.end('dropped');
    await far.end();
    await rest(near);
    await until(() => near.closed);
    await turns(5);
    await far[how]();
    await until(() => far.closed);
    expect(chunks).toEqual([]);
  }
});

test('close() of a paused socket ends although the peer goes on', async () => {
  const { near, far } = await pair();
  far.on('data', () => undefined).pause();
  near.write(randomBytes(2_000_000));
  await turns(5);
  const closing = far.close();
  await Promise.all([near.end(), rest(near), closing]);
  expect(far.failure).toBeUndefined();
});

test('chunks of a large stream stay as they came for as long as they are kept', async () => {
  const { near, far } = await pair();
  const sent = randomBytes(8_000_000);
  const chunks: Uint8Array[] = [];
  let paused = 0;
  far.on('data', (chunk: Uint8Array) => {
    chunks.push(chunk);
    if (chunks.length % 7 !== 0) return;
    paused += 1;
    far.pause();
    setImmediate(() => far.resume());
  });
  const ended = once(far, 'end');
  near.write(sent);
  await near.end();
  await ended;
  expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  expect(paused).toBeGreaterThan(0);
  expect(far.bytesRead).toBe(sent.length);
  // No chunk holds much more memory than it is.
  const held = new Set(chunks.filter(({ length }) => length >= 65_536).map(({ buffer }) => buffer));
  const size = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(size).toBeLessThan(4 * sent.length);
  await far.end();
});
