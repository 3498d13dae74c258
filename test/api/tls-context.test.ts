import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';

import type { Server, TlsServerOptions } from '../../ts/index.js';
import { Client, connect, listen, serve, TlsContext } from '../../ts/index.js';
import { native } from '../../ts/native/loader.js';
import { leaf, root } from '../support/chain.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';
import { getByNode, open } from '../support/tls.js';

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
  writeFileSync(join(folder, 'cert.pem'), leaf.cert);
  writeFileSync(join(folder, 'key.pem'), leaf.key);
  writeFileSync(join(folder, 'cert.der'), leaf.der);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

endsWithItsTest();

const at = (name: string): string => join(folder, name);

const serves = async (tls: TlsServerOptions): Promise<void> => {
  const server = await start({ tls, handler: (_req, res) => res.end('fine') });
  expect((await getByNode(server, { ca: root.cert })).body.toString()).toBe('fine');
  server.destroy();
};

test('takes PEM and DER as text, bytes, names of files and URLs', async () => {
  await serves({ cert: leaf.cert, key: leaf.key });
  await serves({ cert: Buffer.from(leaf.cert), key: new Uint8Array(Buffer.from(leaf.key)) });
  await serves({ cert: leaf.der, key: leaf.pkcs8 });
  await serves({ cert: at('cert.pem'), key: pathToFileURL(at('key.pem')) });
  await serves({ cert: pathToFileURL(at('cert.der')), key: leaf.pkcs8 });
});

test.each([
  ['pkcs8', 'pem'],
  ['sec1', 'pem'],
  ['pkcs8', 'der'],
] as const)('takes a key as %s in %s', async (type, format) => {
  const key = createPrivateKey(leaf.key).export({ type, format } as never) as Buffer | string;
  await serves({ cert: leaf.cert, key });
});

test('takes an RSA key as PKCS#1', async () => {
  const rsa = await root.issue({ kind: 'rsa' });
  const key = createPrivateKey(rsa.key).export({ type: 'pkcs1', format: 'pem' });
  await serves({ cert: rsa.cert, key });
});

test.each([
  ['pkcs8', 'pem'],
  ['sec1', 'pem'],
  ['pkcs8', 'der'],
] as const)('opens an encrypted key as %s in %s with its passphrase', async (type, format) => {
  const locked = { type, format, cipher: 'aes-256-cbc', passphrase: 'open sesame' } as never;
  const key = createPrivateKey(leaf.key).export(locked) as Buffer | string;
  await serves({ cert: leaf.cert, key, passphrase: 'open sesame' });
  await expect(TlsContext.server({ cert: leaf.cert, key, passphrase: 'wrong' })).rejects.toMatchObject({
    code: 'MILLRACE_TLS_INVALID_CONFIGURATION',
  });
  if (format === 'pem') {
    await expect(TlsContext.server({ cert: leaf.cert, key })).rejects.toThrow("give 'passphrase'");
  }
});

test.each<[string, () => Partial<TlsServerOptions>, RegExp]>([
  ['no certificate', () => ({}), /cert/],
  ['a certificate without a key', () => ({ cert: leaf.cert }), /pairs/],
  ['garbage', () => ({ cert: Buffer.from('garbage'), key: leaf.key }), /cert/i],
  ['a key that is none', () => ({ cert: leaf.cert, key: Buffer.from('garbage') }), /key/],
  [
    'versions in the wrong order',
    () => ({ cert: leaf.cert, key: leaf.key, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }),
    /version/i,
  ],
  ['a version that is gone', () => ({ cert: leaf.cert, key: leaf.key, minVersion: 'TLSv1.1' as never }), /minVersion/],
  ['an option that does not exist', () => ({ cert: leaf.cert, key: leaf.key, crt: 1 }) as never, /crt/],
  ['more certificates than keys', () => ({ cert: [leaf.cert, leaf.cert], key: leaf.key }), /pairs, got 2 and 1/],
])('refuses %s before anything listens', async (_name, options, message) => {
  const made = serve({ port: 0, tls: options() as TlsServerOptions, handler: () => undefined });
  await expect(made).rejects.toThrow(message);
  await expect(made).rejects.toMatchObject({ kind: 'misuse' });
});

test('refuses the key of another certificate', async () => {
  const other = await root.issue();
  await expect(TlsContext.server({ cert: leaf.cert, key: other.key })).rejects.toMatchObject({
    code: 'MILLRACE_TLS_INVALID_CONFIGURATION',
  });
});

describe('a file that cannot be read', () => {
  const own = (): TlsServerOptions => ({ cert: leaf.cert, key: leaf.key, ca: root.cert });
  const server = (options: object) => () => TlsContext.server({ ...own(), ...options });
  const client = (options: object) => () => TlsContext.client({ ca: root.cert, ...options });
  const places: [string, (file: string | URL) => () => Promise<unknown>, RegExp][] = [
    ['cert', (cert) => server({ cert }), /^TlsContext.server: option 'cert' /],
    ['key', (key) => server({ key }), /^TlsContext.server: option 'key' /],
    ['one of several', (cert) => server({ cert: [leaf.cert, cert], key: [leaf.key, leaf.key] }), /option 'cert' /],
    ['ca', (ca) => server({ ca, requestCert: true }), /option 'ca' /],
    ['ca, of OCSP', (ca) => server({ ca, ocspResponse: new Uint8Array(1) }), /option 'ca' /],
    ['ocspResponse', (ocspResponse) => server({ ocspResponse }), /option 'ocspResponse' /],
    ['ticketKeys', (ticketKeys) => server({ ticketKeys }), /option 'ticketKeys' /],
    ['crl', (crl) => server({ crl, requestCert: true }), /option 'crl' /],
    ['certificates', (cert) => server({ certificates: [{ cert, key: leaf.key }] }), /'cert' of a certificate /],
    ['their keys', (key) => server({ certificates: [{ cert: leaf.cert, key }] }), /'key' of a certificate /],
    [
      'their responses',
      (ocspResponse) => server({ certificates: [{ cert: leaf.cert, key: leaf.key, ocspResponse }] }),
      /'ocspResponse' of a certificate /,
    ],
    ['ca of a client', (ca) => client({ ca }), /^TlsContext.client: option 'ca' /],
    ['cert of a client', (cert) => client({ cert, key: leaf.key }), /^TlsContext.client: option 'cert' /],
    ['key of a client', (key) => client({ cert: leaf.cert, key }), /^TlsContext.client: option 'key' /],
    ['crl of a client', (crl) => client({ crl }), /^TlsContext.client: option 'crl' /],
    ['ctLogs', (ctLogs) => client({ ctLogs }), /^TlsContext.client: option 'ctLogs' /],
    [
      'cert in place of another',
      (cert) => async () => (await TlsContext.server(own())).update({ cert }),
      /^TlsContext.server: option 'cert' /,
    ],
    [
      'cert of a server',
      (cert) => () => serve({ tls: { ...own(), cert }, handler: () => undefined }),
      /option 'cert' /,
    ],
    ['cert of a listener', (cert) => () => listen({ tls: { ...own(), cert } }, () => undefined), /option 'cert' /],
    ['ca of a connection', (ca) => () => connect({ port: 1, tls: { ca } }), /option 'ca' /],
    [
      'ca of a request',
      (ca) => () => new Client({ tls: { ca: ca as string } }).get('https://localhost:1'),
      /option 'ca' /,
    ],
  ];
  const coded = (code: string, syscall?: RegExp): object => ({
    ...{ code: 'MILLRACE_TLS_FILE_FAILED', kind: 'system', retryable: false },
    cause: expect.objectContaining({ code }) as Error,
    ...(syscall === undefined ? null : { syscall: expect.stringMatching(syscall) as string }),
  });

  test.each(places)('is told with its option, its path and its cause: %s', async (_what, makes, where) => {
    for (const [file, code] of [
      [at('none.pem'), 'ENOENT'],
      [pathToFileURL(at('none.pem')), 'ENOENT'],
      [join(at('cert.pem'), 'below'), 'ENOTDIR'],
    ] as const) {
      const made = makes(file)();
      await expect(made).rejects.toMatchObject(coded(code, /^(open|stat)$/));
      await expect(made).rejects.toThrow(where);
      await expect(made).rejects.toThrow(new RegExp(`a file that cannot be read, "[^"]*/(none|below)[^"]*": ${code}$`));
    }
  });

  test('is told also where it is a folder, or where there are too many links', async () => {
    const loop = at('loop');
    symlinkSync(loop, loop);
    await expect(server({ cert: folder })()).rejects.toMatchObject(coded('EISDIR'));
    await expect(server({ cert: loop })()).rejects.toMatchObject(coded('ELOOP'));
    const files = mkdtempSync(at('crls-'));
    symlinkSync(loop, join(files, 'a.crl'));
    await expect(client({ crl: files })()).rejects.toMatchObject(coded('ELOOP'));
    await expect(client({ crl: files })()).rejects.toThrow('a.crl');
  });

  test('is told where it cannot be written', async () => {
    for (const make of [server({ keyLogFile: folder }), client({ keyLogFile: folder })]) {
      const made = make();
      await expect(made).rejects.toMatchObject(coded('EISDIR', /^open$/));
      await expect(made).rejects.toThrow(/option 'keyLogFile' names a file that cannot be written, /);
    }
  });

  test.each<[string, (key: string) => string]>([
    ['its lines', (pem) => pem.split('\n').slice(1, -2).join('\n')],
    ['its line', (pem) => pem.split('\n').slice(1, -2).join('')],
    ['its lines, many times', (pem) => pem.split('\n').slice(1, -2).join('').repeat(50)],
  ])('is not quoted where it is a key without its frame: %s', async (_what, bare) => {
    const text = bare(leaf.key);
    const error = await server({ key: text })().then(
      () => new Error('it was taken'),
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code: 'MILLRACE_TLS_FILE_FAILED' });
    expect(error.message).toMatch(/option 'key' is neither PEM nor the name of a file: a text of \d+ characters$/);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(text.slice(10, 40));
  });

  test('is no file where it is no text: of a certificate of several', async () => {
    const certificates = [{ cert: 5 as never, key: leaf.key }];
    await expect(server({ certificates })()).rejects.toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT' });
  });
});

describe('update', () => {
  const withContext = async (options: Partial<TlsServerOptions> = {}): Promise<[TlsContext, Server]> => {
    const context = await TlsContext.server({ cert: leaf.cert, key: leaf.key, ...options });
    return [context, await start({ tls: context, handler: (req, res) => res.end(String(req.tls?.version)) })];
  };
  const serialOf = async (server: Server): Promise<string> => {
    const client = await RawClient.secure(server, { ca: root.cert });
    const { serialNumber } = client.tls.getPeerCertificate();
    client.destroy();
    return serialNumber.toLowerCase();
  };

  test('replaces the certificate for new handshakes, and live connections go on', async () => {
    const [context, server] = await withContext();
    const live = await RawClient.secure(server, { ca: root.cert });
    await live.send(get()).response();
    const next = await root.issue();
    await context.update({ cert: next.cert, key: next.key });
    expect(await serialOf(server)).toBe(next.x509.serialNumber.toLowerCase());
    expect((await live.send(get()).response()).status).toBe(200);
    expect(live.tls.getPeerCertificate().serialNumber.toLowerCase()).toBe(leaf.x509.serialNumber.toLowerCase());
  });

  test('reads files again without being told which', async () => {
    writeFileSync(at('live.pem'), leaf.cert);
    writeFileSync(at('live.key'), leaf.key);
    const [context, server] = await withContext({ cert: at('live.pem'), key: at('live.key') });
    const next = await root.issue();
    writeFileSync(at('live.pem'), next.cert);
    writeFileSync(at('live.key'), next.key);
    await context.update({});
    expect(await serialOf(server)).toBe(next.x509.serialNumber.toLowerCase());
  });

  test('that fails leaves everything as it was, and may be tried again', async () => {
    const [context, server] = await withContext();
    const next = await root.issue();
    await expect(context.update({ cert: next.cert })).rejects.toThrow(TypeError);
    await expect(context.update({ ciphers: ['none'] })).rejects.toThrow(TypeError);
    expect(await serialOf(server)).toBe(leaf.x509.serialNumber.toLowerCase());
    await context.update({ cert: next.cert, key: next.key });
    expect(await serialOf(server)).toBe(next.x509.serialNumber.toLowerCase());
  });

  test('changes versions, and serves all servers of its context', async () => {
    const [context, first] = await withContext();
    const second = await start({ tls: context, handler: (req, res) => res.end(String(req.tls?.version)) });
    await context.update({ maxVersion: 'TLSv1.2' });
    for (const server of [first, second]) {
      expect((await getByNode(server, { ca: root.cert })).body.toString()).toBe('TLSv1.2');
    }
  });

  test('is for servers alone', async () => {
    const client = await TlsContext.client({ ca: root.cert });
    await expect(client.update({})).rejects.toThrow("this is a client's context");
  });
});

test('private keys and ticket keys that were read for the core are wiped when it has them, and those of the caller are not', async () => {
  const calls = [
    jest.spyOn(native, 'tlsServer'),
    jest.spyOn(native, 'tlsUpdate'),
    jest.spyOn(native, 'tlsClient'),
    jest.spyOn(native, 'tlsIdentity'),
  ];
  try {
    const [key, ticketKeys] = [Buffer.from(leaf.pkcs8), Buffer.alloc(48, 7)];
    const own = { cert: leaf.cert, key };
    const context = await TlsContext.server({ ...own, ticketKeys });
    await context.update({ key: at('key.pem') });
    const encrypted = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' } as const;
    const locked = createPrivateKey(leaf.key).export(encrypted) as string;
    await TlsContext.client({ cert: leaf.cert, key: locked, passphrase: 'open sesame', ca: root.cert });
    await serves({ certificateFor: () => own });
    await expect(TlsContext.server({ ...own, ciphers: ['none'] })).rejects.toThrow('none');

    const secrets = calls.flatMap(({ mock }) =>
      (mock.calls as unknown[][]).flatMap((given) => {
        const { identities = [], identity, ticketKeys: ticket, key: alone } = given.at(-1) as NativeSecrets;
        return [...identities, ...(identity === undefined ? [] : [identity])]
          .map((each) => each.key)
          .concat(alone ?? [], ticket ?? []);
      }),
    );
    expect(secrets.map(({ length }) => length > 40)).toEqual(Array<boolean>(7).fill(true));
    expect(secrets.map((secret) => secret.every((byte) => byte === 0))).toEqual(Array<boolean>(7).fill(true));
    expect(key.equals(leaf.pkcs8)).toBe(true);
    expect(ticketKeys.every((byte) => byte === 7)).toBe(true);
  } finally {
    for (const call of calls) call.mockRestore();
  }
});

/** What is secret in what the core is given. */
interface NativeSecrets {
  identities?: { key: Uint8Array }[];
  identity?: { key: Uint8Array };
  ticketKeys?: Uint8Array;
  key?: Uint8Array;
}

test('writes key material to a file that the owner alone can read', async () => {
  const server = await start({
    tls: { cert: leaf.cert, key: leaf.key, keyLogFile: at('server.keys') },
    handler: (_req, res) => res.end(),
  });
  const socket = await open(server, { ca: root.cert, keyLogFile: at('client.keys') });
  socket.destroy();
  const [ours, theirs] = ['server.keys', 'client.keys'].map((name) =>
    readFileSync(at(name), 'latin1').split('\n').sort(),
  );
  expect(ours.filter((line) => line.startsWith('CLIENT_TRAFFIC_SECRET_0 '))).toHaveLength(1);
  expect(ours).toEqual(expect.arrayContaining(theirs));
  expect(statSync(at('server.keys')).mode & 0o077).toBe(0);
});

test('reload changes what TLS is for handshakes that begin, keeps the rest of it, and reads files', async () => {
  const [first, second] = [await root.issue(), await root.issue()];
  const server = await start({
    tls: { cert: first.cert, key: first.key, maxVersion: 'TLSv1.2' },
    handler: (_req, res) => res.end('fine'),
  });
  const serial = async (): Promise<string> => {
    const { socket } = await getByNode(server, { ca: root.cert });
    expect(socket.getProtocol()).toBe('TLSv1.2');
    return socket.getPeerCertificate().serialNumber;
  };
  const before = await serial();
  writeFileSync(at('next.pem'), second.cert);
  await server.reload({ tls: { cert: at('next.pem'), key: second.key }, maxBodySize: 3 });
  const after = await serial();
  expect(after).not.toBe(before);
  const tooLarge = await getByNode(server, { ca: root.cert, method: 'POST', body: Buffer.from('four') });
  expect(tooLarge.status).toBe(413);

  // What cannot be read changes nothing, of TLS or else.
  const wrong = { tls: { cert: at('none.pem'), key: second.key }, maxBodySize: 100 };
  await expect(server.reload(wrong)).rejects.toMatchObject({ code: 'MILLRACE_TLS_FILE_FAILED' });
  expect(await serial()).toBe(after);
  const still = await getByNode(server, { ca: root.cert, method: 'POST', body: Buffer.from('four') });
  expect(still.status).toBe(413);
});

test('reload of TLS is refused for a plain server, a context and a server that has closed', async () => {
  const plain = await start({ handler: (_req, res) => res.end() });
  const tls = { cert: leaf.cert, key: leaf.key };
  await expect(plain.reload({ tls })).rejects.toMatchObject({ code: 'MILLRACE_INVALID_STATE' });
  const server = await start({ tls, handler: (_req, res) => res.end() });
  const context = (await TlsContext.server(tls)) as unknown as TlsServerOptions;
  await expect(server.reload({ tls: context })).rejects.toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT' });
  await server.close();
  await expect(server.reload({ tls })).rejects.toMatchObject({ code: 'MILLRACE_SERVER_CLOSED' });
});
