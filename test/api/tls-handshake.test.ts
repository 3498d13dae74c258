import type { TlsServerOptions } from '../../ts/index.js';
import { TlsContext } from '../../ts/index.js';
import { leaf, root } from '../support/chain.js';
import { deferred, until } from '../support/condition.js';
import type { Issued } from '../support/pki.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';
import { failures, open, refusal, refusedByNode } from '../support/tls.js';

endsWithItsTest();

const serveTls = (tls: Partial<TlsServerOptions> = {}) =>
  start({
    tls: { cert: leaf.cert, key: leaf.key, ...tls },
    handler: (req, res) => res.end(JSON.stringify({ ...req.tls, secure: req.isSecure })),
  });

const factsOf = async (client: RawClient): Promise<Record<string, unknown>> =>
  JSON.parse((await client.send(get()).response()).body.toString()) as Record<string, unknown>;

test.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s alone where that is asked for', async (version) => {
  const server = await serveTls({ minVersion: version, maxVersion: version });
  const client = await RawClient.secure(server, { ca: root.cert });
  expect(client.tls.getProtocol()).toBe(version);
  expect(await factsOf(client)).toMatchObject({ version, secure: true, servername: 'localhost', resumed: false });
  const socket = await open(server, { ca: root.cert });
  expect(socket.tls?.version).toBe(version);
  socket.destroy();
});

test.each([
  ['TLSv1.2', 'TLSv1.3'],
  ['TLSv1.3', 'TLSv1.2'],
] as const)('refuses a client of %s where only %s is allowed', async (theirs, ours) => {
  const server = await serveTls({ minVersion: ours, maxVersion: ours });
  const seen = failures(server);
  const error = await refusal(server, { ca: root.cert, minVersion: theirs, maxVersion: theirs });
  expect([error.phase, error.code]).toEqual(['tls', 'MILLRACE_TLS_ALERT_RECEIVED']);
  expect(error.message).toContain('protocol_version');
  await until(() => seen.length === 1);
  expect([seen[0].code, seen[0].phase]).toEqual(['MILLRACE_TLS_NO_SHARED_VERSION', 'tls']);
  expect(await refusedByNode(server, { ca: root.cert, minVersion: theirs, maxVersion: theirs })).toBe(
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  );
});

test.each([
  ['TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
  ['TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256'],
  ['TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
] as const)('speaks the suite of %s that is named: %s', async (version, suite) => {
  const server = await serveTls({ ciphers: [suite], minVersion: version, maxVersion: version });
  const client = await RawClient.secure(server, { ca: root.cert });
  expect(client.tls.getCipher().name).toBe(suite);
  expect(await factsOf(client)).toMatchObject({ cipher: suite, version });
});

test('takes suites by the names of IANA, and as one text with colons', async () => {
  const ciphers = 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:ECDHE-ECDSA-AES128-GCM-SHA256';
  const server = await serveTls({ ciphers: ciphers as never, maxVersion: 'TLSv1.2' });
  const client = await RawClient.secure(server, { ca: root.cert });
  expect(await factsOf(client)).toMatchObject({ cipher: 'ECDHE-ECDSA-AES256-GCM-SHA384' });
});

test('honorCipherOrder: the order of the server counts, or that of the client', async () => {
  const [first, second] = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'];
  for (const [honorCipherOrder, wanted] of [
    [true, first],
    [false, second],
  ] as const) {
    const server = await serveTls({ ciphers: [first, second], maxVersion: 'TLSv1.2', honorCipherOrder });
    const client = await RawClient.secure(server, { ca: root.cert, ciphers: `${second}:${first}` });
    expect(client.tls.getCipher().name).toBe(wanted);
  }
});

test('refuses a suite that does not exist, and lists those that do', async () => {
  const made = TlsContext.server({ cert: leaf.cert, key: leaf.key, ciphers: ['RC4-MD5'] });
  await expect(made).rejects.toMatchObject({
    code: 'MILLRACE_TLS_INVALID_CONFIGURATION',
    message: expect.stringMatching(/RC4-MD5.*ECDHE-ECDSA-AES256-GCM-SHA384/),
  });
  await expect(TlsContext.client({ ciphers: ['AES'] })).rejects.toThrow(TypeError);
});

test('ends a handshake without a shared suite with an alert and its code', async () => {
  const server = await serveTls({ ciphers: ['ECDHE-ECDSA-AES128-GCM-SHA256'], maxVersion: 'TLSv1.2' });
  const seen = failures(server);
  const error = await refusal(server, { ca: root.cert, ciphers: ['ECDHE-ECDSA-AES256-GCM-SHA384'] });
  expect(error.message).toContain('handshake_failure');
  await until(() => seen.length === 1);
  expect(seen[0].code).toBe('MILLRACE_TLS_NO_SHARED_SUITE');
});

test('agrees on an application protocol by the order of the server', async () => {
  const server = await serveTls({ ALPNProtocols: ['b', 'http/1.1'] });
  const client = await RawClient.secure(server, { ca: root.cert, ALPNProtocols: ['http/1.1', 'b'] });
  expect(client.tls.alpnProtocol).toBe('b');
  const socket = await open(server, { ca: root.cert, ALPNProtocols: ['x', 'http/1.1'] });
  expect(socket.tls?.alpn).toBe('http/1.1');
  socket.destroy();
  expect((await factsOf(await RawClient.secure(server, { ca: root.cert }))).alpn).toBeNull();
});

test('ends a handshake without a shared application protocol with its alert and code', async () => {
  const server = await serveTls({ ALPNProtocols: ['http/1.1'] });
  const seen = failures(server);
  const error = await refusal(server, { ca: root.cert, ALPNProtocols: ['h9'] });
  expect(error.message).toContain('no_application_protocol');
  await until(() => seen.length === 1);
  expect(seen[0].code).toBe('MILLRACE_TLS_NO_SHARED_ALPN');
});

test('shows each server name its own certificate, wildcards one label deep, and others the first', async () => {
  const [a, wild, named] = await Promise.all([
    root.issue({ names: ['a.test'] }),
    root.issue({ names: ['*.wild.test'] }),
    root.issue({ names: ['unused.test'], commonName: 'named' }),
  ]);
  const server = await serveTls({
    cert: [leaf.cert, a.cert],
    key: [leaf.key, a.key],
    certificates: [
      { cert: wild.cert, key: wild.key },
      { cert: named.cert, key: named.key, names: ['b.test', '*.b.test'] },
    ],
  });
  const shown = async (servername: string): Promise<string> => {
    const client = await RawClient.secure(server, { ca: root.cert, servername, checkServerIdentity: () => undefined });
    return client.tls.getPeerCertificate().subject.CN as string;
  };
  expect(await shown('a.test')).toBe('a.test');
  expect(await shown('A.TEST')).toBe('a.test');
  expect(await shown('x.wild.test')).toBe('*.wild.test');
  expect(await shown('x.y.wild.test')).toBe('localhost');
  expect(await shown('wild.test')).toBe('localhost');
  expect(await shown('b.test')).toBe('named');
  expect(await shown('deep.b.test')).toBe('named');
  expect(await shown('unused.test')).toBe('localhost');
  expect(await shown('nobody.test')).toBe('localhost');
});

test.each([
  ['TLSv1.2', { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }, { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }],
  ['TLSv1.3', { sigalgs: 'rsa_pss_rsae_sha256' }, { sigalgs: 'ecdsa_secp256r1_sha256' }],
] as const)(
  'of certificates for the same names shows the first whose key a client can verify, %s',
  async (version, byRsa, byEcdsa) => {
    const [rsa, other] = await Promise.all([
      root.issue({ kind: 'rsa', commonName: 'of RSA' }),
      root.issue({ kind: 'rsa', names: ['other.test'] }),
    ]);
    const server = await serveTls({
      cert: [leaf.cert, other.cert, rsa.cert],
      key: [leaf.key, other.key, rsa.key],
    });
    const only = { ca: root.cert, minVersion: version, maxVersion: version };
    const shown = async (options: object): Promise<unknown> => {
      const client = await RawClient.secure(server, { ...only, ...options });
      return client.tls.getPeerCertificate().subject.CN;
    };
    expect(await shown({})).toBe('localhost');
    expect(await shown(byEcdsa)).toBe('localhost');
    expect(await shown(byRsa)).toBe('of RSA');
    expect(await shown({ ...byRsa, servername: 'nobody.test', checkServerIdentity: () => undefined })).toBe('of RSA');
  },
);

describe('certificateFor', () => {
  const shown = async (server: { port: number }, servername: string): Promise<string> => {
    const client = await RawClient.secure(server, { ca: root.cert, servername, checkServerIdentity: () => undefined });
    return client.tls.getPeerCertificate().subject.CN as string;
  };

  test('answers at once or later, is told what the client offers, and is not asked for names that are known', async () => {
    const [now, later] = await Promise.all([
      root.issue({ names: ['now.test'] }),
      root.issue({ names: ['later.test'] }),
    ]);
    const asked: unknown[] = [];
    const server = await serveTls({
      certificateFor(servername, hello) {
        asked.push([servername, hello]);
        if (servername === 'now.test') return now;
        if (servername === 'later.test') return new Promise((resolve) => setImmediate(() => resolve(later)));
        return null;
      },
    });
    expect(await shown(server, 'now.test')).toBe('now.test');
    expect(await shown(server, 'later.test')).toBe('later.test');
    expect(await shown(server, 'other.test')).toBe('localhost');
    expect(await shown(server, 'localhost')).toBe('localhost');
    const nameless = await open(server, { ca: root.cert, servername: '127.0.0.1', ALPNProtocols: ['http/1.1'] });
    nameless.destroy();
    const hello = { alpn: [], ecdsa: true };
    expect(asked).toEqual([
      ['now.test', hello],
      ['later.test', hello],
      ['other.test', hello],
      [null, { alpn: ['http/1.1'], ecdsa: true }],
    ]);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['answers with garbage', () => ({ cert: '-----BEGIN CERTIFICATE-----', key: 'x' }) as never],
    ['answers with no certificate', () => 7 as never],
  ])('that %s leaves the default certificate', async (_name, certificateFor) => {
    const server = await serveTls({ certificateFor });
    expect(await shown(server, 'x.test')).toBe('localhost');
  });

  test('that fails where there is no default ends the handshake with its code', async () => {
    const server = await start({
      tls: { certificateFor: () => null },
      handler: (_req, res) => res.end(),
    });
    const seen = failures(server);
    const error = await refusal(server, { ca: root.cert });
    expect(error.code).toBe('MILLRACE_TLS_ALERT_RECEIVED');
    await until(() => seen.length === 1);
    expect(seen[0]).toMatchObject({ code: 'MILLRACE_TLS_NO_CERTIFICATE', phase: 'tls' });
  });

  test('that is too slow meets the timeout of the handshake, and its late answer hurts nobody', async () => {
    const asked = deferred<Issued>();
    const server = await start({
      tls: { cert: leaf.cert, key: leaf.key, certificateFor: (name) => (name === 'slow.test' ? asked.promise : null) },
      tlsHandshakeTimeout: 60,
      handler: (_req, res) => res.end(),
    });
    const seen = failures(server);
    const began = performance.now();
    await expect(open(server, { ca: root.cert, servername: 'slow.test' })).rejects.toThrow();
    expect(performance.now() - began).toBeGreaterThanOrEqual(60);
    expect(server.stats().timeouts.tlsHandshake).toBe(1);
    await until(() => seen.length === 1);
    expect(seen[0]).toMatchObject({ code: 'MILLRACE_TLS_HANDSHAKE_TIMEOUT', kind: 'timeout', phase: 'tls' });
    asked.resolve(leaf);
    expect(await shown(server, 'fast.test')).toBe('localhost');
  });

  test('may be left by a client that waits for it', async () => {
    const asked = deferred<Issued>();
    const wasAsked = deferred();
    const server = await serveTls({
      certificateFor() {
        wasAsked.resolve();
        return asked.promise;
      },
    });
    const client = await RawClient.connect({ port: server.port });
    const opening = open(server, { ca: root.cert, servername: 'x.test' }).catch((error: unknown) => error);
    await wasAsked.promise;
    client.destroy();
    server.destroy();
    asked.resolve(leaf);
    expect(await opening).toMatchObject({ phase: 'tls' });
  });
});

test('a handshake that does not go on is cut at its time, counted and told', async () => {
  const server = await start({
    tls: { cert: leaf.cert, key: leaf.key },
    tlsHandshakeTimeout: 80,
    handler: (_req, res) => res.end(),
  });
  const seen = failures(server);
  const began = performance.now();
  const client = await RawClient.connect({ port: server.port });
  await client.send(Buffer.from([22, 3, 1, 0, 200, 1])).closed();
  expect(performance.now() - began).toBeGreaterThanOrEqual(80);
  await until(() => seen.length === 1);
  expect(seen[0].code).toBe('MILLRACE_TLS_HANDSHAKE_TIMEOUT');
  expect(server.stats().timeouts).toMatchObject({ tlsHandshake: 1, headers: 0 });
});
