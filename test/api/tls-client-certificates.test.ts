import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Server, TlsServerOptions } from '../../ts/index.js';
import { Client, TlsContext } from '../../ts/index.js';
import { every } from '../../ts/tls/crl-source.js';
import { leaf, root } from '../support/chain.js';
import { until } from '../support/condition.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';
import { failures, open, refusal, refusedByNode, rest } from '../support/tls.js';

let alice: Issued;
let mallory: Issued;
let folder: string;

beforeAll(async () => {
  [alice, mallory] = await Promise.all([
    root.issue({ names: ['alice'], purpose: 'client' }),
    root.issue({ names: ['mallory'], purpose: 'client' }),
  ]);
  folder = mkdtempSync(join(tmpdir(), 'millrace-crl-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

endsWithItsTest();

const mutual = (tls: Partial<TlsServerOptions> = {}): Promise<Server> =>
  start({
    tls: { cert: leaf.cert, key: leaf.key, ca: root.cert, requestCert: true, ...tls },
    handler(req, res) {
      const peer = req.tls?.peerCertificate();
      res.end(`${peer?.subject ?? 'nobody'} ${req.tls?.authorizationError?.code ?? 'fine'}`);
    },
  });

/** What the handler knows of a client; a client that is refused learns it after its own end of the handshake. */
async function knownAs(server: Server, client?: Issued): Promise<string> {
  const own = client === undefined ? {} : { cert: client.cert, key: client.key };
  const raw = await RawClient.secure(server, { ca: root.cert, ...own });
  return (await raw.send(get()).response()).body.toString();
}

const refusedAs = async (server: Server, client?: Issued): Promise<string> => {
  const seen = failures(server);
  const own = client === undefined ? {} : { cert: client.cert, key: client.key };
  await refusedByNode(server, { ca: root.cert, ...own });
  await until(() => seen.length === 1, 'the failure');
  expect(seen[0].phase).toBe('tls');
  server.removeAllListeners('tlsClientError');
  return seen[0].code;
};

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'shows the handler the certificate of a client, over %s',
  async (version) => {
    const server = await mutual({ minVersion: version, maxVersion: version });
    expect(await knownAs(server, alice)).toBe('CN=alice fine');
    const socket = await open(server, { ca: root.cert, cert: alice.cert, key: alice.key });
    expect(socket.tls?.version).toBe(version);
    socket.destroy();
  },
);

test('refuses a client without a certificate, or with one of a stranger, expired, or of a server', async () => {
  const server = await mutual();
  const stranger = await Authority.root('Stranger');
  expect(await refusedAs(server)).toBe('MILLRACE_TLS_CERTIFICATE_REQUIRED');
  expect(await refusedAs(server, await stranger.issue({ purpose: 'client' }))).toBe('MILLRACE_TLS_UNKNOWN_CA');
  expect(await refusedAs(server, await root.issue({ purpose: 'client', from: -9, to: -3 }))).toBe(
    'MILLRACE_TLS_CERTIFICATE_EXPIRED',
  );
  expect(await refusedAs(server, await root.issue({ purpose: 'server' }))).toBe('MILLRACE_TLS_WRONG_PURPOSE');
  expect(await knownAs(server, alice)).toBe('CN=alice fine');
});

test('a connect to such a server without a certificate is told by the alert', async () => {
  const server = await mutual({ maxVersion: 'TLSv1.2' });
  const error = await refusal(server, { ca: root.cert });
  expect(error.code).toBe('MILLRACE_TLS_ALERT_RECEIVED');
});

test('in TLS 1.3, where a client is judged after its own end of the handshake, sockets and requests are told which alert came', async () => {
  const server = await mutual({ minVersion: 'TLSv1.3' });
  const refused = { code: 'MILLRACE_TLS_ALERT_RECEIVED', phase: 'tls' };
  const socket = await open(server, { ca: root.cert });
  await expect(rest(socket)).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining('"certificate_required"') as string,
  });
  const client = new Client({ tls: { ca: root.cert, servername: 'localhost' }, retry: false });
  await expect(client.request(`https://127.0.0.1:${server.port}/`)).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining('"certificate_required"') as string,
  });
  await client.close();
});

test('lets anyone in with rejectUnauthorized: false, and reports what is wrong', async () => {
  const server = await mutual({ rejectUnauthorized: false });
  const stranger = await Authority.root('Stranger');
  expect(await knownAs(server, alice)).toBe('CN=alice fine');
  expect(await knownAs(server, await stranger.issue({ names: ['eve'], purpose: 'client' }))).toBe(
    'CN=eve MILLRACE_TLS_UNKNOWN_CA',
  );
  expect(await knownAs(server)).toBe('nobody MILLRACE_TLS_CERTIFICATE_REQUIRED');
});

test('asks for no certificate unless told to', async () => {
  const server = await mutual({ requestCert: false, ca: undefined });
  expect(await knownAs(server, alice)).toBe('nobody fine');
});

describe('CRLs', () => {
  test('as bytes refuse what is revoked', async () => {
    const server = await mutual({ crl: await root.crl([mallory]) });
    expect(await knownAs(server, alice)).toBe('CN=alice fine');
    expect(await refusedAs(server, mallory)).toBe('MILLRACE_TLS_CERTIFICATE_REVOKED');
  });

  test('hold for servers too: revoked, unknown, out of date, each with its code', async () => {
    const other = await Authority.root('Other');
    const server = await start({ tls: { cert: leaf.cert, key: leaf.key }, handler: (_req, res) => res.end() });
    const [good, revoked, stale, foreign] = await Promise.all([
      root.crl(),
      root.crl([leaf]),
      root.crl([], { from: -9, to: -3 }),
      other.crl(),
    ]);
    (await open(server, { ca: root.cert, crl: good })).destroy();
    expect((await refusal(server, { ca: root.cert, crl: revoked })).code).toBe('MILLRACE_TLS_CERTIFICATE_REVOKED');
    expect((await refusal(server, { ca: root.cert, crl: stale })).code).toBe('MILLRACE_TLS_CRL_EXPIRED');
    (await open(server, { ca: root.cert, crl: stale, allowExpiredCrl: true })).destroy();
    const unknown = { ca: [root.cert, other.cert], crl: foreign };
    expect((await refusal(server, unknown)).code).toBe('MILLRACE_TLS_REVOCATION_UNKNOWN');
    (await open(server, { ...unknown, allowUnknownRevocation: true })).destroy();
  });

  test('come from a file and from a folder, by name and by URL', async () => {
    const file = join(folder, 'a.crl');
    writeFileSync(file, await root.crl([mallory]));
    writeFileSync(join(folder, 'readme.txt'), 'no CRL');
    for (const crl of [file, pathToFileURL(file), folder, pathToFileURL(`${folder}/`), [file]]) {
      const server = await mutual({ crl });
      expect(await refusedAs(server, mallory)).toBe('MILLRACE_TLS_CERTIFICATE_REVOKED');
    }
  });

  test('are read again on demand, also where sessions could be resumed; a failure keeps the last good ones', async () => {
    const file = join(folder, 'reload.crl');
    writeFileSync(file, await root.crl([]));
    const context = await TlsContext.server({
      cert: leaf.cert,
      key: leaf.key,
      ca: root.cert,
      requestCert: true,
      crl: file,
    });
    const server = await start({ tls: context, handler: (req, res) => res.end(String(req.tls?.resumed)) });
    const own = { ca: root.cert, cert: mallory.cert, key: mallory.key };
    const client = await RawClient.secure(server, { ...own, maxVersion: 'TLSv1.2' });
    await client.send(get()).response();
    const session = client.tls.getSession();
    writeFileSync(file, await root.crl([mallory]));
    await context.reloadCrl();
    // The live connection goes on.
    expect((await client.send(get()).response()).status).toBe(200);
    const seen = failures(server);
    await refusedByNode(server, { ...own, maxVersion: 'TLSv1.2', session });
    await until(() => seen.length === 1);
    expect(seen[0].code).toBe('MILLRACE_TLS_CERTIFICATE_REVOKED');
    server.removeAllListeners('tlsClientError');
    writeFileSync(file, 'garbage');
    await expect(context.reloadCrl()).rejects.toMatchObject({ code: 'MILLRACE_TLS_INVALID_CONFIGURATION' });
    expect(await refusedAs(server, mallory)).toBe('MILLRACE_TLS_CERTIFICATE_REVOKED');
    rmSync(file);
    await expect(context.reloadCrl()).rejects.toMatchObject({ code: 'MILLRACE_TLS_FILE_FAILED' });
    expect(await refusedAs(server, mallory)).toBe('MILLRACE_TLS_CERTIFICATE_REVOKED');
  });

  test('that cannot be read at first fail closed', async () => {
    const empty = mkdtempSync(join(folder, 'empty-'));
    const base = { cert: leaf.cert, key: leaf.key, ca: root.cert, requestCert: true };
    await expect(TlsContext.server({ ...base, crl: join(folder, 'none.crl') })).rejects.toMatchObject({
      code: 'MILLRACE_TLS_FILE_FAILED',
    });
    for (const crl of [empty, Buffer.from('garbage')]) {
      await expect(TlsContext.server({ ...base, crl })).rejects.toMatchObject({
        code: 'MILLRACE_TLS_INVALID_CONFIGURATION',
      });
      await expect(TlsContext.client({ ca: root.cert, crl })).rejects.toThrow(TypeError);
    }
    await expect((await TlsContext.client({ ca: root.cert })).reloadCrl()).rejects.toMatchObject({
      code: 'MILLRACE_INVALID_STATE',
    });
  });
});

describe('autoRefresh', () => {
  test('takes intervals from a minute to a year, and needs CRLs', async () => {
    const crl = await root.crl();
    for (const interval of [59_999, 31_536_000_001, NaN, '60000' as never]) {
      await expect(TlsContext.client({ crl, autoRefresh: { interval } })).rejects.toThrow('from 60000 to 31536000000');
    }
    await expect(TlsContext.client({ autoRefresh: { interval: 60_000 } })).rejects.toThrow("needs 'crl'");
    const badCallback = { interval: 60_000, onRefresh: 7 as never };
    await expect(TlsContext.client({ crl, autoRefresh: badCallback })).rejects.toThrow('must be a function');
    const file = join(folder, 'interval.crl');
    writeFileSync(file, crl);
    for (const interval of [60_000, 31_536_000_000])
      (await TlsContext.client({ crl: file, autoRefresh: { interval } })).close();
  });

  test('reads files again at its interval, tells of each, and stops with its context', async () => {
    const file = join(folder, 'auto.crl');
    writeFileSync(file, await root.crl([]));
    const told: [string, string | undefined][] = [];
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date'] });
    try {
      const onRefresh = (path: string, error: Error | null): void => {
        told.push([path, error === null ? undefined : (error as NodeJS.ErrnoException).code]);
      };
      const context = await TlsContext.client({
        ca: root.cert,
        crl: file,
        autoRefresh: { interval: 60_000, onRefresh },
      });
      const toldOf = async (count: number): Promise<void> => {
        while (told.length < count) await new Promise((resolve) => setImmediate(resolve));
      };
      jest.advanceTimersByTime(59_999);
      await new Promise((resolve) => setImmediate(resolve));
      expect(told).toEqual([]);
      writeFileSync(file, await root.crl([leaf]));
      jest.advanceTimersByTime(1);
      await toldOf(1);
      rmSync(file);
      jest.advanceTimersByTime(60_000);
      await toldOf(2);
      expect(told).toEqual([
        [file, undefined],
        [file, 'MILLRACE_TLS_FILE_FAILED'],
      ]);
      context.close();
      expect(jest.getTimerCount()).toBe(0);
      jest.useRealTimers();
      const server = await start({ tls: { cert: leaf.cert, key: leaf.key }, handler: (_req, res) => res.end() });
      const { connect } = await import('../../ts/index.js');
      await expect(connect({ port: server.port, host: '127.0.0.1', tls: context })).rejects.toMatchObject({
        code: 'MILLRACE_TLS_CERTIFICATE_REVOKED',
      });
    } finally {
      jest.useRealTimers();
    }
  });

  test('counts over times that are longer than any timer', () => {
    jest.useFakeTimers();
    try {
      const year = 31_536_000_000;
      let calls = 0;
      const refreshing = every(year, () => calls++);
      jest.advanceTimersByTime(year - 1);
      expect(calls).toBe(0);
      jest.advanceTimersByTime(1);
      expect(calls).toBe(1);
      jest.advanceTimersByTime(year);
      expect(calls).toBe(2);
      refreshing.stop();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});
