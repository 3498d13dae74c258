import vm from 'node:vm';

import { MillraceError } from '../../ts/errors/millrace-error.js';
import { nearestName } from '../../ts/options/nearest-name.js';
import { SERVER_OPTIONS } from '../../ts/options/server.generated.js';
import type { NumberRow, OptionRow } from '../../ts/options/table.js';
import { validateOptions } from '../../ts/options/validate.js';

const handler = (): void => undefined;
const validate = (given: object) => validateOptions(SERVER_OPTIONS, { handler, ...given });
const refusal = (given: unknown): MillraceError => {
  try {
    validateOptions(SERVER_OPTIONS, given);
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('the options were accepted');
};
const isInteger = (row: OptionRow): row is NumberRow => row.type === 'integer';
const rows: readonly OptionRow[] = SERVER_OPTIONS.rows;
const integers = rows.filter(isInteger);

test('fills in the defaults of SPEC', () => {
  expect(validate({})).toEqual({
    port: 0,
    host: null,
    path: null,
    fd: null,
    backlog: 511,
    ipv6Only: false,
    reusePort: false,
    fastOpen: false,
    deferAccept: false,
    proxyProtocol: 'off',
    trustProxy: null,
    signal: null,
    tls: null,
    tlsHandshakeTimeout: 10_000,
    headersTimeout: 30_000,
    requestTimeout: 300_000,
    bodyTimeout: 30_000,
    writeTimeout: 60_000,
    keepAliveTimeout: 65_000,
    minReceiveRate: 240,
    minSendRate: 240,
    handlerTimeout: null,
    maxConnections: null,
    maxConnectionsPerIp: null,
    maxRequestsPerConnection: null,
    maxPipelined: 32,
    maxUrlSize: 16_384,
    maxHeaderSize: 65_536,
    maxHeaderFields: 128,
    maxBodySize: null,
    maxCollectedSize: 10_485_760,
    writeHighWaterMark: 65_536,
    limitScope: 'thread',
    allow: null,
    deny: null,
    reputation: false,
    handler,
    fetch: null,
    onUpgrade: null,
    onConnect: null,
    onError: null,
    validate: null,
    rateLimits: null,
    middleware: null,
    accessLog: false,
    logContext: false,
    compression: false,
  });
});

test('keeps what was given and takes undefined for not given', () => {
  const { signal } = new AbortController();
  const options = validate({ port: 8080, host: '::1', proxyProtocol: 'required', signal, maxPipelined: undefined });
  expect(options).toMatchObject({ port: 8080, host: '::1', proxyProtocol: 'required', maxPipelined: 32 });
  expect(options.signal).toBe(signal);
});

test.each(integers.map((row) => [row.name, row] as const))(
  '%s is accepted at its ends and refused past them',
  (name, row) => {
    for (const value of [row.min, row.max]) expect(validate({ [name]: value })).toHaveProperty(name, value);
    for (const value of [row.min - 1, row.max + 1, NaN, Infinity, row.min + 0.5]) {
      const error = refusal({ handler, [name]: value });
      expect(error instanceof RangeError).toBe(true);
      expect(error.code).toBe('MILLRACE_INVALID_ARGUMENT');
      expect(error.message).toContain(`"${name}"`);
    }
  },
);

test.each(integers.map((row) => [row.name, row] as const))(
  '%s takes null only where null means no limit',
  (name, row) => {
    if (row.nullable === true) expect(validate({ [name]: null })).toHaveProperty(name, null);
    else expect(refusal({ handler, [name]: null }) instanceof TypeError).toBe(true);
  },
);

test.each(SERVER_OPTIONS.rows.map((row) => row.name))('%s refuses a wrong type with a TypeError', (name) => {
  const error = refusal({ handler, [name]: Symbol('no') });
  expect(error instanceof TypeError).toBe(true);
  expect(error.message).toMatch(new RegExp(`^serve: option "${name}" must be .*, got Symbol\\("no"\\)$`));
});

test('has one form of message: whose option, what was expected, what came', () => {
  const messages = [
    refusal({ handler, maxPipelined: 'x' }),
    refusal({ handler, maxPipelined: 1025 }),
    refusal({ handler, maxConnections: 0 }),
    refusal({ handler, proxyProtocol: 'on' }),
    refusal({ handler, ipv6Only: 1 }),
    refusal({ handler, host: '' }),
    refusal({ handler, path: 'a\0b' }),
    refusal({ handler: null }),
  ].map((error) => error.message);
  expect(messages).toEqual([
    'serve: option "maxPipelined" must be an integer from 1 to 1024, got "x"',
    'serve: option "maxPipelined" must be an integer from 1 to 1024, got 1025',
    'serve: option "maxConnections" must be an integer from 1 to 2097151, or null for no limit, got 0',
    'serve: option "proxyProtocol" must be one of "off", "optional" or "required", got "on"',
    'serve: option "ipv6Only" must be true or false, got 1',
    'serve: option "host" must be a string that is not empty and has no NUL, got ""',
    'serve: option "path" must be a string that is not empty and has no NUL, got "a\\x00b"',
    'serve: option "handler" must be a function, got null',
  ]);
});

test('refuses an unknown name and suggests the one that was meant', () => {
  const error = refusal({ handler, maxPipelinde: 3 });
  expect(error instanceof TypeError).toBe(true);
  expect(error.code).toBe('MILLRACE_UNKNOWN_OPTION');
  expect(error.message).toBe('serve: there is no option "maxPipelinde"; did you mean "maxPipelined"?');
});

test('suggests nothing when nothing is near', () => {
  expect(refusal({ handler, cheese: 1 }).message).toBe('serve: there is no option "cheese"');
  expect(refusal({ handler, ['x'.repeat(5_000)]: 1 }).message.length).toBeLessThan(200);
});

test('refuses an unknown name even when its value is undefined', () => {
  expect(refusal({ handler, cheese: undefined }).code).toBe('MILLRACE_UNKNOWN_OPTION');
});

test.each([[null], [undefined], ['port'], [3], [[]]])('refuses %p in place of the options', (given) => {
  expect(refusal(given).message).toMatch(/^serve: the options must be an object, got /);
});

test('asks for a handler and refuses options that exclude each other', () => {
  const fetch = handler;
  expect(refusal({}).message).toBe('serve: one of the options "handler" or "fetch" must be given, got none');
  const both = 'serve: only one of the options "handler" or "fetch" may be given, got "handler" and "fetch"';
  expect(refusal({ handler, fetch }).message).toBe(both);
  expect(refusal({ handler, port: 0, path: '/s' }).message).toContain('got "port" and "path"');
  expect(validateOptions(SERVER_OPTIONS, { fetch }).fetch).toBe(fetch);
});

test('takes the signal of another realm and nothing that only resembles one', () => {
  const signal: unknown = vm.runInNewContext('({ aborted: false, addEventListener() {} })');
  expect(validate({ signal }).signal).toBe(signal);
  expect(refusal({ handler, signal: { aborted: false } }).message).toContain('must be an AbortSignal');
});

test('finds the nearest name by insertions, removals, replacements and swaps', () => {
  const names = ['port', 'path', 'host', 'headersTimeout'];
  expect(nearestName('prot', names)).toBe('port');
  expect(nearestName('headerTimeout', names)).toBe('headersTimeout');
  expect(nearestName('HEADERSTIMEOUT', names)).toBe('headersTimeout');
  expect(nearestName('hots', names)).toBe('host');
  expect(nearestName('zzzz', names)).toBeUndefined();
});
