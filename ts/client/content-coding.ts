import type { Transform } from 'node:stream';

import { quote } from '../errors/escape.js';
import { MillraceError } from '../errors/millrace-error.js';
import { countRefusal } from './refusals.js';

/** A content coding that can be undone (RFC 9110 §8.4.1, RFC 7932, RFC 8878). */
export type ContentCoding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** How many codings are undone, one within the other: no server needs more than two. */
export const MAX_CODINGS = 5;

/** What zlib hands out at once. */
const OUTPUT_CHUNK = 64 * 1024;
/** The least that zlib may be told. */
const MIN_CHUNK = 64;

type Zlib = typeof import('node:zlib');
type WithZstd = Zlib & { createZstdDecompress?: Zlib['createGunzip']; zstdDecompressSync?: Zlib['gunzipSync'] };

let loaded: WithZstd | undefined;

/** `node:zlib`, loaded when first asked for. */
export function zlib(): WithZstd {
  return (loaded ??= process.getBuiltinModule('node:zlib'));
}

/** Whether this Node.js has zstd: 22.15 and 23.8 brought it. */
export function hasZstd(): boolean {
  return zlib().createZstdDecompress !== undefined;
}

let offer: string | undefined;

/** The value of Accept-Encoding: all that can be undone here. */
export function acceptEncoding(): string {
  return (offer ??= hasZstd() ? 'gzip, deflate, br, zstd' : 'gzip, deflate, br');
}

/**
 * The codings of a Content-Encoding field, in the order in which they were applied; none for `identity`, and null where
 * one is unknown: such a body is left as it is. Throws `MILLRACE_HTTP_TOO_MANY_CODINGS`.
 */
export function contentCodings(field: string | undefined): ContentCoding[] | null {
  if (field === undefined) return [];
  const codings: ContentCoding[] = [];
  for (const member of field.split(',')) {
    const name = member.trim().toLowerCase();
    if (name === '' || name === 'identity') continue;
    const coding = name === 'x-gzip' ? 'gzip' : name;
    if (coding !== 'gzip' && coding !== 'deflate' && coding !== 'br' && coding !== 'zstd') return null;
    if (coding === 'zstd' && !hasZstd()) return null;
    if (codings.push(coding) > MAX_CODINGS) throw tooMany(field);
  }
  return codings;
}

/**
 * Whether a body said to be `deflate` has zlib's head (RFC 1950), as it should, or none (RFC 1951), as some servers send
 * it. By its first byte: what begins with compression method 8 would be, without a head, a stored block with bits set
 * in its padding.
 */
export function hasZlibHead(first: number): boolean {
  return (first & 0x0f) === 8;
}

/** The stream that undoes a coding; `first` is the first byte that it will get. */
export function decoderOf(coding: ContentCoding, first: number, outputSize = OUTPUT_CHUNK): Transform {
  const options = { chunkSize: Math.max(MIN_CHUNK, outputSize) };
  const { createGunzip, createInflate, createInflateRaw, createBrotliDecompress, createZstdDecompress } = zlib();
  if (coding === 'gzip') return createGunzip(options);
  if (coding === 'br') return createBrotliDecompress(options);
  if (coding === 'deflate') return hasZlibHead(first) ? createInflate(options) : createInflateRaw(options);
  return (createZstdDecompress as Zlib['createGunzip'])(options);
}

/** Undoes a coding at once, to so many bytes at most: those, and how many bytes of the input they took. */
export function decodeNow(coding: ContentCoding, bytes: Uint8Array, maxSize: number): [output: Buffer, took: number] {
  const options = { maxOutputLength: Math.max(1, maxSize), info: true };
  const { gunzipSync, inflateSync, inflateRawSync, brotliDecompressSync, zstdDecompressSync } = zlib();
  let decode: unknown = zstdDecompressSync;
  if (coding === 'gzip') decode = gunzipSync;
  else if (coding === 'br') decode = brotliDecompressSync;
  else if (coding === 'deflate') decode = hasZlibHead(bytes[0]) ? inflateSync : inflateRawSync;
  // With `info` it answers so; the declarations do not say it.
  const { buffer, engine } = (
    decode as (bytes: Uint8Array, options: object) => { buffer: Buffer; engine: { bytesWritten: number } }
  )(bytes, options);
  return [buffer, engine.bytesWritten];
}

/** The error for what zlib failed with. */
export function contentError(coding: ContentCoding, cause: unknown): MillraceError {
  const { message = '', code } = cause as { message?: string; code?: unknown };
  // All of zlib, brotli and zstd say so when the input ends too soon.
  if (code === 'Z_BUF_ERROR' || /unexpected end of file|incomplete/i.test(message)) return truncated(coding, cause);
  return new MillraceError(
    'MILLRACE_HTTP_INVALID_CONTENT',
    `the body is not what its Content-Encoding, ${coding}, says: ${message}`,
    { cause },
  );
}

export function truncated(coding: ContentCoding, cause?: unknown): MillraceError {
  const message = `the body ended within its compressed data (${coding})`;
  return new MillraceError('MILLRACE_HTTP_TRUNCATED_CONTENT', message, { cause });
}

/** The error for bytes behind the end of the compressed data. */
export function trailing(coding: ContentCoding): MillraceError {
  return new MillraceError('MILLRACE_HTTP_INVALID_CONTENT', `bytes follow the compressed data (${coding}) of the body`);
}

function tooMany(field: string): MillraceError {
  countRefusal('contentCodings');
  const seen = field.split(',').length;
  const message = `Content-Encoding must name at most ${MAX_CODINGS} codings, got ${quote(field)}`;
  return new MillraceError('MILLRACE_HTTP_TOO_MANY_CODINGS', message, {
    limit: { option: 'contentCodings', value: MAX_CODINGS, seen },
  });
}
