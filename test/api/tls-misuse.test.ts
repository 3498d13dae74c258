// What a caller can get wrong with TlsContext: a coded error that says which option, and nothing that is left out in
// silence, CRLs and keys least of all.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { TlsClientOptions, TlsServerOptions } from '../../ts/index.js';
import { Client, connect, createProxyServer, listen, serve, setLogger, TlsContext } from '../../ts/index.js';
import { leaf, root } from '../support/chain.js';
import { errorOf } from '../support/error-of.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';
import { rest } from '../support/tls.js';

endsWithItsTest();

let folder: string;
let crl: string;
let crlFile: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-misuse-'));
  crl = await root.crl();
  crlFile = join(folder, 'a.crl');
  writeFileSync(crlFile, crl);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CODES = {
  argument: 'MILLRACE_INVALID_ARGUMENT',
  unknown: 'MILLRACE_UNKNOWN_OPTION',
  configuration: 'MILLRACE_TLS_INVALID_CONFIGURATION',
} as const;

type Row = [what: string, options: () => object, code: keyof typeof CODES, words: string];

const own = (): { cert: string; key: string } => ({ cert: leaf.cert, key: leaf.key });
const secret = Buffer.alloc(48, 7);
const longName = 'x'.repeat(256);
const manyNames = Array.from({ length: 257 }, () => 'y'.repeat(63));

const SERVERS: Row[] = [
  ['an empty list of certificates', () => ({ cert: [], key: [] }), 'argument', '"cert"'],
  ['bytes that are no Uint8Array', () => ({ ...own(), cert: new DataView(new ArrayBuffer(8)) }), 'argument', '"cert"'],
  ['a key without a certificate', () => ({ key: leaf.key, certificateFor: () => null }), 'configuration', "'cert'"],
  [
    'a certificate of a list without its key',
    () => ({ certificates: [{ cert: leaf.cert }] }),
    'argument',
    "'certificates[0]' needs a 'key'",
  ],
  [
    'a misspelt option of a certificate',
    () => ({ certificates: [own(), { ...own(), nmaes: ['a.test'] }] }),
    'unknown',
    `'certificates[1]': there is no option "nmaes"; did you mean "names"?`,
  ],
  ['names that are no list', () => ({ certificates: [{ ...own(), names: 'a.test' }] }), 'argument', "'names'"],
  ['names that are no texts', () => ({ certificates: [{ ...own(), names: [7] }] }), 'argument', "'names'"],
  ['no names at all', () => ({ certificates: [{ ...own(), names: [] }] }), 'argument', "'names'"],
  ['a passphrase that is none', () => ({ certificates: [{ ...own(), passphrase: 7 }] }), 'argument', "'passphrase'"],
  ['a response that is none', () => ({ certificates: [{ ...own(), ocspResponse: 7 }] }), 'argument', "'ocspResponse'"],
  ['CRLs of clients that are not asked', () => ({ ...own(), crl }), 'configuration', "'crl' needs 'requestCert'"],
  ['no CRLs where some were meant', () => ({ ...own(), requestCert: true, crl: [] }), 'argument', '"crl"'],
  ['two ticket keys', () => ({ ...own(), ticketKeys: [secret, secret] }), 'configuration', "'ticketKeys' must be one"],
  ['no ticket keys where some were meant', () => ({ ...own(), ticketKeys: [] }), 'argument', '"ticketKeys"'],
  [
    'ticket keys without tickets',
    () => ({ ...own(), ticketKeys: secret, tickets: false }),
    'configuration',
    "'tickets: false'",
  ],
  [
    'early data with ticket keys',
    () => ({ ...own(), maxEarlyData: 1, ticketKeys: secret }),
    'configuration',
    "'maxEarlyData' cannot be used with 'ticketKeys'",
  ],
  [
    'early data without a cache',
    () => ({ ...own(), maxEarlyData: 1, sessionCacheSize: 0 }),
    'configuration',
    "'maxEarlyData' needs a cache",
  ],
  [
    'early data of TLS 1.2',
    () => ({ ...own(), maxEarlyData: 1, maxVersion: 'TLSv1.2' }),
    'configuration',
    "'maxEarlyData' needs TLS 1.3",
  ],
  ['a protocol that is too long', () => ({ ...own(), ALPNProtocols: [longName] }), 'configuration', 'got 256'],
  ['more protocols than fit', () => ({ ...own(), ALPNProtocols: manyNames }), 'configuration', 'got 16448'],
  ['options that are null', () => null as never, 'argument', 'got null'],
  ['a promise of options', () => Promise.resolve(own()), 'argument', 'must be an object, got a promise'],
];

const CLIENTS: Row[] = [
  ['two certificates', () => ({ cert: [leaf.cert, leaf.cert], key: [leaf.key, leaf.key] }), 'configuration', 'got 2'],
  ['a key without a certificate', () => ({ key: leaf.key }), 'configuration', "'key' needs 'cert'"],
  ['no CRLs where some were meant', () => ({ crl: [] }), 'argument', '"crl"'],
  [
    'a misspelt option of autoRefresh',
    () => ({ crl: crlFile, autoRefresh: { interval: 60_000, onrefresh: () => undefined } }),
    'unknown',
    `'autoRefresh': there is no option "onrefresh"; did you mean "onRefresh"?`,
  ],
  [
    'a refresh of bytes',
    () => ({ crl: Buffer.from(crl), autoRefresh: { interval: 60_000 } }),
    'argument',
    "needs files or folders in 'crl'",
  ],
  ...['a b', 'a:1', '*.a.test', 'a..b', '[::1]', 'ü.test', 'x'.repeat(254), 'https://a.test'].map((servername): Row => [
    `the server name ${servername.slice(0, 20)}`,
    () => ({ servername }),
    'argument',
    'DNS name',
  ]),
  ['a protocol that is too long', () => ({ ALPNProtocols: [longName] }), 'configuration', 'got 256'],
  ['more protocols than fit', () => ({ ALPNProtocols: manyNames }), 'configuration', 'got 16448'],
  ['options that are null', () => null as never, 'argument', 'got null'],
  ['bytes', () => Buffer.from('x'), 'argument', 'must be an object'],
  ['a promise of a context', () => TlsContext.client({ ca: root.cert }), 'argument', 'got a promise'],
];

test.each(SERVERS)('a server refuses %s', async (_what, options, code, words) => {
  const error = await errorOf(() => TlsContext.server(options()));
  expect(error).toMatchObject({ code: CODES[code], kind: 'misuse' });
  expect(error.message).toContain(words);
});

test.each(CLIENTS)('a client refuses %s', async (_what, options, code, words) => {
  const error = await errorOf(() => TlsContext.client(options()));
  expect(error).toMatchObject({ code: CODES[code], kind: 'misuse' });
  expect(error.message).toContain(words);
});

test('a context that was not waited for is refused where it is used', async () => {
  const server = TlsContext.server(own()) as unknown as TlsServerOptions;
  const client = TlsContext.client({ ca: root.cert }) as unknown as TlsClientOptions;
  for (const call of [
    () => serve({ port: 0, tls: server, handler: () => undefined }),
    () => listen({ tls: server }, () => undefined),
    () => createProxyServer({ port: 0, tls: server }),
    () => connect({ port: 1, tls: client }),
    () => new Client({ tls: client }),
    () => connect({ port: 1, proxy: { url: 'https://a.test', tls: client as never } }),
  ]) {
    const error = await errorOf(call);
    expect(error).toMatchObject({ code: CODES.argument });
    expect(error.message).toMatch(/got a promise|must be a client's TlsContext/);
  }
});

test.each([
  ['a certificate without its end', '-----BEGIN CERTIFICATE-----\nAAAA\n', 'cert', 'has no END line'],
  ['a key without its end', '-----BEGIN PRIVATE KEY-----\nAAAA\n', 'key', 'has no END line'],
  ['a key that is not base64', '-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n', 'key', 'not base64'],
])('%s is refused in words, and nothing of it is shown', async (_what, text, name, words) => {
  const error = await errorOf(() => TlsContext.server({ ...own(), [name]: text }));
  expect(error.code).toBe(CODES.configuration);
  expect(error.message).toContain(words);
  expect(error.message).not.toMatch(/\[\d|AAAA|!!!!|\w\(/);
});

test.each([[undefined], [null], [7], ['x'], [[]], [Promise.resolve({})]])(
  'update refuses %p, and nothing changes',
  async (given) => {
    const context = await TlsContext.server(own());
    const error = await errorOf(() => context.update(given as never));
    expect(error).toMatchObject({ code: CODES.argument, kind: 'misuse' });
    expect(error.message).toContain('TlsContext.update: the options must be an object');
  },
);

test.each([
  [null],
  [7],
  ['x'.repeat(48)],
  [new ArrayBuffer(48)],
  [new Uint16Array(24)],
  [new DataView(new ArrayBuffer(48))],
])('rotateTickets refuses %p, and shows nothing of it', async (given) => {
  const context = await TlsContext.server(own());
  const error = await errorOf(() => context.rotateTickets(given as never));
  expect(error).toMatchObject({ code: CODES.argument, kind: 'misuse' });
  expect(error.message).not.toContain('xx');
});

test.each<[string, unknown[], string]>([
  [
    'a name that no certificate can have',
    [{}, { servername: 'a b' }],
    `must be a DNS name or an IP address, got "a b"`,
  ],
  ['a name that is none', [{}, { servername: 7 }], 'must be a DNS name or an IP address, got 7'],
  ['no name at all', [{}], "needs a client's context and a 'servername'"],
  ['a time that is none', [{}, { servername: 'a', timeout: 'x' }], "'timeout' must be an integer from 1"],
  ['no time', [{}, { servername: 'a', timeout: 0 }], "'timeout' must be an integer from 1"],
  ['a misspelt option', [{}, { servername: 'a', tiemout: 1 }], 'did you mean "timeout"?'],
  ['options that are null', [{}, null], 'must be an object, got null'],
  ['a context that is a number', [7, { servername: 'a' }], 'must be an object, got 7'],
  ['a context that is a promise', [TlsContext.client({}), { servername: 'a' }], 'must be an object, got a promise'],
])('startTls refuses %s, and the socket goes on', async (_what, given, words) => {
  const server = await start({ handler: (_req, res) => res.end('fine') });
  const socket = await connect({ host: '127.0.0.1', port: server.port });
  const error = await errorOf(() => (socket.startTls as (...args: unknown[]) => unknown).apply(socket, given));
  expect(error).toMatchObject({ kind: 'misuse' });
  expect(error.message).toContain(words);
  socket.write(get('/', 'Connection: close'));
  expect((await rest(socket)).toString()).toMatch(/fine$/);
  socket.destroy();
});

test('authorities of a server that judge nobody are warned of, once, and others are not', async () => {
  const warned: string[] = [];
  setLogger(({ level, message }) => void (level === 'warn' && warned.push(message)));
  try {
    const ca = root.cert;
    const certificateFor = (): null => null;
    for (const more of [{ requestCert: true }, { certificateFor }, { ca: undefined }]) {
      await TlsContext.server({ ...own(), ca, ...more });
    }
    expect(warned).toEqual([]);
    await TlsContext.server({ ...own(), ca });
    expect(warned).toEqual([expect.stringContaining("'ca' is not read without 'requestCert'")]);
  } finally {
    setLogger(null);
  }
});

test('updates that are made at once do not lose one another', async () => {
  const context = await TlsContext.server(own());
  const server = await start({ tls: context, handler: (_req, res) => res.end() });
  const next = await root.issue();
  const slow = join(folder, 'next.pem');
  writeFileSync(slow, next.cert);
  await Promise.all([
    // The first has a file to read, which takes longer than what the others have to do.
    context.update({ cert: slow, key: next.key }),
    context.update({ maxVersion: 'TLSv1.2' }),
    errorOf(() => context.update({ ciphers: ['none'] })),
    context.update({ ALPNProtocols: ['b'] }),
  ]);
  const client = await RawClient.secure(server, { ca: root.cert, ALPNProtocols: ['b', 'http/1.1'] });
  expect(client.tls.getPeerCertificate().serialNumber.toLowerCase()).toBe(next.x509.serialNumber.toLowerCase());
  expect([client.tls.getProtocol(), client.tls.alpnProtocol]).toEqual(['TLSv1.2', 'b']);
});
