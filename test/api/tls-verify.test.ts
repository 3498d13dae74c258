import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { MillraceError, Server, TlsClientOptions } from '../../ts/index.js';
import { connect, setLogger, TlsContext } from '../../ts/index.js';
import type { Issued } from '../support/pki.js';
import { Authority, selfSigned } from '../support/pki.js';
import { runProgram } from '../support/program.js';
import { endsWithItsTest, start } from '../support/test-server.js';
import { failures, open, refusal } from '../support/tls.js';
import { until } from '../support/condition.js';

let root: Authority;
let below: Authority;
let leaf: Issued;

beforeAll(async () => {
  root = await Authority.root('Verify Root');
  [below, leaf] = await Promise.all([root.intermediate(), root.issue()]);
});

endsWithItsTest();

const serveWith = (issued: Issued): Promise<Server> =>
  start({ tls: { cert: issued.cert, key: issued.key }, handler: (_req, res) => res.end('hello') });

/** The refusal of a server with this certificate. */
async function refusalOf(issued: Issued, options: TlsClientOptions = {}, host?: string): Promise<MillraceError> {
  const server = await serveWith(issued);
  const seen = failures(server);
  const error = await refusal(server, { ca: root.cert, ...options }, host);
  // The server hears of it by an alert.
  await until(() => seen.length === 1, 'the alert');
  expect(seen[0].code).toBe('MILLRACE_TLS_ALERT_RECEIVED');
  expect(error.phase).toBe('tls');
  return error;
}

test('trusts a chain through an intermediate, of ECDSA and of RSA', async () => {
  for (const kind of ['ecdsa', 'rsa'] as const) {
    const issued = await below.issue({ kind });
    const socket = await open(await serveWith(issued), { ca: root.cert });
    expect(socket.tls?.peerCertificate()?.serialNumber).toBe(issued.x509.serialNumber.toUpperCase());
    expect(socket.tls?.peerCertificates()).toHaveLength(2);
    expect(socket.tls?.authorizationError).toBeNull();
    socket.destroy();
  }
});

test('judges by the address where an address was connected to', async () => {
  const server = await serveWith(leaf);
  const socket = await connect({ host: '127.0.0.1', port: server.port, tls: { ca: root.cert } });
  expect(socket.tls?.servername).toBeNull();
  socket.destroy();
  const named = await serveWith(await root.issue({ names: ['localhost'] }));
  await expect(connect({ host: '127.0.0.1', port: named.port, tls: { ca: root.cert } })).rejects.toMatchObject({
    code: 'MILLRACE_TLS_WRONG_HOST',
  });
});

test('refuses the certificate of another host, and says whose it is', async () => {
  const error = await refusalOf(leaf, {}, 'other.test');
  expect(error.code).toBe('MILLRACE_TLS_WRONG_HOST');
  expect(error.message).toMatch(/other\.test/);
  expect(error.message).toMatch(/localhost/);
});

test('refuses an expired certificate, and says when it ended', async () => {
  const error = await refusalOf(await root.issue({ from: -48, to: -24 }));
  expect(error.code).toBe('MILLRACE_TLS_CERTIFICATE_EXPIRED');
  expect(error.message).toContain(new Date(Date.now() - 24 * 3_600_000).toISOString().slice(0, 10));
});

test('refuses a certificate that is not valid yet, and says when it begins', async () => {
  const error = await refusalOf(await root.issue({ from: 24, to: 48 }));
  expect(error.code).toBe('MILLRACE_TLS_CERTIFICATE_NOT_YET_VALID');
  expect(error.message).toContain(new Date(Date.now() + 24 * 3_600_000).toISOString().slice(0, 10));
});

test('refuses an unknown authority, and says which issuer is missing', async () => {
  const stranger = await Authority.root('Stranger Root');
  const error = await refusalOf(await stranger.issue());
  expect(error.code).toBe('MILLRACE_TLS_UNKNOWN_CA');
  expect(error.message).toContain('Stranger Root');
});

test('refuses a chain whose intermediate is missing', async () => {
  const { own, key } = await below.issue();
  const server = await start({ tls: { cert: own, key }, handler: (_req, res) => res.end() });
  const error = await refusal(server, { ca: root.cert });
  expect(error.code).toBe('MILLRACE_TLS_UNKNOWN_CA');
  expect(error.message).toContain('Test Intermediate');
});

test('refuses a certificate that is signed by itself, and takes it as its own authority', async () => {
  const alone = await selfSigned();
  expect((await refusalOf(alone)).code).toBe('MILLRACE_TLS_SELF_SIGNED');
  const socket = await open(await serveWith(alone), { ca: alone.cert });
  expect(socket.tls?.authorizationError).toBeNull();
  socket.destroy();
});

test('refuses a certificate that is for clients or for code', async () => {
  for (const purpose of ['client', 'codeSigning'] as const) {
    expect((await refusalOf(await root.issue({ purpose }))).code).toBe('MILLRACE_TLS_WRONG_PURPOSE');
  }
});

test('holds an authority to its name constraints', async () => {
  const bound = await root.intermediate('Bound', 'inside.test');
  const inside = await serveWith(await bound.issue({ names: ['a.inside.test'] }));
  (await open(inside, { ca: root.cert, servername: 'a.inside.test' })).destroy();
  const outside = await bound.issue({ names: ['outside.test'] });
  expect((await refusalOf(outside, {}, 'outside.test')).code).toBe('MILLRACE_TLS_NAME_CONSTRAINTS');
});

test('refuses a weak key and a weak signature', async () => {
  const weakRoot = await Authority.root('Weak Root', 'rsa');
  const [small, sha1] = await Promise.all([weakRoot.issue({ kind: 'rsa1024' }), weakRoot.issue({ hash: 'SHA-1' })]);
  expect((await refusalOf(sha1, { ca: weakRoot.cert })).code).toBe('MILLRACE_TLS_WEAK_SIGNATURE');
  // A key that short is not even served.
  await expect(TlsContext.server({ cert: small.cert, key: small.key })).rejects.toMatchObject({
    code: 'MILLRACE_TLS_INVALID_CONFIGURATION',
  });
});

test.each([
  ['a.wild.test', undefined],
  ['A.WILD.test', undefined],
  ['wild.test', 'MILLRACE_TLS_WRONG_HOST'],
  ['a.b.wild.test', 'MILLRACE_TLS_WRONG_HOST'],
  ['x.test', 'MILLRACE_TLS_WRONG_HOST'],
])('judges %s by *.wild.test', async (servername, code) => {
  const server = await serveWith(await root.issue({ names: ['*.wild.test'] }));
  if (code !== undefined) expect((await refusal(server, { ca: root.cert }, servername)).code).toBe(code);
  else (await open(server, { ca: root.cert, servername })).destroy();
});

test.each(['*.test', 'f*.wild.test', 'a.*.test'])(
  'never judges by the common name, nor by the pattern %s',
  async (name) => {
    const issued = await root.issue({
      names: [name === '*.test' ? 'unrelated.test' : name],
      commonName: 'foo.wild.test',
    });
    expect((await refusal(await serveWith(issued), { ca: root.cert }, 'foo.wild.test')).phase).toBe('tls');
  },
);

test('trusts nobody of ours by the roots of Node and of the system', async () => {
  const server = await serveWith(leaf);
  for (const roots of ['node', 'system'] as const) {
    expect((await refusal(server, { roots })).code).toBe('MILLRACE_TLS_UNKNOWN_CA');
  }
});

test.each([
  ['node', 'NODE_EXTRA_CA_CERTS'],
  ['system', 'SSL_CERT_FILE'],
])('the roots of %s have those that %s names', async (roots, name) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-roots-'));
  const file = join(folder, 'ca.pem');
  writeFileSync(file, root.cert);
  try {
    const server = await serveWith(leaf);
    const told = async (env: Record<string, string>): Promise<string> =>
      (await runProgram('trusted-roots.mjs', [String(server.port), roots], { env })).stdout.trim();
    expect(await told({ [name]: file })).toBe('trusted');
    expect(await told({ [name]: '' })).toBe('MILLRACE_TLS_UNKNOWN_CA');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('pins', () => {
  test('pass a chain with a pinned key: its own, its intermediate, its root', async () => {
    const issued = await below.issue();
    const server = await serveWith(issued);
    for (const pin of [issued.pin, below.pin, root.pin]) {
      const socket = await open(server, { ca: root.cert, pins: [leaf.pin, pin] });
      expect(socket.tls?.authorizationError).toBeNull();
      socket.destroy();
    }
  });

  test('refuse a chain without one, and say which key it has', async () => {
    const error = await refusalOf(leaf, { pins: [(await root.issue()).pin] });
    expect(error.code).toBe('MILLRACE_TLS_PIN_MISMATCH');
    expect(error.message).toContain(leaf.pin);
  });

  test('only report where that is asked for', async () => {
    const socket = await open(await serveWith(leaf), {
      ca: root.cert,
      pins: [(await root.issue()).pin],
      pinsReportOnly: true,
    });
    expect(socket.tls?.authorizationError?.code).toBe('MILLRACE_TLS_PIN_MISMATCH');
    socket.destroy();
  });

  test('that are malformed are refused', async () => {
    for (const pin of ['sha1/AAAA', 'sha256/short', 'AAAA']) {
      await expect(TlsContext.client({ pins: [pin] })).rejects.toMatchObject({
        code: 'MILLRACE_TLS_INVALID_CONFIGURATION',
      });
    }
  });
});

test('rejectUnauthorized: false lets anyone pass, warns once for each context, and reports what is wrong', async () => {
  const warned: string[] = [];
  setLogger((record) => {
    if (record.level === 'warn') warned.push(record.message);
  });
  try {
    const context = await TlsContext.client({ ca: root.cert, rejectUnauthorized: false });
    const expired = await serveWith(await root.issue({ from: -48, to: -24 }));
    for (let round = 0; round < 3; round++) {
      const socket = await connect({ host: '127.0.0.1', port: expired.port, tls: context });
      expect(socket.tls?.authorizationError).toMatchObject({ code: 'MILLRACE_TLS_CERTIFICATE_EXPIRED', phase: 'tls' });
      socket.destroy();
    }
    const good = await connect({ host: '127.0.0.1', port: (await serveWith(leaf)).port, tls: context });
    expect(good.tls?.authorizationError).toBeNull();
    good.destroy();
    expect(warned).toEqual([expect.stringContaining('rejectUnauthorized is false')]);
  } finally {
    setLogger(null);
  }
});
