import { misuse } from '../errors/millrace-error.js';

/** A part of a body as the native core takes it: a string that is UTF-8, or bytes. */
export function encoded(chunk: string | Uint8Array, encoding: BufferEncoding | undefined): string | Uint8Array {
  if (typeof chunk === 'string') {
    return encoding === undefined || encoding === 'utf8' || encoding === 'utf-8' ? chunk : Buffer.from(chunk, encoding);
  }
  if (chunk instanceof Uint8Array) return chunk;
  throw misuse('MILLRACE_INVALID_ARGUMENT', `a body must be a string or a Uint8Array, got ${typeof chunk}`);
}
