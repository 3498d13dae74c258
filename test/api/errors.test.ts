import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';

import { alertName } from '../../ts/errors/alerts.js';
import { CODES } from '../../ts/errors/codes.generated.js';
import { factsOf } from '../../ts/errors/code-table.js';
import { describeValue, escapeControls, quote } from '../../ts/errors/escape.js';
import { MillraceError, misuse, outOfRange } from '../../ts/errors/millrace-error.js';
import { errorFromNative } from '../../ts/errors/native-error.js';
import { isRetryable } from '../../ts/errors/retryable.js';

const idOf = (name: string): number => CODES.find((row) => row[1] === name)![0];
const withCode = (code: string): Error => Object.assign(new Error(code), { code });

test('alerts of TLS have the names that the core has, and others their number', () => {
  const core = readFileSync(join(__dirname, '../../crates/tls/src/alert.rs'), 'utf8');
  const named = [...core.matchAll(/=> "(\w+)",/g)].map(([, name]) => name).filter((name) => name !== 'unknown');
  const ours = Array.from({ length: 256 }, (_, number) => alertName(number)).filter((name) => !name.includes('('));
  expect(ours.sort()).toEqual(named.sort());
  expect(ours).toHaveLength(34);
  expect(alertName(48)).toBe('unknown_ca');
  expect(alertName(255)).toBe('unknown (255)');
  const error = errorFromNative(idOf('MILLRACE_TLS_ALERT_RECEIVED'), { value: 116, seen: 0 });
  expect(error.message).toContain('"certificate_required"');
  expect(error.limit).toBeUndefined();
});

describe('MillraceError', () => {
  test('carries the facts of its code', () => {
    const error = new MillraceError('MILLRACE_HEADERS_TIMEOUT');
    expect(error).toMatchObject({ kind: 'timeout', category: 'timeout', retryable: false, phase: 'headers' });
    expect(error.name).toBe('MillraceError');
    expect(error.message).toBe(factsOf('MILLRACE_HEADERS_TIMEOUT').text);
    expect(error instanceof Error).toBe(true);
  });

  test('has no property for what it does not know', () => {
    expect(Object.keys(new MillraceError('MILLRACE_STREAM_CLOSED'))).toEqual(['code', 'kind', 'category', 'retryable']);
  });

  test('keeps a cause out of its enumerable properties, as Error does', () => {
    const cause = new Error('below');
    const error = new MillraceError('MILLRACE_BUG', 'above', { cause });
    expect(error.cause).toBe(cause);
    expect(Object.keys(error)).not.toContain('cause');
  });

  test('is recognised when another copy of the package made it', async () => {
    await jest.isolateModulesAsync(async () => {
      const other = await import('../../ts/errors/millrace-error.js');
      expect(other.MillraceError).not.toBe(MillraceError);
      expect(new other.MillraceError('MILLRACE_BUG') instanceof MillraceError).toBe(true);
      expect(other.misuse('MILLRACE_BUG', 'no') instanceof MillraceError).toBe(true);
      expect(new MillraceError('MILLRACE_BUG') instanceof other.MillraceError).toBe(true);
    });
  });

  test('is not confused with other errors and values', () => {
    for (const value of [new Error('x'), null, undefined, 'MILLRACE_BUG', { code: 'MILLRACE_BUG' }]) {
      expect((value as unknown) instanceof MillraceError).toBe(false);
    }
  });

  test('lets a subclass ask for itself', () => {
    class Special extends MillraceError {}
    expect(new Special('MILLRACE_BUG') instanceof MillraceError).toBe(true);
    expect(new Special('MILLRACE_BUG') instanceof Special).toBe(true);
    expect(new MillraceError('MILLRACE_BUG') instanceof Special).toBe(false);
  });

  test('makes misuse a TypeError or a RangeError that is a MillraceError too', () => {
    const type = misuse('MILLRACE_INVALID_STATE', 'too late');
    const range = outOfRange('too many');
    expect(type instanceof TypeError && type instanceof MillraceError).toBe(true);
    expect(range instanceof RangeError && range instanceof MillraceError).toBe(true);
    expect(type).toMatchObject({ code: 'MILLRACE_INVALID_STATE', kind: 'misuse', category: 'application' });
    expect(range.code).toBe('MILLRACE_INVALID_ARGUMENT');
  });
});

describe('an error from the native core', () => {
  test.each(CODES.map((row) => [row[1], row[0]] as const))('%s has its code and its kind', (code, id) => {
    const error = errorFromNative(id);
    expect(error).toMatchObject({ code, kind: factsOf(code).kind });
    expect((error as unknown) instanceof TypeError).toBe(error.kind === 'misuse');
  });

  test('says of a limit what was allowed, what came and which option changes it', () => {
    const error = errorFromNative(idOf('MILLRACE_HTTP_BODY_TOO_LARGE'), { value: 10, seen: 11 });
    expect(error.limit).toEqual({ option: 'maxBodySize', value: 10, seen: 11 });
    expect(error.message).toContain('(limit 10, got 11; the option "maxBodySize" changes it)');
  });

  test('names a limit that no option changes', () => {
    const error = errorFromNative(idOf('MILLRACE_HTTP_TRAILERS_TOO_LARGE'), { value: 16384, seen: 16385 });
    expect(error.limit?.option).toBe('trailers');
    expect(error.message).not.toContain('option');
  });

  test('escapes and cuts the bytes that it shows', () => {
    const got = new Uint8Array(300).fill(0x0a);
    const { message } = errorFromNative(idOf('MILLRACE_HTTP_INVALID_HEADER'), { got });
    expect(message).toContain('\\n\\n');
    expect(message).toContain('(300 bytes)');
    expect(message).not.toMatch(/[^ -~…§]/);
  });

  test('names a system error as Node does and keeps its code in the cause', () => {
    const errno = process.platform === 'win32' ? 4091 : process.platform === 'darwin' ? 48 : 98;
    const detail = { errno, syscall: 'bind', address: '::1', port: 80 };
    const error = errorFromNative(idOf('MILLRACE_SYSTEM'), detail);
    expect(error.message).toBe('bind EADDRINUSE [::1]:80');
    expect(error).toMatchObject({ errno: -errno, syscall: 'bind', address: '::1', port: 80, retryable: false });
    expect(error.cause).toMatchObject({ code: 'EADDRINUSE', errno: -errno, syscall: 'bind' });
  });

  test('knows a system error that may pass', () => {
    const errno = process.platform === 'win32' ? 4077 : process.platform === 'darwin' ? 54 : 104;
    expect(errorFromNative(idOf('MILLRACE_SYSTEM'), { errno, syscall: 'recv' }).retryable).toBe(true);
  });

  test('survives a number that the system does not know', () => {
    const error = errorFromNative(idOf('MILLRACE_SYSTEM'), { errno: 999_999, syscall: 'recv' });
    expect(error.message).toBe('recv errno 999999');
    expect(error.cause).toBeUndefined();
  });

  test('calls an unknown code a bug and says which', () => {
    expect(errorFromNative(65_535)).toMatchObject({ code: 'MILLRACE_BUG', message: expect.stringContaining('65535') });
  });
});

describe('isRetryable', () => {
  test.each(['ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ECONNREFUSED', 'EAI_AGAIN', 'UND_ERR_SOCKET'])('%s: yes', (code) => {
    expect(isRetryable(withCode(code))).toBe(true);
  });

  test.each(['ENOTFOUND', 'EACCES', 'EADDRINUSE', 'ERR_INVALID_ARG_TYPE'])('%s: no', (code) => {
    expect(isRetryable(withCode(code))).toBe(false);
  });

  test.each([408, 425, 429, 500, 502, 503, 504])('status %d: yes', (status) => {
    expect(isRetryable(Object.assign(new Error('answered'), { status }))).toBe(true);
    expect(isRetryable(Object.assign(new Error('answered'), { statusCode: status }))).toBe(true);
  });

  test.each([400, 404, 501, 505])('status %d: no', (status) => {
    expect(isRetryable(Object.assign(new Error('answered'), { status }))).toBe(false);
  });

  test('what was aborted is never retryable, however it is wrapped', () => {
    const aborted = new DOMException('stop', 'AbortError');
    expect(isRetryable(aborted)).toBe(false);
    expect(isRetryable(new MillraceError('MILLRACE_CONNECTION_RESET', 'cut', { cause: aborted }))).toBe(false);
    expect(isRetryable(Object.assign(withCode('ECONNRESET'), { cause: aborted }))).toBe(false);
  });

  test('our errors say so themselves', () => {
    expect(isRetryable(new MillraceError('MILLRACE_CONNECTION_RESET'))).toBe(true);
    expect(isRetryable(new MillraceError('MILLRACE_HTTP_INVALID_HEADER'))).toBe(false);
    expect(isRetryable(misuse('MILLRACE_INVALID_STATE', 'no'))).toBe(false);
  });

  test('looks through the causes that fetch and happy eyeballs wrap', () => {
    expect(isRetryable(new TypeError('fetch failed', { cause: withCode('ECONNREFUSED') }))).toBe(true);
    expect(isRetryable(new AggregateError([withCode('EACCES'), withCode('ETIMEDOUT')]))).toBe(true);
    expect(isRetryable(new AggregateError([withCode('EACCES')]))).toBe(false);
  });

  test('answers for errors of another realm, for rings and for what is no error', () => {
    expect(isRetryable(vm.runInNewContext(`Object.assign(new Error('x'), { code: 'EPIPE' })`))).toBe(true);
    const ring: Error & { errors?: unknown[] } = new Error('ring');
    ring.errors = Array(40).fill(ring);
    ring.cause = ring;
    expect(isRetryable(ring)).toBe(false);
    for (const value of [null, undefined, 'ECONNRESET', 104]) expect(isRetryable(value)).toBe(false);
  });
});

describe('escaping', () => {
  test('shows printable ASCII as it is and everything else by number', () => {
    expect(quote('a "b" \\ \r\n\t\0\x7f\xe9')).toBe('"a \\"b\\" \\\\ \\r\\n\\t\\x00\\x7f\\xe9"');
    expect(quote('\u202e')).toBe('"\\u202e"');
    expect(quote(new Uint8Array([0x47, 0x1b, 0xff]))).toBe('"G\\x1b\\xff"');
  });

  test('cuts only what is longer than the limit and says how long it was', () => {
    expect(quote('abcd', 4)).toBe('"abcd"');
    expect(quote('abcde', 4)).toBe('"abcd…" (5 characters)');
    expect(quote(new Uint8Array([97, 98, 99]), 2)).toBe('"ab…" (3 bytes)');
  });

  test('keeps languages readable in a log and controls out of it', () => {
    expect(escapeControls('naïve 日本 🚀')).toBe('naïve 日本 🚀');
    expect(escapeControls('\x1b[31m\r\nfake')).toBe('\\x1b[31m\\r\\nfake');
    expect(escapeControls('\u202e \ud800 \u2028 \x9b')).toBe('\\u202e \\ud800 \\u2028 \\x9b');
  });

  test('describes any value without running its code', () => {
    const values = ['x', 3, true, null, undefined, 5n, Symbol('s'), () => 1, [1], { a: 1 }];
    const texts = ['"x"', '3', 'true', 'null', 'undefined', '5n', 'Symbol("s")', 'a function', 'an array', 'an object'];
    expect(values.map(describeValue)).toEqual(texts);
  });
});
