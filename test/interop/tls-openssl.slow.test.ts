// What must be refused, cut or resumed, with OpenSSL at the other end: its server against our client, its client against
// our server. It says itself which alert it was told.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Server, Socket, TlsClientOptions, TlsServerOptions } from '../../ts/index.js';
import { connect, TlsContext } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { requireTool } from '../support/debian.js';
import { freeTcpPort } from '../support/free-port.js';
import type { Peer } from '../support/peer.js';
import { peers } from '../support/peers.js';
import type { Issued } from '../support/pki.js';
import { Authority, selfSigned } from '../support/pki.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';
import { failures, open, refusal, rest } from '../support/tls.js';
import { lacking, where } from '../support/where.js';

const openssl = requireTool('openssl');
const { describe: withOpenssl } = where('OpenSSL at the other end of TLS', lacking({ openssl }));

let root: Authority;
let stranger: Authority;
let leaf: Issued;
let folder: string;

beforeAll(async () => {
  [root, stranger] = await Promise.all([Authority.root('Peers Root', 'rsa'), Authority.root('Stranger Root')]);
  leaf = await root.issue();
  folder = mkdtempSync(join(tmpdir(), 'millrace-openssl-'));
  writeFileSync(join(folder, 'ca.pem'), root.cert);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

endsWithItsTest();
const programs = peers();

let written = 0;

/** A file with the text. */
function file(text: string): string {
  const path = join(folder, String(++written));
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const flagOf = (version: string): string => (version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3');

/** Old keys and signatures are shown, too. */
const LAX = ['-cipher', 'ALL:@SECLEVEL=0'];

async function opensslServer(issued: Issued, ...args: string[]): Promise<{ port: number; peer: Peer }> {
  const port = await freeTcpPort();
  const own = ['-cert', file(issued.own), '-key', file(issued.key), '-cert_chain', file(issued.cert)];
  const peer = programs.start(openssl, 's_server', '-accept', `127.0.0.1:${port}`, ...own, ...args);
  await peer.says('ACCEPT');
  return { port, peer };
}

function opensslClient(server: Server, ...args: string[]): Peer {
  const to = ['-connect', `127.0.0.1:${server.port}`, '-servername', 'localhost', '-CAfile', join(folder, 'ca.pem')];
  return programs.start(openssl, 's_client', ...to, '-verify_return_error', ...args);
}

const own = (issued: Issued): string[] => ['-cert', file(issued.cert), '-key', file(issued.key)];

interface Refused {
  issue: () => Promise<Issued>;
  options?: () => Promise<TlsClientOptions>;
  servername?: string;
  code: string;
  alert: string;
}

const constrained = async (): Promise<Issued> =>
  (await root.intermediate('Bound', 'inside.test')).issue({ names: ['outside.test'] });

const REFUSED: Record<string, Refused> = {
  'another host': { issue: () => root.issue(), servername: 'other.test', code: 'WRONG_HOST', alert: 'bad certificate' },
  'a wildcard for more than one label': {
    issue: () => root.issue({ names: ['*.wild.test'] }),
    servername: 'a.b.wild.test',
    code: 'WRONG_HOST',
    alert: 'bad certificate',
  },
  'a certificate that has expired': {
    issue: () => root.issue({ from: -48, to: -24 }),
    code: 'CERTIFICATE_EXPIRED',
    alert: 'certificate expired',
  },
  'a certificate whose time has not come': {
    issue: () => root.issue({ from: 24, to: 48 }),
    code: 'CERTIFICATE_NOT_YET_VALID',
    alert: 'certificate expired',
  },
  'an unknown authority': { issue: () => stranger.issue(), code: 'UNKNOWN_CA', alert: 'unknown ca' },
  'a certificate that is signed by itself': { issue: selfSigned, code: 'SELF_SIGNED', alert: 'unknown ca' },
  'a name outside the constraints': {
    issue: constrained,
    servername: 'outside.test',
    code: 'NAME_CONSTRAINTS',
    alert: 'certificate unknown',
  },
  'a key of 1024 bits': {
    issue: () => root.issue({ kind: 'rsa1024' }),
    code: 'WEAK_SIGNATURE',
    alert: 'unsupported certificate',
  },
  'a signature with SHA-1': {
    issue: () => root.issue({ hash: 'SHA-1' }),
    code: 'WEAK_SIGNATURE',
    alert: 'decrypt error',
  },
  'a certificate of a client': {
    issue: () => root.issue({ purpose: 'client' }),
    code: 'WRONG_PURPOSE',
    alert: 'unsupported certificate',
  },
  'a certificate that a CRL revokes': {
    issue: () => Promise.resolve(leaf),
    options: async () => ({ crl: await root.crl([leaf]) }),
    code: 'CERTIFICATE_REVOKED',
    alert: 'certificate revoked',
  },
  'a key that is not pinned': {
    issue: () => root.issue(),
    options: () => Promise.resolve({ pins: [stranger.pin] }),
    code: 'PIN_MISMATCH',
    alert: 'access denied',
  },
};

withOpenssl('openssl s_server', () => {
  test.each(Object.keys(REFUSED))('is refused with %s, and hears the alert', async (name) => {
    const { issue, options, servername = 'localhost', code, alert } = REFUSED[name];
    const place = await opensslServer(await issue(), ...LAX);
    const error = await refusal(place, { ca: root.cert, ...(await options?.()) }, servername);
    expect([error.code, error.phase]).toEqual([`MILLRACE_TLS_${code}`, 'tls']);
    await place.peer.says(new RegExp(`alert ${alert}`));
  });

  test('is taken by a wildcard, by its intermediate, by its pinned key, and by a CRL that does not have it', async () => {
    const below = await root.intermediate();
    const issued = await below.issue({ names: ['*.wild.test'] });
    const place = await opensslServer(issued, '-www');
    const crl = [await root.crl(), await below.crl()];
    const options = { ca: root.cert, servername: 'a.wild.test', pins: [issued.pin], crl };
    const socket = await open(place, options);
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect((await rest(socket)).toString()).toContain('HTTP/1.0 200 ok');
    expect(socket.tls?.authorizationError).toBeNull();
    socket.destroy();
  });

  test('agrees on a protocol by ALPN, and refuses to speak another', async () => {
    const place = await opensslServer(leaf, '-alpn', 'a,http/1.1');
    const socket = await open(place, { ca: root.cert, ALPNProtocols: ['b', 'http/1.1'] });
    expect(socket.tls?.alpn).toBe('http/1.1');
    socket.destroy();
    const error = await refusal(place, { ca: root.cert, ALPNProtocols: ['b'] });
    expect(error.code).toBe('MILLRACE_TLS_ALERT_RECEIVED');
    expect(error.message).toContain('no_application_protocol');
  });

  test('is told the name, and shows the certificate of that name', async () => {
    const other = await root.issue({ names: ['other.test'] });
    const second = ['-servername', 'other.test', '-cert2', file(other.cert), '-key2', file(other.key)];
    const place = await opensslServer(leaf, ...second);
    for (const [servername, issued] of [
      ['localhost', leaf],
      ['other.test', other],
    ] as const) {
      const socket = await open(place, { ca: root.cert, servername });
      expect(socket.tls?.peerCertificate()?.serialNumber).toBe(issued.x509.serialNumber.toUpperCase());
      socket.destroy();
    }
  });

  test.each([
    ['TLSv1.2', 'tickets', []],
    ['TLSv1.2', 'session ids', ['-no_ticket']],
    ['TLSv1.3', 'tickets', []],
    ['TLSv1.3', 'tickets that it keeps itself', ['-no_ticket']],
  ] as const)('resumes with us in %s by %s', async (version, _kind, args) => {
    const place = await opensslServer(leaf, flagOf(version), '-www', ...args);
    const tls = await TlsContext.client({ ca: root.cert, servername: 'localhost' });
    for (const resumed of [false, true, true]) {
      const socket = await connect({ host: '127.0.0.1', port: place.port, tls });
      expect(socket.tls).toMatchObject({ version, resumed });
      socket.write('GET / HTTP/1.0\r\n\r\n');
      expect((await rest(socket)).toString()).toContain(resumed ? 'Reused, ' : 'New, ');
      socket.destroy();
    }
  });

  test.each(VERSIONS)('that ends cleanly and one that is cut are told apart, %s', async (version) => {
    const answering = await opensslServer(leaf, flagOf(version), '-www');
    const clean = await open(answering, { ca: root.cert });
    clean.write('GET / HTTP/1.0\r\n\r\n');
    expect((await rest(clean)).toString()).toContain('HTTP/1.0 200 ok');
    clean.destroy();

    const place = await opensslServer(leaf, flagOf(version));
    const cut = await open(place, { ca: root.cert });
    place.peer.send('last words\n');
    let text = '';
    const reading = (async () => {
      for await (const chunk of cut) {
        text += Buffer.from(chunk).toString();
        if (text.endsWith('\n')) place.peer.kill();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'MILLRACE_TLS_TRUNCATED', phase: 'tls' });
    expect(text).toBe('last words\n');
    cut.destroy();
  });

  test('asks in vain for a renegotiation', async () => {
    const place = await opensslServer(leaf, '-tls1_2');
    const socket = await open(place, { ca: root.cert });
    socket.write('hello\n');
    await place.peer.says('hello');
    const reading = rest(socket);
    place.peer.send('r\n');
    // It takes our answer for the end, and says so.
    await expect(reading).rejects.toMatchObject({ code: 'MILLRACE_TLS_ALERT_RECEIVED' });
    await place.peer.says('no renegotiation');
  });
});

withOpenssl('openssl s_client', () => {
  const serving = (tls: Partial<TlsServerOptions>): Promise<Server> =>
    start({
      tls: { cert: leaf.cert, key: leaf.key, ...tls },
      handler: (req, res) => res.end(`resumed=${req.tls?.resumed} ${req.tls?.peerCertificate()?.subject ?? 'nobody'}`),
    });

  test.each<[string, () => Promise<Issued>, string, string]>([
    [
      'expired',
      () => root.issue({ purpose: 'client', from: -48, to: -24 }),
      'CERTIFICATE_EXPIRED',
      'certificate expired',
    ],
    [
      'not valid yet',
      () => root.issue({ purpose: 'client', from: 24, to: 48 }),
      'CERTIFICATE_NOT_YET_VALID',
      'certificate expired',
    ],
    ['of an unknown authority', () => stranger.issue({ purpose: 'client' }), 'UNKNOWN_CA', 'unknown ca'],
    ['signed by itself', () => selfSigned({ purpose: 'client' }), 'SELF_SIGNED', 'unknown ca'],
    ['a server’s', () => root.issue(), 'WRONG_PURPOSE', 'unsupported certificate'],
    ['revoked', () => Promise.resolve(revoked), 'CERTIFICATE_REVOKED', 'certificate revoked'],
    [
      'of a key of 1024 bits',
      () => root.issue({ purpose: 'client', kind: 'rsa1024' }),
      'WEAK_SIGNATURE',
      'unsupported certificate',
    ],
  ])('is refused with a certificate that is %s, and hears the alert', async (_name, issue, code, alert) => {
    const server = await serving({ ca: root.cert, requestCert: true, crl: await root.crl([revoked]) });
    const seen = failures(server);
    const peer = opensslClient(server, ...own(await issue()), ...LAX, '-ign_eof');
    peer.send(get('/', 'Connection: close'));
    expect(await peer.over()).toMatch(new RegExp(`alert ${alert}`));
    await until(() => seen.length === 1, 'the failure');
    expect([seen[0].code, seen[0].phase]).toEqual([`MILLRACE_TLS_${code}`, 'tls']);
  });

  let revoked: Issued;
  beforeAll(async () => {
    revoked = await root.issue({ purpose: 'client' });
  });

  test.each([
    ['TLSv1.2', 'tickets', {}, []],
    ['TLSv1.2', 'session ids', {}, ['-no_ticket']],
    ['TLSv1.2', 'the cache', { tickets: false }, []],
    ['TLSv1.3', 'tickets', {}, []],
    ['TLSv1.3', 'the cache', { tickets: false }, []],
  ] as const)('is resumed in %s by %s, with the certificate that it has shown', async (version, _kind, tls, args) => {
    const alice = await root.issue({ purpose: 'client', commonName: 'alice' });
    const server = await serving({ ca: root.cert, requestCert: true, ...tls });
    const session = join(folder, `session-${++written}`);
    const ask = (...more: string[]): Promise<string> =>
      opensslClient(server, flagOf(version), ...args, ...own(alice), '-ign_eof', ...more)
        .send(get('/', 'Connection: close'))
        .over();
    const ticketsIn = (said: string): number => said.match(/New Session Ticket arrived/g)?.length ?? 0;
    const first = await ask('-sess_out', session);
    expect(first).toContain('resumed=false CN=alice');
    const again = await ask('-sess_in', session);
    if (version === 'TLSv1.3') expect([first, again].map(ticketsIn)).toEqual([2, 1]);
    expect(again).toMatch(/^Reused, /m);
    expect(again).toContain('resumed=true CN=alice');
    // What it says where close_notify does not come; ours comes in one write with the answer.
    expect(again).not.toContain('unexpected eof');
  });

  test.each(VERSIONS)('that ends cleanly and one that is cut are told apart, %s', async (version) => {
    const told: (string | undefined)[] = [];
    const reading = async (socket: Socket): Promise<void> => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      try {
        told.push((await rest(socket)).toString());
      } catch (error) {
        told.push((error as { code: string }).code);
      }
      socket.destroy();
    };
    const server = await start({
      tls: { cert: leaf.cert, key: leaf.key },
      onConnect: (_req, socket) => void reading(socket),
      handler: (_req, res) => res.end(),
    });
    const tunnel = async (): Promise<Peer> => {
      const peer = opensslClient(server, flagOf(version)).send('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
      await peer.says('200 OK');
      return peer;
    };
    const clean = await tunnel();
    // At the end of its input it sends close_notify.
    clean.send('words\n').end();
    await until(() => told.length === 1, 'the clean end');
    (await tunnel()).kill();
    await until(() => told.length === 2, 'the cut');
    expect(told).toEqual(['words\n', 'MILLRACE_TLS_TRUNCATED']);
  });
});
