import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import type { BodyInput } from '../../ts/message/outgoing-body.js';
import { setLogger } from '../../ts/index.js';
import { deferred, until } from '../support/condition.js';
import type { RawResponse } from '../support/raw-client.js';
import { RawClient } from '../support/raw-client.js';
import { Site } from '../support/site.js';
import { endsWithItsTest, get, request, startWithClient } from '../support/test-server.js';

endsWithItsTest();
beforeAll(() => setLogger(null));
afterAll(() => setLogger(null));

const folder = mkdtempSync(join(tmpdir(), 'millrace-send-'));
const path = join(folder, 'file');
const content = Buffer.from(Array.from({ length: 300_000 }, (_, place) => (place * 7919) & 255));
writeFileSync(path, content);
afterAll(() => rmSync(folder, { recursive: true }));

async function* parts(...list: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  for (const part of list) {
    await Promise.resolve();
    yield part;
  }
}

/** What a client gets of `res.send(body)`. */
async function sent(make: () => BodyInput, method = 'GET'): Promise<RawResponse & { client: RawClient }> {
  const { client } = await startWithClient({ handler: (_req, res) => res.send(make()) });
  client.send(request(method, '/'));
  return { ...(await client.response(method)), client };
}

const bytes = new Uint8Array([0, 1, 254, 255]);
const nested = new Uint8Array(new Uint8Array([9, 9, 0, 1, 254, 255, 9]).buffer, 2, 4);
const stream = (): ReadableStream =>
  new ReadableStream({
    start: (controller) => {
      controller.enqueue(bytes);
      controller.close();
    },
  });

// name, body, its bytes, its type, its length (undefined: chunked)
const KINDS: [string, () => BodyInput, Uint8Array | string, string | undefined, number | undefined][] = [
  ['a string', () => 'grüße', 'grüße', 'text/plain; charset=utf-8', 7],
  ['an empty string', () => '', '', 'text/plain; charset=utf-8', 0],
  ['a lone surrogate', () => 'a\ud800b', 'a\ufffdb', 'text/plain; charset=utf-8', 5],
  ['bytes', () => bytes, bytes, undefined, 4],
  ['a view into a larger buffer', () => nested, bytes, undefined, 4],
  ['a Buffer', () => Buffer.from(bytes), bytes, undefined, 4],
  ['an ArrayBuffer', () => bytes.slice().buffer, bytes, undefined, 4],
  ['a Blob', () => new Blob([bytes, 'x'], { type: 'image/png' }), Buffer.from([...bytes, 120]), 'image/png', 5],
  ['a Blob without a type', () => new Blob([bytes]), bytes, undefined, 4],
  ['an empty Blob', () => new Blob([]), '', undefined, 0],
  [
    'URLSearchParams',
    () => new URLSearchParams({ a: 'b c', d: 'ü' }),
    'a=b+c&d=%C3%BC',
    'application/x-www-form-urlencoded; charset=utf-8',
    14,
  ],
  ['a Readable', () => Readable.from([Buffer.from('ab'), Buffer.from('c')]), 'abc', undefined, undefined],
  ['a ReadableStream', stream, bytes, undefined, undefined],
  ['an async iterable', () => parts('ü', bytes), Buffer.from([195, 188, ...bytes]), undefined, undefined],
  ['an async iterable of nothing', () => parts(), '', undefined, 0],
  ['a file', () => ({ file: path }), content, undefined, 300_000],
  ['a range of a file', () => ({ file: path, start: 5, end: 9 }), content.subarray(5, 9), undefined, 4],
  [
    'a range past the end of a file',
    () => ({ file: path, start: 299_990, end: 4e5 }),
    content.subarray(299_990),
    undefined,
    10,
  ],
  ['an empty range of a file', () => ({ file: path, start: 7, end: 7 }), '', undefined, 0],
  ['null', () => null, '', undefined, 0],
];

test.each(KINDS)('send() of %s: its bytes, its type, its length', async (_name, make, wanted, type, length) => {
  const { status, body, headers } = await sent(make);
  expect(status).toBe(200);
  expect(body.equals(Buffer.from(wanted as string))).toBe(true);
  expect(headers['content-type']).toEqual(type === undefined ? undefined : [type]);
  expect(headers['content-length']).toEqual(length === undefined ? undefined : [String(length)]);
  expect(headers['transfer-encoding']).toEqual(length === undefined ? ['chunked'] : undefined);
});

test.each(KINDS)('send() of %s to HEAD: the same head and no body', async (_name, make, _wanted, type, length) => {
  const { status, headers, client } = await sent(make, 'HEAD');
  expect([status, headers['content-length']]).toEqual([200, length === undefined ? undefined : [String(length)]]);
  expect(headers['content-type']).toEqual(type === undefined ? undefined : [type]);
  // The next answer stands right behind the head.
  client.send(request('HEAD', '/'));
  expect((await client.response('HEAD')).status).toBe(200);
});

test('send() of a FileHandle leaves it open: it is its owner who closes it', async () => {
  const handle = await open(path);
  try {
    for (let time = 0; time < 2; time++) {
      const { body } = await sent(() => ({ file: handle, start: 5 }));
      expect(body.equals(content.subarray(5))).toBe(true);
    }
    expect((await handle.stat()).size).toBe(content.length);
  } finally {
    await handle.close();
  }
});

test('send() of FormData is multipart, with the boundary in its type', async () => {
  const { body, headers } = await sent(() => {
    const form = new FormData();
    form.set('field', 'value');
    form.set('file', new Blob(['content']), 'name.txt');
    return form;
  });
  const [type] = headers['content-type'];
  expect(type).toMatch(/^multipart\/form-data; boundary=/);
  const form = await new globalThis.Response(body, { headers: { 'content-type': type } }).formData();
  expect([form.get('field'), await (form.get('file') as File).text()]).toEqual(['value', 'content']);
  expect(headers['content-length']).toEqual([String(body.length)]);
});

test('send() keeps a type and a length that were set', async () => {
  const { client } = await startWithClient({
    handler: (_req, res) => {
      res.setHeader('Content-Type', 'text/html').setHeader('Content-Length', 3);
      return res.send(parts('a', 'bc'));
    },
  });
  client.send(get());
  const { headers, body } = await client.response();
  expect([headers['content-type'], headers['content-length'], body.toString()]).toEqual([['text/html'], ['3'], 'abc']);
});

test.each([
  ['a number', 5],
  ['an object of another kind', { not: 'a body' }],
  ['undefined', undefined],
])('send() of %s is refused with a code, and answered with 500', async (_name, value) => {
  const told = deferred<unknown>();
  const { client } = await startWithClient({
    handler: (_req, res) => res.send(value as unknown as string),
    onError: (error) => void told.resolve(error),
  });
  client.send(get());
  expect((await client.response()).status).toBe(500);
  expect(await told.promise).toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT', kind: 'misuse' });
});

test('send() of a file that is not there rejects before a head has gone out', async () => {
  const told = deferred<unknown>();
  const { client } = await startWithClient({
    handler: (_req, res) => res.send({ file: join(folder, 'missing') }),
    onError: (error) => (told.resolve(error), 404),
  });
  client.send(get());
  expect((await client.response()).status).toBe(404);
  expect(await told.promise).toMatchObject({ code: 'ENOENT' });
});

test('send() of a file holds one descriptor while its reader is slow, and leaves the handle of a caller open', async () => {
  const site = new Site();
  try {
    const large = join(site.root, 'large');
    writeFileSync(large, '');
    truncateSync(large, 64 << 20);
    let handle: FileHandle | undefined;
    const { server, client } = await startWithClient({
      handler: async (req, res) => {
        if (req.path === '/handle') handle = await open(large);
        // The client is cut with the test.
        await res.send({ file: handle ?? large }).catch(() => undefined);
      },
    });
    client.socket.pause();
    client.send(get());
    await until(() => server.stats().bytes.sent > 0 && site.openFiles() === 1);
    const other = await RawClient.connect(server);
    other.socket.pause();
    const before = server.stats().bytes.sent;
    other.send(get('/handle'));
    // The caller's, and the core's own.
    await until(() => server.stats().bytes.sent > before && site.openFiles() === 3);
    client.reset();
    other.reset();
    await until(() => site.openFiles() === 1);
    expect(handle?.fd).toBeGreaterThanOrEqual(0);
    await handle?.close();
  } finally {
    site.remove();
  }
});

test('send() waits for a slow reader, and rejects with a code when it leaves', async () => {
  let pulled = 0;
  const outcome = deferred<unknown>();
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      pulled++;
      await Promise.resolve();
      yield Buffer.alloc(64 * 1024, 'x');
    }
  }
  const { client } = await startWithClient({
    handler: (_req, res) =>
      res.send(endless()).then(
        () => outcome.resolve(undefined),
        (error: unknown) => outcome.resolve(error),
      ),
  });
  client.socket.pause();
  client.send(get());
  let before = -1;
  // Full: nothing is pulled for several turns in a row.
  let still = 0;
  await until(() => {
    still = pulled === before && pulled > 0 ? still + 1 : 0;
    before = pulled;
    return still > 20;
  });
  expect(pulled).toBeLessThan(400);
  client.destroy();
  expect(await outcome.promise).toMatchObject({ code: 'MILLRACE_STREAM_CLOSED' });
});
