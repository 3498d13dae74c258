import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Server, TlsServerOptions } from '../../ts/index.js';
import { connect, TlsContext } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { requireTool } from '../support/debian.js';
import { freeTcpPort } from '../support/free-port.js';
import type { Peer } from '../support/peer.js';
import { peers } from '../support/peers.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';
import { failures, open, refusal, rest } from '../support/tls.js';
import { testWith } from '../support/where.js';

const openssl = requireTool('openssl');
const curl = requireTool('curl');
const gnutls = requireTool('gnutls-cli', 'gnutls-bin');

let root: Authority;
let leaf: Issued;
let alice: Issued;
let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  root = await Authority.root();
  [leaf, alice] = await Promise.all([root.issue(), root.issue({ names: ['alice'], purpose: 'client' })]);
  folder = mkdtempSync(join(tmpdir(), 'millrace-peers-'));
  writeFileSync(at('ca.pem'), root.cert);
  for (const [name, issued] of Object.entries({ leaf, alice })) {
    writeFileSync(at(`${name}.pem`), issued.cert);
    writeFileSync(at(`${name}.key`), issued.key, { mode: 0o600 });
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

endsWithItsTest();
const programs = peers();

const serveTls = (tls: Partial<TlsServerOptions> = {}): Promise<Server> =>
  start({
    tls: { cert: leaf.cert, key: leaf.key, ...tls },
    handler: (req, res) =>
      res.end(
        `early=${req.headers.get('early-data') ?? 'no'} resumed=${req.tls?.resumed} secure=${req.isSecure} ${req.tls?.peerCertificate()?.subject ?? 'nobody'}\n`,
      ),
  });

const client = (server: Server, ...args: string[]): Peer =>
  programs.start(
    openssl,
    's_client',
    ...['-connect', `127.0.0.1:${server.port}`, '-servername', 'localhost', '-CAfile', at('ca.pem')],
    ...['-verify_return_error', '-ign_eof', ...args],
  );

describe('openssl s_client', () => {
  const withOpenssl = testWith(openssl);

  withOpenssl.each([
    ['-tls1_2', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
    ['-tls1_2', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
    ['-tls1_3', 'TLS_AES_128_GCM_SHA256'],
    ['-tls1_3', 'TLS_CHACHA20_POLY1305_SHA256'],
  ])('verifies the chain and gets its answer with %s and %s', async (version, suite) => {
    const server = await serveTls();
    const suites = version === '-tls1_2' ? ['-cipher', suite] : ['-ciphersuites', suite];
    const said = await client(server, version, ...suites, '-alpn', 'http/1.1')
      .send(get('/', 'Connection: close'))
      .over();
    expect(said).toContain('Verify return code: 0 (ok)');
    expect(said).toContain('ALPN protocol: http/1.1');
    expect(said).toContain(`Cipher is ${suite}`);
    expect(said).toMatch(/early=no resumed=false secure=true nobody/);
  });

  withOpenssl.each(['-tls1', '-tls1_1'])('is refused with %s', async (version) => {
    const server = await serveTls();
    const seen = failures(server);
    const said = await client(server, version, '-cipher', 'ALL:@SECLEVEL=0').over();
    expect(said).toMatch(/alert protocol version/);
    expect(said).toContain('Cipher is (NONE)');
    await until(() => seen.length === 1);
    expect(seen[0].code).toBe('MILLRACE_TLS_NO_SHARED_VERSION');
    expect(seen[0].message).toContain('the client speaks no version from TLS 1.2 on');
  });

  withOpenssl('asks in vain for a renegotiation', async () => {
    const server = await serveTls();
    // A line that is R asks for one; with -ign_eof such lines would be data.
    const plain = programs.start(
      openssl,
      ...[
        's_client',
        '-connect',
        `127.0.0.1:${server.port}`,
        '-servername',
        'localhost',
        '-CAfile',
        at('ca.pem'),
        '-tls1_2',
      ],
    );
    await plain.says('Verify return code: 0');
    expect(plain.output).toMatch(/Secure Renegotiation IS( NOT)? supported/);
    plain.send('R\n');
    await plain.says('RENEGOTIATING');
    expect(await plain.over()).toContain('no renegotiation');
    expect(plain.code).not.toBe(0);
  });

  withOpenssl('shows its certificate', async () => {
    const server = await serveTls({ ca: root.cert, requestCert: true });
    const said = await client(server, '-cert', at('alice.pem'), '-key', at('alice.key'))
      .send(get('/', 'Connection: close'))
      .over();
    expect(said).toContain('resumed=false secure=true CN=alice');
  });

  withOpenssl('resumes five times with -reconnect', async () => {
    const server = await serveTls();
    const reconnecting = client(server, '-tls1_2', '-reconnect');
    await until(
      () => (reconnecting.output.match(/^Reused, /gm) ?? []).length === 5,
      () => reconnecting.output,
    );
    reconnecting.send(get('/', 'Connection: close'));
    expect(await reconnecting.over()).toContain('resumed=true');
  });

  withOpenssl.each(['-tls1_2', '-tls1_3'])('resumes a session that it has saved, %s', async (version) => {
    const server = await serveTls();
    await client(server, version, '-sess_out', at('session')).send(get('/', 'Connection: close')).over();
    const said = await client(server, version, '-sess_in', at('session')).send(get('/', 'Connection: close')).over();
    expect(said).toMatch(/^Reused, /m);
    expect(said).toContain('resumed=true');
  });

  withOpenssl('sends early data where that is on: its request says so, and a replay is refused', async () => {
    writeFileSync(at('early'), get('/', 'Connection: close'));
    const server = await serveTls({ maxEarlyData: 16_384 });
    await client(server, '-tls1_3', '-sess_out', at('early-session')).send(get('/', 'Connection: close')).over();
    const again = (): Peer => client(server, '-tls1_3', '-sess_in', at('early-session'), '-early_data', at('early'));
    const first = await again().over();
    expect(first).toContain('Early data was accepted');
    // What is known of a session is known when its handshake is over, and this request came before.
    expect(first).toContain('early=1 resumed=undefined secure=true');
    const replayed = again();
    await replayed.says('Early data was rejected');
    expect(replayed.output).not.toContain('early=1');
  });

  withOpenssl('has its early data refused where that is off', async () => {
    writeFileSync(at('early'), get('/', 'Connection: close'));
    const server = await serveTls();
    const first = client(server, '-tls1_3', '-sess_out', at('late-session'));
    const said = await first.send(get('/', 'Connection: close')).over();
    expect(said).toContain('Max Early Data: 0');
  });

  withOpenssl('writes the same key log as the server', async () => {
    const server = await serveTls({ keyLogFile: at('ours.keys') });
    await client(server, '-keylogfile', at('theirs.keys')).send(get('/', 'Connection: close')).over();
    const lines = (name: string): string[] =>
      readFileSync(at(name), 'utf8')
        .split('\n')
        .filter((line) => /^(CLIENT|SERVER)_(HANDSHAKE_)?TRAFFIC/.test(line))
        .sort();
    expect(lines('ours.keys')).toHaveLength(4);
    expect(lines('ours.keys')).toEqual(lines('theirs.keys'));
  });
});

describe('openssl s_server', () => {
  async function opensslServer(...args: string[]): Promise<{ port: number; peer: Peer }> {
    const port = await freeTcpPort();
    const made = programs.start(
      openssl,
      ...['s_server', '-accept', `127.0.0.1:${port}`, '-cert', at('leaf.pem'), '-key', at('leaf.key'), ...args],
    );
    await made.says('ACCEPT');
    return { port, peer: made };
  }

  testWith(openssl).each(['-tls1_2', '-tls1_3'])('answers a connect, %s', async (version) => {
    const place = await opensslServer(version, '-www');
    const socket = await open(place, { ca: root.cert });
    expect(socket.tls?.version).toBe(version === '-tls1_2' ? 'TLSv1.2' : 'TLSv1.3');
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect((await rest(socket)).toString()).toContain('HTTP/1.0 200 ok');
    socket.destroy();
  });

  testWith(openssl)('is shown a certificate, and refused where it is a stranger', async () => {
    const place = await opensslServer('-Verify', '1', '-CAfile', at('ca.pem'), '-www');
    const socket = await open(place, { ca: root.cert, cert: alice.cert, key: alice.key });
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect((await rest(socket)).toString()).toMatch(/Subject: CN ?= ?alice/);
    socket.destroy();
    expect((await refusal(place, { ca: alice.own })).code).toBe('MILLRACE_TLS_UNKNOWN_CA');
  });
});

describe('curl', () => {
  const run = (server: Server, ...args: string[]): Promise<string> =>
    programs
      .start(
        curl,
        '-sS',
        '--max-time',
        '5',
        '--resolve',
        `localhost:${server.port}:127.0.0.1`,
        ...args,
        `https://localhost:${server.port}/`,
      )
      .over();

  testWith(curl)('gets, posts, resumes nothing it should not, and shows its certificate', async () => {
    const server = await serveTls({ ca: root.cert, requestCert: true, rejectUnauthorized: false });
    expect(await run(server, '--cacert', at('ca.pem'))).toBe('early=no resumed=false secure=true nobody\n');
    expect(await run(server, '--cacert', at('ca.pem'), '-d', 'x'.repeat(100_000))).toBe(
      'early=no resumed=false secure=true nobody\n',
    );
    expect(
      await run(
        server,
        '--cacert',
        at('ca.pem'),
        '--tls-max',
        '1.2',
        '--cert',
        at('alice.pem'),
        '--key',
        at('alice.key'),
      ),
    ).toBe('early=no resumed=false secure=true CN=alice\n');
  });

  testWith(curl).each(['1.2', '1.3'])(
    'gets an answer that only its end delimits in HTTP/1.0, TLS %s, and finds it whole',
    async (version) => {
      const server = await start({
        tls: { cert: leaf.cert, key: leaf.key },
        handler(req, res) {
          res.write(`${req.tls?.alpn} `);
          setImmediate(() => res.end('whole'));
        },
      });
      // Without close_notify it would say that the end was unexpected, and end with 56.
      const said = await run(server, '--cacert', at('ca.pem'), '--http1.0', '--tls-max', version, '-w', ' %{exitcode}');
      expect(said).toBe('http/1.0 whole 0');
    },
  );

  testWith(curl)('refuses us without our authority, and the server hears the alert', async () => {
    const server = await serveTls();
    const seen = failures(server);
    expect(await run(server)).toMatch(/certificate/i);
    await until(() => seen[0]?.code === 'MILLRACE_TLS_ALERT_RECEIVED');
  });
});

const GNUTLS = ['NORMAL:-VERS-ALL:+VERS-TLS1.2', 'NORMAL:-VERS-ALL:+VERS-TLS1.3'];

describe('gnutls-cli', () => {
  const cli = (server: Server, ...args: string[]): Peer =>
    programs.start(
      gnutls,
      ...['--x509cafile', at('ca.pem'), '--sni-hostname', 'localhost', '--verify-hostname', 'localhost', ...args],
      ...['-p', String(server.port), '127.0.0.1'],
    );

  testWith(gnutls).each(GNUTLS)('gets its answer with %s', async (priority) => {
    const server = await serveTls();
    const said = cli(server, '--priority', priority);
    await said.says('Handshake was completed');
    said.send(get('/', 'Connection: close'));
    await said.says('early=no resumed=false');
    expect(said.output).toContain('The certificate is trusted');
  });

  testWith(gnutls).each(GNUTLS)('resumes with %s', async (priority) => {
    const server = await serveTls();
    const said = cli(server, '--priority', priority, '--resume');
    await said.says('This is a resumed session');
    said.send(get('/', 'Connection: close'));
    await said.says('resumed=true');
  });

  testWith(gnutls)('refuses us without our authority, and the server hears the alert or the end', async () => {
    const server = await serveTls();
    const seen = failures(server);
    const said = programs.start(gnutls, '--sni-hostname', 'localhost', '-p', String(server.port), '127.0.0.1');
    expect(await said.over()).toContain('The certificate issuer is unknown');
    await until(() => seen.length === 1);
  });
});

describe('gnutls-serv', () => {
  const gnutlsServer = requireTool('gnutls-serv', 'gnutls-bin');

  async function serving(...args: string[]): Promise<{ port: number; peer: Peer }> {
    const port = await freeTcpPort();
    const files = ['--x509certfile', at('leaf.pem'), '--x509keyfile', at('leaf.key')];
    const made = programs.start(gnutlsServer, '--http', '-p', String(port), ...files, ...args);
    await made.says(/IPv4 .*done/);
    return { port, peer: made };
  }

  testWith(gnutlsServer).each(GNUTLS)('answers a connect with %s, and is resumed', async (priority) => {
    const place = await serving('--priority', priority);
    const context = await TlsContext.client({ ca: root.cert, servername: 'localhost' });
    const seen: unknown[] = [];
    for (let count = 0; count < 2; count++) {
      const socket = await connect({ host: '127.0.0.1', port: place.port, tls: context });
      socket.write('GET / HTTP/1.0\r\n\r\n');
      expect((await rest(socket)).toString()).toContain('HTTP/1.0 200 OK');
      seen.push([socket.tls?.version, socket.tls?.resumed]);
      socket.destroy();
    }
    const version = priority.endsWith('1.2') ? 'TLSv1.2' : 'TLSv1.3';
    expect(seen).toEqual([
      [version, false],
      [version, true],
    ]);
  });

  testWith(gnutlsServer)('is shown a certificate, and refused where it is a stranger', async () => {
    const place = await serving('--require-client-cert', '--verify-client-cert', '--x509cafile', at('ca.pem'));
    const socket = await open(place, { ca: root.cert, cert: alice.cert, key: alice.key });
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect((await rest(socket)).toString()).toContain('CN=alice');
    socket.destroy();
    expect((await refusal(place, { ca: alice.own })).code).toBe('MILLRACE_TLS_UNKNOWN_CA');
  });
});
