import type { Transform } from 'node:stream';

type Zlib = typeof import('node:zlib');
type Encode = (bytes: Uint8Array, options: object, done: (error: Error | null, result: Uint8Array) => void) => void;

/** A compressing stream of node:zlib. */
export type Encoder = Transform & { flush(kind: number): void };

/** Content codings that a body can be compressed by. */
export type ContentCoding = 'br' | 'zstd' | 'gzip';

/**
 * In the order of preference where a client weighs them alike: at the levels below they make about the same of text, and
 * the first two go further at higher ones.
 */
export const CODINGS: readonly ContentCoding[] = ['br', 'zstd', 'gzip'];

/**
 * Levels that suit answers made while the client waits: the libraries' own defaults for zstd and gzip; for Brotli not
 * its default of 11, which is for what is compressed once and takes a hundred times as long.
 */
const LEVELS: Readonly<Record<ContentCoding, number>> = { br: 4, zstd: 3, gzip: 6 };
/** 256 KiB: a stream may live for hours beside thousands of others, and the windows are most of its memory. */
const STREAM_WINDOW = 18;

let loaded: Zlib | undefined;

/** `node:zlib`, loaded when something is compressed for the first time. */
function zlib(): Zlib {
  return (loaded ??= process.getBuiltinModule('node:zlib'));
}

/** The codings that this Node has: zstd from 22.15 and 23.8 on. */
export function availableCodings(): ContentCoding[] {
  return CODINGS.filter((coding) => coding !== 'zstd' || 'createZstdCompress' in zlib());
}

/** Compresses all at once, on a thread of libuv's pool. */
export function encodeWhole(
  coding: ContentCoding,
  level: number | null,
  bytes: Uint8Array,
  done: (error: Error | null, result: Uint8Array) => void,
): void {
  const library = zlib();
  const quality = level ?? LEVELS[coding];
  if (coding === 'gzip') {
    library.gzip(bytes, { level: quality }, done);
  } else if (coding === 'br') {
    const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = library.constants;
    library.brotliCompress(
      bytes,
      { params: { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_SIZE_HINT]: bytes.byteLength } },
      done,
    );
  } else {
    (library as unknown as { zstdCompress: Encode }).zstdCompress(
      bytes,
      { params: { [zstdConstant('ZSTD_c_compressionLevel')]: quality }, pledgedSrcSize: bytes.byteLength },
      done,
    );
  }
}

/** A stream that compresses what is written to it. */
export function createEncoder(coding: ContentCoding, level: number | null): Encoder {
  const library = zlib();
  const quality = level ?? LEVELS[coding];
  if (coding === 'gzip') return library.createGzip({ level: quality });
  if (coding === 'br') {
    const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN } = library.constants;
    return library.createBrotliCompress({
      params: { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_LGWIN]: STREAM_WINDOW },
    });
  }
  return (library as unknown as { createZstdCompress(options: object): Encoder }).createZstdCompress({
    params: {
      [zstdConstant('ZSTD_c_compressionLevel')]: quality,
      [zstdConstant('ZSTD_c_windowLog')]: STREAM_WINDOW,
    },
  });
}

/** The argument of `flush` that lets out all that was written and forgets nothing of it. */
export function flushOf(coding: ContentCoding): number {
  const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = zlib().constants;
  if (coding === 'gzip') return Z_SYNC_FLUSH;
  return coding === 'br' ? BROTLI_OPERATION_FLUSH : zstdConstant('ZSTD_e_flush');
}

/** The types of Node 20, the oldest that is supported, do not know zstd. */
function zstdConstant(name: string): number {
  return (zlib().constants as unknown as Record<string, number>)[name];
}
