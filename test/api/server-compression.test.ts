import zlib from 'node:zlib';

import type { CompressionOptions, ServeOptions, ServerRequest, ServerResponse } from '../../ts/index.js';
import { compress, heldMemory, Response, serve, serveStatic } from '../../ts/index.js';
import { turns, until } from '../support/condition.js';
import type { RawResponse } from '../support/raw-client.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, request, start, startWithClient } from '../support/test-server.js';
import { Site } from '../support/site.js';

endsWithItsTest();

type Handler = (req: ServerRequest, res: ServerResponse) => unknown;

const TEXT = 'a text that repeats itself, '.repeat(100);
const HAS_ZSTD = 'createZstdCompress' in zlib;
const text: Handler = (_req, res) => res.setHeader('Content-Type', 'text/plain').end(TEXT);

const decoders: Record<string, (bytes: Buffer) => Buffer> = {
  br: (bytes) => zlib.brotliDecompressSync(bytes),
  gzip: (bytes) => zlib.gunzipSync(bytes),
  zstd: (bytes) => (zlib as unknown as { zstdDecompressSync(bytes: Buffer): Buffer }).zstdDecompressSync(bytes),
};

/** A stream that undoes a coding. */
function decompressor(coding: string): zlib.Gunzip {
  if (coding === 'gzip') return zlib.createGunzip();
  if (coding === 'br') return zlib.createBrotliDecompress();
  return (zlib as unknown as { createZstdDecompress(): zlib.Gunzip }).createZstdDecompress();
}

/** What a client that takes these codings gets of a handler. */
async function ask(
  handler: Handler,
  accept: string | null = 'gzip, br',
  options: CompressionOptions | boolean = true,
  { method = 'GET', fields = [] as string[] } = {},
): Promise<RawResponse & { decoded: string }> {
  const { client } = await startWithClient({ compression: options, handler });
  const asked = accept === null ? [] : [`Accept-Encoding: ${accept}`];
  const answer = await client.send(request(method, '/', [...asked, ...fields])).response(method);
  const coding = answer.headers['content-encoding']?.[0];
  const decoded = coding === undefined || method === 'HEAD' ? answer.body : decoders[coding](answer.body);
  return { ...answer, decoded: decoded.toString() };
}

const codingOf = ({ headers }: RawResponse): string | undefined => headers['content-encoding']?.[0];

test.each([
  ['br', 'br'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['zstd', HAS_ZSTD ? 'zstd' : undefined],
  ['gzip, deflate, br', 'br'],
  ['gzip;q=1.0, br;q=0.5', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['*', 'br'],
  ['*;q=0, gzip;q=0.1', 'gzip'],
  ['identity', undefined],
  ['identity;q=1, gzip;q=0.5', undefined],
  ['deflate', undefined],
  ['gzip;q=2', undefined],
  ['', undefined],
  [null, undefined],
])('%s is answered with the coding %s', async (accept, coding) => {
  const answer = await ask(text, accept);
  expect(codingOf(answer)).toBe(coding);
  expect(answer.decoded).toBe(TEXT);
  expect(answer.headers['content-length']).toEqual([String(answer.body.length)]);
  if (coding !== undefined) expect(answer.body.length).toBeLessThan(TEXT.length / 10);
  // A cache has to know that another client would get something else.
  expect(answer.headers.vary).toEqual(['Accept-Encoding']);
});

test('nothing is compressed unless asked', async () => {
  const { client } = await startWithClient({ handler: text });
  const answer = await client.send(get('/', 'Accept-Encoding: gzip, br')).response();
  expect([codingOf(answer), answer.headers.vary, answer.body.toString()]).toEqual([undefined, undefined, TEXT]);
  expect(codingOf(await ask(text, 'gzip', false))).toBeUndefined();
});

test('a body of the threshold is compressed, one byte less goes as it is', async () => {
  const of = (size: number) =>
    ask((_req, res) => res.setHeader('Content-Type', 'text/plain').end('x'.repeat(size)), 'gzip');
  expect(codingOf(await of(1_024))).toBe('gzip');
  expect(codingOf(await of(1_023))).toBeUndefined();
  const small: Handler = (_req, res) => res.setHeader('Content-Type', 'text/plain').end('x'.repeat(100));
  expect(codingOf(await ask(small, 'gzip', { threshold: 100 }))).toBe('gzip');
  expect(codingOf(await ask(small, 'gzip', { threshold: 101 }))).toBeUndefined();
});

test.each([
  ['text/plain', true],
  ['text/html; charset=utf-8', true],
  ['application/json', true],
  ['application/problem+json', true],
  ['image/svg+xml', true],
  ['Application/JavaScript', true],
  ['image/png', false],
  ['video/mp4', false],
  ['application/zip', false],
  ['application/octet-stream', false],
  ['application/x-nobody-knows', false],
  ['text/x-nobody-knows', true],
])('the type %s is compressed: %p', async (type, yes) => {
  const answer = await ask((_req, res) => res.setHeader('Content-Type', type).end(TEXT), 'gzip');
  expect(codingOf(answer)).toBe(yes ? 'gzip' : undefined);
  expect(answer.decoded).toBe(TEXT);
});

test.each<[string, Handler]>([
  [
    'a part of a content',
    (_req, res) => res.writeHead(206, { 'Content-Range': 'bytes 0-9/99', 'Content-Type': 'text/plain' }),
  ],
  [
    'what is coded already',
    (_req, res) => res.writeHead(200, { 'Content-Encoding': 'x', 'Content-Type': 'text/plain' }),
  ],
  [
    'no-transform',
    (_req, res) => res.writeHead(200, { 'Cache-Control': 'a, no-transform', 'Content-Type': 'text/plain' }),
  ],
  [
    'a digest of the bytes',
    (_req, res) => res.writeHead(200, { 'Repr-Digest': 'sha-256=:x:', 'Content-Type': 'text/plain' }),
  ],
  ['a content without a type', (_req, res) => res.writeHead(200)],
])('%s goes as it is', async (_name, head) => {
  const { client } = await startWithClient({
    compression: true,
    handler: (req, res) => {
      head(req, res);
      res.end(TEXT);
    },
  });
  const answer = await client.send(get('/', 'Accept-Encoding: gzip')).response();
  expect(answer.headers['content-encoding'] ?? ['x']).toEqual(['x']);
  expect(answer.body.toString()).toBe(TEXT);
});

test('a strong ETag becomes a weak one, ranges are not offered, and a 304 has the weak one too', async () => {
  const tagged: Handler = (req, res) => {
    res.setHeader('ETag', '"one"').setHeader('Accept-Ranges', 'bytes').setHeader('Content-Type', 'text/plain');
    if (req.headers.has('if-none-match')) res.writeHead(304).end();
    else res.end(TEXT);
  };
  const whole = await ask(tagged, 'br');
  expect([whole.headers.etag, whole.headers['accept-ranges']]).toEqual([['W/"one"'], undefined]);
  const same = await ask(tagged, 'br', true, { fields: ['If-None-Match: W/"one"'] });
  expect([same.status, same.headers.etag, same.headers.vary]).toEqual([304, ['W/"one"'], ['Accept-Encoding']]);
  const plain = await ask(tagged, null);
  expect([plain.headers.etag, plain.headers['accept-ranges']]).toEqual([['"one"'], ['bytes']]);
});

test('HEAD has the fields of a compressed answer and no body', async () => {
  const answer = await ask(
    (_req, res) => res.setHeader('Content-Type', 'text/plain').setHeader('Content-Length', 5_000).end(),
    'br',
    true,
    { method: 'HEAD' },
  );
  expect([codingOf(answer), answer.body.length, answer.headers['content-length']]).toEqual(['br', 0, undefined]);
});

test('Vary keeps what the handler said', async () => {
  const answer = await ask((req, res) => text(req, res.setHeader('Vary', 'Origin')), 'gzip');
  expect(answer.headers.vary?.join(', ')).toBe('Origin, Accept-Encoding');
});

test.each(['br', 'gzip', ...(HAS_ZSTD ? ['zstd'] : [])])(
  'a stream is compressed by %s as it is written: no chunk waits for the next',
  async (coding) => {
    const open: ServerResponse[] = [];
    const { client } = await startWithClient({
      compression: { encodings: [coding as 'br'] },
      handler: (_req, res) => {
        open.push(res.setHeader('Content-Type', 'text/event-stream'));
        res.write('data: one\n\n');
      },
    });
    client.send(get('/', `Accept-Encoding: ${coding}`));
    const head = await client.until('\r\n\r\n');
    expect(head.toLowerCase()).toContain(`content-encoding: ${coding}`);
    const stream = decompressor(coding);
    let got = '';
    stream.on('data', (bytes: Buffer) => (got += bytes.toString()));
    /** Gives what has come, its chunks taken apart, to the decoder. */
    const feed = (): void => {
      for (;;) {
        const match = /^([0-9a-f]+)\r\n/.exec(client.pending.toString('latin1'));
        const size = parseInt(match?.[1] ?? '0', 16);
        if (match === null || size === 0 || client.pending.length < match[0].length + size + 2) return;
        client.take(match[0].length);
        stream.write(Buffer.from(client.take(size)));
        client.take(2);
      }
    };
    for (const line of ['one', 'two', 'three']) {
      if (line !== 'one') open[0].write(`data: ${line}\n\n`);
      await until(() => (feed(), got.endsWith(`data: ${line}\n\n`)), `the event ${line}`);
    }
    open[0].end();
    await client.until('0\r\n\r\n');
    stream.destroy();
  },
);

test('a slow reader of a compressed stream makes its writer wait, and gets every byte', async () => {
  // Noise, so that what is compressed is as large as what was written: more than the system's buffers hold.
  const piece = Buffer.alloc(512 * 1024);
  for (let at = 0, seed = 1; at < piece.length; at += 4) {
    seed = Math.imul(seed, 1_664_525) + 1_013_904_223;
    piece.writeInt32LE(seed | 0, at);
  }
  const PIECES = 30;
  let written = 0;
  const { client } = await startWithClient({
    compression: { level: 1 },
    handler: async (_req, res) => {
      res.setHeader('Content-Type', 'text/plain');
      for (; written < PIECES; written++) if (!res.write(piece)) await res.drained();
      res.end();
    },
  });
  client.socket.pause();
  // HTTP/1.0: the body ends with the connection, and has no chunks to be taken apart.
  client.send('GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n');
  await until(() => written > 0);
  let before = -1;
  while (before !== written) {
    before = written;
    await turns(50);
  }
  expect(written).toBeLessThan(PIECES);
  expect(heldMemory()).toBeLessThan(4 << 20);
  client.socket.resume();
  const got = await client.rest();
  const body = got.subarray(got.indexOf('\r\n\r\n') + 4);
  expect(zlib.gunzipSync(body).equals(Buffer.concat(Array<Buffer>(PIECES).fill(piece)))).toBe(true);
});

test('a client that leaves in the middle of a compressed stream ends it, and nothing stays', async () => {
  const left: boolean[] = [];
  const { client } = await startWithClient({
    compression: true,
    handler: async (req, res) => {
      res.setHeader('Content-Type', 'text/plain');
      while (!req.signal.aborted) {
        res.write(TEXT);
        await new Promise((resolve) => setImmediate(resolve));
      }
      left.push(res.closed);
    },
  });
  client.send(get('/', 'Accept-Encoding: br'));
  await client.until('\r\n\r\n');
  client.reset();
  await until(() => left.length === 1);
  expect(left).toEqual([true]);
});

test('fetch handlers, send() and static files are compressed as well', async () => {
  const options: ServeOptions = { compression: { encodings: ['gzip'] }, fetch: () => new Response(TEXT) };
  const { client } = await startWithClient(options);
  const fetched = await client.send(get('/', 'Accept-Encoding: gzip')).response();
  expect([codingOf(fetched), zlib.gunzipSync(fetched.body).toString()]).toEqual(['gzip', TEXT]);

  const blob = new Blob([TEXT], { type: 'text/plain' });
  const sent = await ask((_req, res) => res.send(blob), 'gzip');
  expect([codingOf(sent), sent.decoded === TEXT]).toEqual(['gzip', true]);

  const site = new Site();
  try {
    site.write('a.txt', TEXT);
    const server = await start({ compression: true, handler: serveStatic(site.root) });
    const reader = await RawClient.connect(server);
    const file = await reader.send(get('/a.txt', 'Accept-Encoding: gzip')).response();
    expect([codingOf(file), zlib.gunzipSync(file.body).toString()]).toEqual(['gzip', TEXT]);
    expect(file.headers.etag?.[0]).toMatch(/^W\//);
    const part = await reader.send(get('/a.txt', 'Accept-Encoding: gzip', 'Range: bytes=0-9')).response();
    expect([part.status, codingOf(part), part.body.toString()]).toEqual([206, undefined, TEXT.slice(0, 10)]);
  } finally {
    site.remove();
  }
});

test('compress() as middleware compresses those responses that it goes before', async () => {
  const only = compress({ encodings: ['gzip'], threshold: 0 });
  const { client } = await startWithClient({
    middleware: [(req, res, next) => (req.path === '/yes' ? only(req, res, next) : next())],
    handler: text,
  });
  expect(codingOf(await client.send(get('/yes', 'Accept-Encoding: gzip')).response())).toBe('gzip');
  expect(codingOf(await client.send(get('/no', 'Accept-Encoding: gzip')).response())).toBeUndefined();
});

test('the options types, encodings and level are heeded', async () => {
  const types = { types: ['image/*', 'application/x-own'] };
  const typed = (type: string) => ask((_req, res) => res.setHeader('Content-Type', type).end(TEXT), 'gzip', types);
  expect(codingOf(await typed('image/png'))).toBe('gzip');
  expect(codingOf(await typed('application/x-own'))).toBe('gzip');
  expect(codingOf(await typed('text/plain'))).toBeUndefined();
  expect(codingOf(await ask(text, 'gzip, br', { encodings: ['gzip', 'br'] }))).toBe('gzip');
  const words = Array.from({ length: 4_000 }, (_, at) => `word${(at * 7_919) % 1_000}`).join(' ');
  const sized = async (level: number): Promise<number> => {
    const answer = await ask((_req, res) => res.setHeader('Content-Type', 'text/plain').end(words), 'gzip', { level });
    expect(answer.decoded).toBe(words);
    return answer.body.length;
  };
  expect(await sized(9)).toBeLessThan(await sized(1));
});

test.each([
  [{ threshold: -1 }, RangeError],
  [{ types: [] }, TypeError],
  [{ types: ['text'] }, TypeError],
  [{ level: 10 }, RangeError],
  [{ encodings: ['deflate'] }, RangeError],
  [{ types: 'text/plain' }, TypeError],
  [{ treshold: 1 }, TypeError],
  [3, TypeError],
])('the option %j is refused', async (compression, kind) => {
  const attempt = serve({ compression: compression as never, handler: text, host: '127.0.0.1' });
  await expect(attempt).rejects.toBeInstanceOf(kind);
});
