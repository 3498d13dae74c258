import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import { createServer as createTlsServer } from 'node:tls';

import type { LogRecord, OcspFacts, OcspSource, Server, TlsClientOptions, TlsServerOptions } from '../../ts/index.js';
import { fetchOcsp, setLogger, TlsContext } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { findTool } from '../support/debian.js';
import { OcspAuthority } from '../support/ocsp-authority.js';
import { closeResponders, responder } from '../support/ocsp-responder.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { endsWithItsTest, start } from '../support/test-server.js';
import { open, refusal, rest } from '../support/tls.js';
import { lacking, where } from '../support/where.js';

const openssl = findTool('openssl');
const { describe: withOpenssl } = where('OCSP responses', lacking({ openssl }));

const GARBAGE = Buffer.from('no response at all');

let root: Authority;
let leaf: Issued;
let demanding: Issued;
let ocsp: OcspAuthority;
const contexts: TlsContext[] = [];
const others: TlsServer[] = [];

beforeAll(async () => {
  root = await Authority.root('OCSP Root');
  [leaf, demanding] = await Promise.all([root.issue(), root.issue({ mustStaple: true })]);
  if (openssl !== undefined) ocsp = await OcspAuthority.of(root, openssl);
});
afterAll(() => ocsp?.close());
afterEach(async () => {
  for (const context of contexts.splice(0)) context.close();
  for (const other of others.splice(0)) other.close();
  await closeResponders();
});

endsWithItsTest();

async function serving(
  issued: Issued,
  options: Partial<TlsServerOptions> = {},
): Promise<Server & { tls?: TlsContext }> {
  const tls = await TlsContext.server({ cert: issued.cert, key: issued.key, ca: root.cert, ...options });
  contexts.push(tls);
  return Object.assign(await start({ tls, handler: (_req, res) => res.end('hello') }), { tls });
}

async function factsOf(server: { port: number }, options: TlsClientOptions = {}): Promise<OcspFacts | null> {
  const socket = await open(server, { ca: root.cert, sessions: 0, ...options });
  const facts = socket.tls?.ocsp ?? null;
  socket.destroy();
  return facts;
}

/** A server of node:tls that staples what it is given, whatever it is. */
async function stapling(issued: Issued, response: Buffer): Promise<{ port: number }> {
  const server = createTlsServer({ cert: issued.cert, key: issued.key }, (socket) =>
    socket.on('error', () => socket.destroy()).end(),
  );
  server.on('OCSPRequest', (_certificate, _issuer, callback: (error: Error | null, response: Buffer) => void) =>
    callback(null, response),
  );
  server.on('tlsClientError', () => undefined);
  others.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port };
}

const x509 = (issued: Issued): X509Certificate => new X509Certificate(issued.own);

/** Collects the warnings of a test. */
function warnings(): LogRecord[] {
  const seen: LogRecord[] = [];
  setLogger((record: LogRecord) => {
    if (record.level === 'warn') seen.push(record);
  });
  return seen;
}
afterEach(() => setLogger(null));

describe('a client', () => {
  test('refuses a certificate that demands a staple when there is none, unless it does not look', async () => {
    const server = await serving(demanding);
    expect(await refusal(server, { ca: root.cert })).toMatchObject({ code: 'MILLRACE_TLS_OCSP_MISSING' });
    expect(await factsOf(server, { ocsp: 'off' })).toBeNull();
    const facts = { status: 'absent', detail: null, thisUpdate: null, nextUpdate: null, revokedAt: null };
    expect(await factsOf(server, { rejectUnauthorized: false })).toEqual(facts);
  });

  test('lets other certificates pass without a staple, unless it requires one', async () => {
    const server = await serving(leaf);
    expect((await factsOf(server))?.status).toBe('absent');
    expect(await refusal(server, { ca: root.cert, ocsp: 'require' })).toMatchObject({
      code: 'MILLRACE_TLS_OCSP_MISSING',
    });
  });

  test('reports a staple that is malformed, and refuses it where it requires one', async () => {
    const server = await stapling(leaf, GARBAGE);
    expect(await factsOf(server)).toMatchObject({ status: 'invalid', detail: 'is malformed' });
    expect(await refusal(server, { ca: root.cert, ocsp: 'require' })).toMatchObject({
      code: 'MILLRACE_TLS_OCSP_INVALID',
    });
    expect(await factsOf(server, { ocsp: 'off' })).toBeNull();
  });

  test('refuses a policy that there is not', async () => {
    const ocsp = 'always' as 'require';
    await expect(TlsContext.client({ ca: root.cert, ocsp })).rejects.toMatchObject({
      code: 'MILLRACE_INVALID_ARGUMENT',
    });
  });
});

withOpenssl('with responses of openssl', () => {
  test('a server staples the response that it is given, and clients are told its times', async () => {
    const before = Date.now();
    const server = await serving(demanding, { ocspResponse: await ocsp.respond(demanding, { minutes: 60 }) });
    const facts = await factsOf(server, { ocsp: 'require' });
    expect(facts).toMatchObject({ status: 'good', detail: null, revokedAt: null });
    const { thisUpdate, nextUpdate } = facts as { thisUpdate: Date; nextUpdate: Date };
    expect(nextUpdate.getTime() - thisUpdate.getTime()).toBe(3_600_000);
    expect(Math.abs(thisUpdate.getTime() - before)).toBeLessThan(60_000);
  });

  test('openssl s_client sees the staple', async () => {
    const server = await serving(leaf, { ocspResponse: await ocsp.respond(leaf) });
    const args = ['s_client', '-connect', `127.0.0.1:${server.port}`, '-servername', 'localhost', '-status'];
    const said = await new Promise<string>((resolve) => {
      const child = execFile(openssl as string, args, { timeout: 20_000 }, (_error, stdout) => resolve(stdout));
      child.stdin?.end('');
    });
    expect(said).toContain('OCSP Response Status: successful');
    expect(said).toContain('Cert Status: good');
  });

  test('a response that is not good for the certificate is refused before the server is there', async () => {
    const bad = {
      malformed: GARBAGE,
      revoked: await ocsp.respond(leaf, { revoked: true }),
      'another certificate': await ocsp.respond(demanding),
    };
    for (const [why, ocspResponse] of Object.entries(bad)) {
      const made = TlsContext.server({ cert: leaf.cert, key: leaf.key, ca: root.cert, ocspResponse });
      await expect(made).rejects.toMatchObject({
        code: 'MILLRACE_TLS_STAPLE_REFUSED',
        message: expect.stringContaining(why) as string,
      });
    }
  });

  test('more or fewer responses than certificates, and a certificate without its issuer, are refused', async () => {
    const { cert, key } = leaf;
    const response = await ocsp.respond(leaf);
    for (const [pairs, ocspResponse] of [
      [1, [response, response]],
      [2, response],
    ] as const) {
      const many = <T>(one: T): T[] => Array.from({ length: pairs }, () => one);
      await expect(
        TlsContext.server({ cert: many(cert), key: many(key), ca: root.cert, ocspResponse }),
      ).rejects.toMatchObject({
        code: 'MILLRACE_INVALID_ARGUMENT',
        message: expect.stringContaining('as many responses as') as string,
      });
    }
    for (const ocspResponse of [response, () => response]) {
      await expect(TlsContext.server({ cert, key, ocspResponse })).rejects.toMatchObject({
        code: 'MILLRACE_TLS_INVALID_CONFIGURATION',
        message: expect.stringContaining('needs the issuer of the certificate "CN=localhost"') as string,
      });
    }
  });

  test('what is neither a response nor a function is refused', async () => {
    const { cert, key } = leaf;
    const made = TlsContext.server({ cert, key, ca: root.cert, ocspResponse: 7 as never });
    await expect(made).rejects.toMatchObject({
      code: 'MILLRACE_INVALID_ARGUMENT',
      message: expect.stringContaining('a function, the name of a file, a file: URL or a Uint8Array') as string,
    });
    const answered = warnings();
    await serving(leaf, { ocspResponse: () => 'text' as never });
    expect(answered.map(({ fields }) => fields.err)).toEqual([
      expect.objectContaining({ code: 'MILLRACE_INVALID_ARGUMENT' }),
    ]);
  });

  test('each of several certificates has its own response', async () => {
    const other = await root.issue({ names: ['other.test'] });
    const third = await root.issue({ names: ['third.test'] });
    const server = await serving(leaf, {
      cert: [leaf.cert, other.cert],
      key: [leaf.key, other.key],
      ocspResponse: [await ocsp.respond(leaf), await ocsp.respond(other)],
      certificates: [{ cert: third.cert, key: third.key, ocspResponse: await ocsp.respond(third) }],
    });
    for (const servername of ['localhost', 'other.test', 'third.test']) {
      expect((await factsOf(server, { servername, ocsp: 'require' }))?.status).toBe('good');
    }
  });

  test('a client refuses a certificate whose staple says revoked, and says since when and why', async () => {
    const server = await stapling(leaf, await ocsp.respond(leaf, { revoked: true }));
    const error = await refusal(server, { ca: root.cert });
    expect(error.code).toBe('MILLRACE_TLS_CERTIFICATE_REVOKED');
    expect(error.message).toContain('keyCompromise');
    const socket = await open(server, { ca: root.cert, rejectUnauthorized: false });
    expect(socket.tls?.authorizationError?.code).toBe('MILLRACE_TLS_CERTIFICATE_REVOKED');
    expect(socket.tls?.ocsp).toMatchObject({
      status: 'revoked',
      detail: expect.stringContaining('keyCompromise') as string,
      revokedAt: new Date('2025-01-02T03:04:05Z'),
    });
    socket.destroy();
    expect(await factsOf(server, { ocsp: 'off' })).toBeNull();
  });

  test('a function gets the certificate and its issuer, and what it answers is stapled', async () => {
    const asked: string[] = [];
    const source: OcspSource = (certificate, issuer) => {
      asked.push(certificate.fingerprint256, issuer.subject);
      return ocsp.respond(demanding);
    };
    const server = await serving(demanding, { ocspResponse: source });
    expect(asked).toEqual([x509(demanding).fingerprint256, 'CN=OCSP Root']);
    expect((await factsOf(server))?.status).toBe('good');
  });

  test('fetchOcsp as the function asks the responder that stands in the certificate', async () => {
    const seen: unknown[] = [];
    let issued = leaf;
    const url = await responder((req, res) => {
      seen.push(req.method, req.headers['content-type'], req.headers.accept);
      void bodyOf(req)
        .then((request) => ocsp.answer(request, issued))
        .then((response) => res.setHeader('Content-Type', 'application/ocsp-response').end(response));
    });
    issued = await root.issue({ mustStaple: true, responders: [url] });
    const server = await serving(issued, { ocspResponse: fetchOcsp });
    expect(seen).toEqual(['POST', 'application/ocsp-request', 'application/ocsp-response']);
    expect((await factsOf(server))?.status).toBe('good');
  });

  test('a revoked response that is fetched is not stapled, and a warning says why', async () => {
    const seen = warnings();
    let issued = leaf;
    const url = await responder((req, res) => {
      void bodyOf(req)
        .then((request) => ocsp.answer(request, issued, { revoked: true }))
        .then((response) => res.end(response));
    });
    issued = await root.issue({ responders: [url] });
    const server = await serving(issued, { ocspResponse: fetchOcsp });
    expect((await factsOf(server))?.status).toBe('absent');
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ component: 'tls', message: 'no good OCSP response to staple' });
    expect(seen[0].fields.err).toMatchObject({ code: 'MILLRACE_TLS_STAPLE_REFUSED' });
    expect(seen[0].fields).toMatchObject({ certificate: 'CN=localhost', until: null });
  });

  test('a function is asked again before the response ends, a bad answer leaves the last good one, and it is asked again', async () => {
    const seen = warnings();
    const [first, last] = [await ocsp.respond(leaf, { minutes: 2 }), await ocsp.respond(leaf, { minutes: 7 })];
    const answers: Buffer[] = [first, GARBAGE, last];
    let asked = 0;
    const source: OcspSource = () => answers[Math.min(asked++, answers.length - 1)];
    const minutesOf = async (): Promise<number> => {
      const { thisUpdate, nextUpdate } = (await factsOf(server)) as { thisUpdate: Date; nextUpdate: Date };
      return (nextUpdate.getTime() - thisUpdate.getTime()) / 60_000;
    };
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    let server: Server;
    try {
      server = await serving(leaf, { ocspResponse: source });
      expect([asked, await minutesOf()]).toEqual([1, 2]);
      await jest.advanceTimersByTimeAsync(50_000);
      expect(asked).toBe(1);
      await jest.advanceTimersByTimeAsync(11_000);
      expect([asked, seen.length, await minutesOf()]).toEqual([2, 1, 2]);
      await jest.advanceTimersByTimeAsync(35_000);
      expect([asked, seen.length, await minutesOf()]).toEqual([3, 1, 7]);
      contexts[0].close();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test('after failures a function is asked ever more seldom', async () => {
    warnings();
    let asked = 0;
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    try {
      await serving(leaf, {
        ocspResponse: () => {
          asked++;
          throw new Error('the responder is down');
        },
      });
      for (const [seconds, count] of [
        [9, 1],
        [2, 2],
        [18, 2],
        [3, 3],
        [37, 3],
        [5, 4],
      ]) {
        await jest.advanceTimersByTimeAsync(seconds * 1000);
        expect([seconds, asked]).toEqual([seconds, count]);
      }
      await jest.advanceTimersByTimeAsync(48 * 3_600_000);
      const before = asked;
      await jest.advanceTimersByTimeAsync(3 * 3_600_000);
      expect(asked - before).toBe(3);
    } finally {
      jest.useRealTimers();
    }
  });

  test('a server that made its context from options asks no more when it has closed', async () => {
    const response = await ocsp.respond(leaf, { minutes: 2 });
    let asked = 0;
    const ocspResponse: OcspSource = () => {
      asked++;
      return response;
    };
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    try {
      const tls = { cert: leaf.cert, key: leaf.key, ca: root.cert, ocspResponse };
      const server = await start({ tls, handler: (_req, res) => res.end() });
      await jest.advanceTimersByTimeAsync(61_000);
      expect(asked).toBe(2);
      const closed = new Promise((resolve) => server.once('close', resolve));
      server.destroy();
      await closed;
      await jest.advanceTimersByTimeAsync(3_600_000);
      expect(asked).toBe(2);
      // Nor does one that never came to listen.
      await expect(start({ tls, host: '203.0.113.1', handler: (_req, res) => res.end() })).rejects.toThrow();
      await jest.advanceTimersByTimeAsync(3_600_000);
      expect(asked).toBe(3);
    } finally {
      jest.useRealTimers();
    }
  });

  test('an update leaves the staple in place until there is another', async () => {
    let release: (response: null) => void = () => undefined;
    let asked = 0;
    const response = await ocsp.respond(leaf);
    const source: OcspSource = () => (++asked === 1 ? response : new Promise<null>((resolve) => (release = resolve)));
    const server = await serving(leaf, { ocspResponse: source });
    const updated = contexts[0].update({ honorCipherOrder: false });
    await until(() => asked === 2, 'the second question');
    expect((await factsOf(server))?.status).toBe('good');
    release(null);
    await updated;
    expect((await factsOf(server))?.status).toBe('good');
    await contexts[0].update({ ocspResponse: undefined });
    expect((await factsOf(server))?.status).toBe('absent');
  });
});

function bodyOf(req: IncomingMessage): Promise<Buffer> {
  return rest(req as AsyncIterable<Uint8Array>);
}
