import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';

import { setLogger } from '../../ts/index.js';
import { census } from '../../ts/native/events.js';
import { deferred, until } from '../support/condition.js';
import { endsWithItsTest, get, startWithClient } from '../support/test-server.js';

endsWithItsTest();
beforeAll(() => setLogger(null));
afterAll(() => setLogger(null));

/** One past what is copied: `COPIED` in crates/node/src/exchange.rs. */
const PINNED = 16 * 1024 + 1;
const filled = (length: number, letter: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(length).fill(letter.charCodeAt(0));

/** ES2024, which our TypeScript library does not have. */
interface ResizableBuffer extends ArrayBuffer {
  resize(length: number): void;
}
const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ResizableBuffer;

/** Takes the bytes away, as postMessage with a transfer list does. */
const detach = (bytes: Uint8Array<ArrayBuffer>): unknown => structuredClone(bytes.buffer, { transfer: [bytes.buffer] });

test('a chunk of 16 KiB is the caller’s again at once: what is written over it later does not go out', async () => {
  const bytes = filled(PINNED - 1, 'a');
  const { client } = await startWithClient({
    handler: (_req, res) => {
      res.write(bytes);
      bytes.fill(98);
      detach(bytes);
      res.end();
    },
  });
  client.send(get());
  expect((await client.response()).body.equals(Buffer.alloc(PINNED - 1, 'a'))).toBe(true);
  expect(census().pins).toBe(0);
});

test('a larger chunk is sent from where it lies: what is written over it before it has gone goes out', async () => {
  const bytes = filled(PINNED, 'a');
  const { client } = await startWithClient({
    handler: (_req, res) => {
      res.end(bytes);
      bytes.fill(98);
    },
  });
  client.send(get());
  expect((await client.response()).body.equals(Buffer.alloc(PINNED, 'b'))).toBe(true);
});

test('a larger chunk is let go with its last byte', async () => {
  const { client } = await startWithClient({ handler: (_req, res) => res.end(filled(PINNED, 'a')) });
  for (let count = 0; count < 5; count++) {
    client.send(get());
    expect((await client.response()).body.length).toBe(PINNED);
  }
  expect(census().pins).toBe(0);
});

test.each([
  ['transferred', detach],
  ['shrunk', (bytes: Uint8Array<ArrayBuffer>) => (bytes.buffer as ResizableBuffer).resize(10)],
])('a larger chunk whose buffer is %s before the flush cuts the exchange with a code', async (_name, take) => {
  const gone = deferred<unknown>();
  const { client } = await startWithClient({
    handler: (req, res) => {
      // Whoever wants to know how an answer ended has to listen, or to use send().
      res.on('close', () => gone.resolve(req.signal.reason));
      const bytes = new Uint8Array(new Resizable(PINNED, { maxByteLength: PINNED }), 0, PINNED);
      res.end(bytes);
      take(bytes);
    },
  });
  client.send(get());
  await client.closed();
  expect(client.pending.toString('latin1')).not.toContain('\r\n\r\n');
  expect(await gone.promise).toMatchObject({ code: 'MILLRACE_BUFFER_DETACHED', kind: 'misuse' });
  expect(census().pins).toBe(0);
});

test('a buffer that is transferred while half of it is with the kernel cuts the exchange; send() rejects', async () => {
  const bytes = filled(64 * 1024 * 1024, 'a');
  const outcome = deferred<unknown>();
  const { client } = await startWithClient({
    handler: (_req, res) => {
      res.send(bytes).then(
        () => outcome.resolve('sent'),
        (error: unknown) => outcome.resolve(error),
      );
    },
  });
  client.socket.pause();
  client.send(get());
  await until(() => census().pins === 1);
  detach(bytes);
  client.socket.resume();
  await client.closed();
  expect(client.received).toBeLessThan(64 * 1024 * 1024);
  expect(await outcome.promise).toMatchObject({
    code: 'MILLRACE_STREAM_CLOSED',
    cause: { code: 'MILLRACE_BUFFER_DETACHED' },
  });
});

test('a buffer that is detached before it is written is empty, and refuses nobody else', async () => {
  const bytes = filled(PINNED, 'a');
  detach(bytes);
  const { client } = await startWithClient({ handler: (_req, res) => res.end(bytes) });
  client.send(get());
  expect((await client.response()).headers['content-length']).toEqual(['0']);
});

test('shared memory can be sent, copied or not', async () => {
  const { client } = await startWithClient({
    handler: (req, res) => res.end(new Uint8Array(new SharedArrayBuffer(Number(req.path.slice(1)))).fill(97)),
  });
  for (const length of [10, PINNED]) {
    client.send(get(`/${length}`));
    expect((await client.response()).body.equals(Buffer.alloc(length, 'a'))).toBe(true);
  }
});

test('write answers true below the mark and at it, and false past it; then drain comes, as an event and as a promise', async () => {
  const answers: boolean[] = [];
  const drains: string[] = [];
  const drained = deferred();
  const { client } = await startWithClient({
    writeHighWaterMark: 1000,
    handler: async (_req, res) => {
      res.setHeader('Content-Length', 1001);
      res.flushHeaders();
      // The head is with the kernel, so that the body alone counts.
      await new Promise((resolve) => setImmediate(resolve));
      res.on('drain', () => drains.push('event'));
      answers.push(res.write(Buffer.alloc(1000)), res.write('x'));
      await res.drained();
      drains.push('promise');
      res.end();
      drained.resolve();
    },
  });
  client.send(get());
  expect((await client.response()).body.length).toBe(1001);
  await drained.promise;
  expect(answers).toEqual([true, false]);
  expect(drains).toEqual(['event', 'promise']);
});

test('drained() and the event wait for a slow reader; it then gets every byte', async () => {
  const total = 64;
  let written = 0;
  const { client } = await startWithClient({
    handler: async (_req, res) => {
      for (; written < total; written++) {
        if (!res.write(Buffer.alloc(256 * 1024, written))) await once(res, 'drain');
      }
      res.end();
    },
  });
  client.socket.pause();
  client.send(get());
  let still = 0;
  let before = -1;
  await until(() => {
    still = written === before ? still + 1 : 0;
    before = written;
    return still > 20;
  });
  expect(written).toBeLessThan(total);
  client.socket.resume();
  const { body } = await client.response();
  expect(body.length).toBe(total * 256 * 1024);
  for (let place = 0; place < total; place++) expect(body[place * 256 * 1024 + 5]).toBe(place);
});

test('drained() resolves when the client goes, and closed says so', async () => {
  const outcome = deferred<[boolean, boolean]>();
  const { client } = await startWithClient({
    handler: async (_req, res) => {
      while (res.write(Buffer.alloc(64 * 1024)));
      await res.drained();
      while (!res.closed) {
        if (!res.write(Buffer.alloc(1024 * 1024))) await res.drained();
      }
      outcome.resolve([res.closed, res.write('late')]);
    },
  });
  client.socket.pause();
  client.send(get());
  await until(() => census().streams > 0);
  client.reset();
  expect(await outcome.promise).toEqual([true, false]);
});

test('writable(): a pipeline into it sends all and ends', async () => {
  const ended = deferred<void>();
  const { client } = await startWithClient({
    handler: async (_req, res) => {
      await pipeline(Readable.from(['a', Buffer.alloc(100_000, 'b'), 'c']), res.writable());
      ended.resolve();
    },
  });
  client.send(get());
  const { body, headers } = await client.response();
  await ended.promise;
  expect([body.toString(), headers['transfer-encoding']]).toEqual([`a${'b'.repeat(100_000)}c`, ['chunked']]);
});

test('writable(): destroying it cuts the exchange', async () => {
  const { client } = await startWithClient({
    handler: (_req, res) => {
      const stream = res.writable();
      stream.write('begun', () => stream.destroy());
    },
  });
  client.send(get());
  expect((await client.rest()).toString()).not.toContain('0\r\n\r\n');
});

test('writable(): a client that goes fails the pipeline with a code', async () => {
  const failed = deferred<unknown>();
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      yield Buffer.alloc(64 * 1024);
    }
  }
  const { client } = await startWithClient({
    handler: (_req, res) => {
      pipeline(Readable.from(endless()), res.writable()).catch((error: unknown) => failed.resolve(error));
    },
  });
  client.send(get());
  await until(() => client.received > 100_000);
  client.reset();
  expect(await failed.promise).toMatchObject({ code: 'MILLRACE_STREAM_CLOSED' });
});
