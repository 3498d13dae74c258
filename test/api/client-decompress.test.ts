import * as zlib from 'node:zlib';

import { MillraceError } from '../../ts/index.js';
import type { ContentCoding } from '../../ts/client/content-coding.js';
import { acceptEncoding, contentCodings, hasZstd, MAX_CODINGS } from '../../ts/client/content-coding.js';
import type { DecompressionLimits } from '../../ts/client/decompress.js';
import { decompress, decompressNow, Decompressor, decompressWhole } from '../../ts/client/decompress.js';

const MiB = 1024 * 1024;
type Encode = (bytes: Uint8Array) => Buffer;
const { zstdCompressSync } = zlib as unknown as { zstdCompressSync?: Encode };
const forms: [name: string, coding: ContentCoding, encode: Encode][] = [
  ['gzip', 'gzip', zlib.gzipSync],
  ['deflate', 'deflate', zlib.deflateSync],
  ['deflate without a head', 'deflate', zlib.deflateRawSync],
  ['br', 'br', zlib.brotliCompressSync],
];
if (zstdCompressSync !== undefined) forms.push(['zstd', 'zstd', zstdCompressSync]);
else console.log('zstd is not tested: this Node.js has none');

async function* of(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

async function streamed(chunks: Uint8Array[], codings: ContentCoding[], limits?: DecompressionLimits): Promise<Buffer> {
  const outputs: Uint8Array[] = [];
  for await (const output of decompress(of(...chunks), codings, limits)) outputs.push(output);
  return Buffer.concat(outputs);
}

/** Both ways must agree: streamed and whole. The code of the error, or what came out. */
async function both(
  body: Uint8Array,
  codings: ContentCoding[],
  limits?: DecompressionLimits,
): Promise<Buffer | string> {
  const answer = async (promise: Promise<Uint8Array>): Promise<Buffer | string> => {
    try {
      return Buffer.from(await promise);
    } catch (error) {
      expect(error).toBeInstanceOf(MillraceError);
      return (error as MillraceError).code.replace('MILLRACE_', '');
    }
  };
  const whole = await answer(decompressWhole(body, codings, limits));
  const other = await answer(streamed([body], codings, limits));
  if (typeof whole === 'string' || typeof other === 'string') expect(other).toBe(whole);
  else expect(whole.equals(other)).toBe(true);
  return whole;
}

const split = (bytes: Uint8Array, size: number): Uint8Array[] => {
  const parts = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
  return parts;
};

const text = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(20));
const noise = Buffer.from(Array.from({ length: 60_000 }, (_, at) => (Math.imul(at, 2_654_435_761) >>> 13) & 0xff));

describe.each(forms)('%s', (_, coding, encode) => {
  test('is undone, whole, in halves, byte by byte, with empty chunks between', async () => {
    const body = encode(text);
    expect(Buffer.from(await decompressWhole(body, [coding]))).toEqual(text);
    expect(Buffer.from(decompressNow(body, [coding]) as Uint8Array)).toEqual(text);
    expect(await streamed([body], [coding])).toEqual(text);
    expect(await streamed(split(body, Math.ceil(body.length / 2)), [coding])).toEqual(text);
    expect(await streamed(split(body, 1), [coding])).toEqual(text);
    const holes = split(body, 7).flatMap((part) => [new Uint8Array(0), part]);
    expect(await streamed(holes, [coding])).toEqual(text);
  });

  test('is undone when it is large, both ways', async () => {
    const large = Buffer.concat([noise, text, Buffer.alloc(MiB, 'x'), noise]);
    const body = encode(large);
    expect(decompressNow(body, [coding])).toBeUndefined();
    // Jest compares megabytes element by element.
    expect(large.equals(await decompressWhole(body, [coding]))).toBe(true);
    expect(large.equals(await streamed(split(body, 16_384), [coding]))).toBe(true);
  });

  test('is an error when it ends too soon, wherever it is cut', async () => {
    const body = encode(Buffer.from('truth '.repeat(9)));
    for (let cut = 1; cut < body.length; cut++) {
      expect([cut, await both(body.subarray(0, cut), [coding])]).toEqual([cut, 'HTTP_TRUNCATED_CONTENT']);
    }
    const large = encode(noise);
    expect(await both(large.subarray(0, -1), [coding])).toBe('HTTP_TRUNCATED_CONTENT');
  });

  test('of no bytes is an empty body', async () => {
    expect(await both(new Uint8Array(0), [coding])).toEqual(Buffer.alloc(0));
    expect(await streamed([], [coding])).toEqual(Buffer.alloc(0));
  });

  test('of an empty body is one', async () => {
    expect(await both(encode(Buffer.alloc(0)), [coding])).toEqual(Buffer.alloc(0));
  });

  test('with garbage behind it is an error, in the same chunk or in the next', async () => {
    for (const garbage of ['x', '\n', 'a longer piece of text']) {
      const bytes = Buffer.from(garbage);
      // One byte behind gzip may be the beginning of a member's head: then that is cut.
      const code = coding === 'gzip' && bytes.length === 1 ? 'HTTP_TRUNCATED_CONTENT' : 'HTTP_INVALID_CONTENT';
      expect(await both(Buffer.concat([encode(text), bytes]), [coding])).toBe(code);
      await expect(streamed([encode(text), bytes], [coding])).rejects.toThrow(
        expect.objectContaining({ code: `MILLRACE_${code}` }) as Error,
      );
    }
  });

  test('that was never compressed is an error', async () => {
    expect(await both(Buffer.from('<html>plain text</html>, a page of it'), [coding])).toMatch(
      /^HTTP_(INVALID|TRUNCATED)_CONTENT$/,
    );
  });
});

test('gzip with its checksum or its length changed is an error', async () => {
  const body = zlib.gzipSync(text);
  for (let place = body.length - 8; place < body.length; place++) {
    const wrong = Buffer.from(body);
    wrong[place] ^= 1;
    expect(await both(wrong, ['gzip'])).toBe('HTTP_INVALID_CONTENT');
  }
});

test('members of gzip follow each other, however they are cut, and zeros may pad the last', async () => {
  const body = Buffer.concat([zlib.gzipSync('one '), zlib.gzipSync('two '), zlib.gzipSync(''), zlib.gzipSync('three')]);
  for (let size = 1; size < body.length; size++) {
    expect((await streamed(split(body, size), ['gzip'])).toString()).toBe('one two three');
  }
  const padded = Buffer.concat([body, Buffer.alloc(512)]);
  expect((await both(padded, ['gzip'])).toString()).toBe('one two three');
  expect((await streamed(split(padded, 3), ['gzip'])).toString()).toBe('one two three');
  expect((await streamed([body, Buffer.alloc(512), Buffer.alloc(1)], ['gzip'])).toString()).toBe('one two three');
  const spoilt = Buffer.concat([padded, Buffer.from([1])]);
  expect(await both(spoilt, ['gzip'])).toBe('HTTP_INVALID_CONTENT');
  await expect(streamed([padded, Buffer.from([1])], ['gzip'])).rejects.toThrow(/bytes follow/);
  expect(await both(Buffer.concat([body, zlib.gzipSync('four').subarray(0, -3)]), ['gzip'])).toBe(
    'HTTP_TRUNCATED_CONTENT',
  );
});

test('codings within each other are undone in reverse', async () => {
  const body = zlib.gzipSync(zlib.brotliCompressSync(zlib.deflateSync(text)));
  expect(await both(body, ['deflate', 'br', 'gzip'])).toEqual(text);
  expect(await streamed(split(body, 3), ['deflate', 'br', 'gzip'])).toEqual(text);
  expect(await both(body, ['deflate', 'gzip', 'br'])).toMatch(/CONTENT$/);
  expect(await both(body.subarray(0, -9), ['deflate', 'br', 'gzip'])).toBe('HTTP_TRUNCATED_CONTENT');
});

describe('Content-Encoding', () => {
  test.each<[string | undefined, ContentCoding[] | null]>([
    [undefined, []],
    ['', []],
    ['identity', []],
    ['gzip', ['gzip']],
    ['GZip', ['gzip']],
    ['x-gzip', ['gzip']],
    ['deflate', ['deflate']],
    ['br', ['br']],
    ['gzip, br', ['gzip', 'br']],
    [' gzip ,, identity\t, deflate', ['gzip', 'deflate']],
    ['compress', null],
    ['gzip, aws-chunked', null],
    ['zstd', hasZstd() ? ['zstd'] : null],
    [Array(MAX_CODINGS).fill('gzip').join(), Array(MAX_CODINGS).fill('gzip') as ContentCoding[]],
  ])('%j is %j', (field, codings) => {
    expect(contentCodings(field)).toEqual(codings);
  });

  test('one coding more than are undone is refused', () => {
    expect(() =>
      contentCodings(
        Array(MAX_CODINGS + 1)
          .fill('gzip')
          .join(),
      ),
    ).toThrow(
      expect.objectContaining({
        code: 'MILLRACE_HTTP_TOO_MANY_CODINGS',
        limit: { option: 'contentCodings', value: 5, seen: 6 },
      }) as Error,
    );
  });

  test('Accept-Encoding offers zstd only where this Node.js has it', () => {
    expect(acceptEncoding()).toBe(zstdCompressSync ? 'gzip, deflate, br, zstd' : 'gzip, deflate, br');
  });
});

describe('bombs', () => {
  /** What came out before it ended, and with what. */
  async function drained(
    body: Uint8Array,
    codings: ContentCoding[],
    limits?: DecompressionLimits,
  ): Promise<{ output: number; error: unknown }> {
    let output = 0;
    try {
      for await (const chunk of decompress(of(...split(body, 65_536)), codings, limits)) output += chunk.byteLength;
    } catch (error) {
      return { output, error };
    }
    return { output, error: undefined };
  }
  const refused = expect.objectContaining({ code: 'MILLRACE_HTTP_EXPANSION_TOO_LARGE' }) as unknown;

  test('an expansion by more than 1 000 is borne up to 10 MiB, and refused one byte past', async () => {
    const at = zlib.gzipSync(Buffer.alloc(10 * MiB), { level: 9 });
    expect((10 * MiB) / at.length).toBeGreaterThan(1_000);
    expect(await drained(at, ['gzip'])).toEqual({ output: 10 * MiB, error: undefined });
    const past = zlib.gzipSync(Buffer.alloc(10 * MiB + 1), { level: 9 });
    const { output, error } = await drained(past, ['gzip']);
    expect(error).toEqual(refused);
    expect(output).toBeLessThanOrEqual(10 * MiB);
    expect(error).toMatchObject({ limit: { option: 'maxExpansion', value: 1_000 } });
  });

  test('a bomb of brotli, a million times its size, is stopped at 10 MiB', async () => {
    const bomb = zlib.brotliCompressSync(Buffer.alloc(16 * MiB), {
      params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5, [zlib.constants.BROTLI_PARAM_LGWIN]: 24 },
    });
    expect(bomb.length).toBeLessThan(100);
    const { output, error } = await drained(bomb, ['br']);
    expect(error).toEqual(refused);
    expect(output).toBeLessThanOrEqual(10 * MiB);
    await expect(decompressWhole(bomb, ['br'])).rejects.toEqual(refused);
  });

  test('a bomb within a bomb is judged by what came over the wire, whichever coding expands', async () => {
    const inner = zlib.gzipSync(Buffer.alloc(16 * MiB), { level: 9 });
    const body = zlib.gzipSync(inner, { level: 9 });
    expect((await drained(body, ['gzip', 'gzip'])).error).toEqual(refused);
    // The inner one expands to what the outer one would take for an error only at its end.
    const wide = zlib.gzipSync(Buffer.concat([zlib.gzipSync('x'), Buffer.alloc(16 * MiB)]), { level: 9 });
    expect((await drained(wide, ['gzip', 'gzip'])).error).toEqual(refused);
  });

  test('maxExpansion moves the bound, and null lifts it', async () => {
    const body = zlib.gzipSync(Buffer.alloc(12 * MiB), { level: 9 });
    expect(await drained(body, ['gzip'], { maxExpansion: 1_100 })).toEqual({ output: 12 * MiB, error: undefined });
    expect(await drained(body, ['gzip'], { maxExpansion: null })).toEqual({ output: 12 * MiB, error: undefined });
    expect((await drained(body, ['gzip'], { maxExpansion: 100 })).error).toEqual(refused);
  });

  test('maxSize bounds what comes out: exactly so many bytes pass, one more does not', async () => {
    for (const size of [1_000, 300_000]) {
      const body = zlib.gzipSync(Buffer.alloc(size, 'ab'));
      expect(await both(body, ['gzip'], { maxSize: size })).toHaveLength(size);
      expect(await both(body, ['gzip'], { maxSize: size - 1 })).toBe('COLLECTED_TOO_LARGE');
      await expect(decompressWhole(body, ['gzip'], { maxSize: size - 1 })).rejects.toMatchObject({
        limit: { option: 'maxResponseSize', value: size - 1 },
      });
    }
  });

  test('a small bomb is not undone at once', () => {
    const bomb = zlib.brotliCompressSync(Buffer.alloc(16 * MiB), {
      params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 },
    });
    expect(bomb.length).toBeLessThan(16 * 1024);
    expect(decompressNow(bomb, ['br'])).toBeUndefined();
  });
});

describe('a reader', () => {
  test.each<[ContentCoding, () => zlib.Gzip | zlib.BrotliCompress]>([
    ['gzip', () => zlib.createGzip()],
    ['deflate', () => zlib.createDeflate()],
    ['br', () => zlib.createBrotliCompress()],
  ])('of %s gets what the server has flushed before anything more comes', async (coding, make) => {
    const encoder = make();
    const pieces: Buffer[] = [];
    encoder.on('data', (piece: Buffer) => pieces.push(piece));
    const decompressor = new Decompressor([coding]);
    for (const event of ['first', 'second', 'third']) {
      encoder.write(event);
      await new Promise<void>((resolve) => encoder.flush(resolve));
      let text = '';
      for (const piece of pieces.splice(0)) {
        for await (const output of decompressor.write(piece)) text += Buffer.from(output).toString();
      }
      expect(text).toBe(event);
    }
    expect(decompressor.counts.output).toBe('firstsecondthird'.length);
    decompressor.destroy();
    encoder.destroy();
  });

  test('who does not take what came out holds back the source', async () => {
    const body = zlib.gzipSync(Buffer.concat(Array<Buffer>(60).fill(noise)), { level: 1 });
    const parts = split(body, 4_096);
    let given = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (const part of parts) {
        given++;
        yield await Promise.resolve(part);
      }
    }
    const outputs = decompress(source(), ['gzip']);
    const first = await outputs.next();
    expect(first.done).toBe(false);
    const upTo = given;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(given).toBe(upTo);
    expect(given).toBeLessThan(parts.length / 4);
    await outputs.return();
  });

  test('who leaves early ends the source', async () => {
    let ended = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (const part of split(zlib.gzipSync(noise), 1_000)) yield await Promise.resolve(part);
      } finally {
        ended = true;
      }
    }
    for await (const output of decompress(source(), ['gzip'])) {
      expect(output.byteLength).toBeGreaterThan(0);
      break;
    }
    expect(ended).toBe(true);
  });

  test('gets the error of a source that fails, and everything before it', async () => {
    const failure = new Error('reset');
    const body = zlib.gzipSync(noise, { level: 0 });
    async function* source(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(body.subarray(0, 50_000));
      throw failure;
    }
    let seen = 0;
    const reading = (async () => {
      for await (const output of decompress(source(), ['gzip'])) seen += output.byteLength;
    })();
    await expect(reading).rejects.toBe(failure);
    expect(seen).toBeGreaterThan(40_000);
  });

  test('keeps chunks that stay as they were', async () => {
    const large = Buffer.concat([noise, text, noise]);
    const kept: [Uint8Array, string][] = [];
    for await (const output of decompress(of(...split(zlib.gzipSync(large), 999)), ['gzip'])) {
      kept.push([output, Buffer.from(output).toString('latin1')]);
    }
    for (const [output, then] of kept) expect(Buffer.from(output).toString('latin1')).toBe(then);
  });
});
