import type { Certificate, OcspSource, TlsServerOptions } from '../../ts/index.js';
import { TlsContext } from '../../ts/index.js';
import { native } from '../../ts/native/loader.js';
import { CertificateChooser } from '../../ts/tls/certificate-chooser.js';
import { deferred, until } from '../support/condition.js';
import { findTool } from '../support/debian.js';
import { OcspAuthority } from '../support/ocsp-authority.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { endsWithItsTest, start } from '../support/test-server.js';
import { open } from '../support/tls.js';
import { lacking, where } from '../support/where.js';

const openssl = findTool('openssl');
const { describe: withOpenssl } = where('OCSP responses', lacking({ openssl }));

let root: Authority;
let leaf: Issued;
let contexts: TlsContext[] = [];
let alive: Set<number>;
let made: jest.SpiedFunction<typeof native.tlsIdentity>;

beforeAll(async () => {
  root = await Authority.root('Chooser Root');
  leaf = await root.issue({ names: ['chosen.test'] });
});

endsWithItsTest();

// The certificates that the native core holds.
beforeEach(() => {
  alive = new Set();
  const core = { ...native };
  made = jest.spyOn(native, 'tlsIdentity').mockImplementation((identity) => {
    const number = core.tlsIdentity(identity);
    if (number > 0) alive.add(number);
    return number;
  });
  jest.spyOn(native, 'tlsDrop').mockImplementation((number) => {
    alive.delete(number);
    core.tlsDrop(number);
  });
});
afterEach(() => {
  for (const context of contexts) context.close();
  contexts = [];
  jest.restoreAllMocks();
});

async function serving(options: TlsServerOptions): Promise<{ port: number; context: TlsContext }> {
  const context = await TlsContext.server(options);
  contexts.push(context);
  const { port } = await start({ tls: context, handler: (_req, res) => res.end() });
  return { port, context };
}

async function statusOf(server: { port: number }, servername = 'chosen.test'): Promise<string | undefined> {
  const socket = await open(server, { ca: root.cert, servername, sessions: 0, ocsp: 'must-staple' });
  const status = socket.tls?.ocsp?.status;
  socket.destroy();
  return status;
}

/** The chain with the root, which issued it. */
const chained = (issued: Issued): { cert: string; key: string } => ({ cert: issued.cert + root.cert, key: issued.key });

describe('certificates that certificateFor gave', () => {
  test('are held once for each object, and let go with the context', async () => {
    const { context, ...server } = await serving({ certificateFor: () => leaf });
    for (let count = 0; count < 3; count++) await statusOf(server);
    expect(alive.size).toBe(1);
    context.close();
    await until(() => alive.size === 0, 'it to go');
    // Who is served by the context still is.
    await statusOf(server);
    expect(alive.size).toBe(1);
  });

  test('that a handshake waits for stay until it has them, whatever ends meanwhile', async () => {
    for (const end of ['close', 'update'] as const) {
      const answer = deferred<Certificate>();
      let asked = 0;
      const certificateFor = (): Promise<Certificate> => {
        asked++;
        return answer.promise;
      };
      const { context, ...server } = await serving({ certificateFor });
      const waiting = [statusOf(server), statusOf(server)];
      await until(() => asked === 2, 'both to wait');
      if (end === 'close') context.close();
      else await context.update({ certificateFor: () => leaf });
      answer.resolve(leaf);
      expect(await Promise.all(waiting)).toEqual(['absent', 'absent']);
      // What was made for the callback that is replaced is not kept for it.
      if (end === 'update') await until(() => alive.size === 0, 'what nobody asks for to go');
      context.close();
      await until(
        () => alive.size === 0,
        () => `${end}: ${alive.size} are left`,
      );
    }
  });

  test('are as many as the table holds at most, and one that is pushed out is read again', async () => {
    const NOBODY = 0;
    const given = Array.from({ length: 1030 }, () => ({ cert: leaf.cert, key: leaf.key }));
    const chooser = new CertificateChooser((name) => given[Number(name)]);
    const ask = (place: number): Promise<void> => chooser.answer(NOBODY, String(place), true);
    await Promise.all(given.map((_, place) => ask(place)));
    await until(
      () => alive.size === 1024,
      () => `${alive.size} are held`,
    );
    const { calls } = made.mock;
    expect(calls).toHaveLength(1030);
    await ask(1029);
    expect(calls).toHaveLength(1030);
    await ask(0);
    expect(calls).toHaveLength(1031);
    chooser.close();
    await until(() => alive.size === 0, 'all to go');
  });
});

withOpenssl('certificateFor with a function that gets OCSP responses', () => {
  let ocsp: OcspAuthority;
  beforeAll(async () => (ocsp = await OcspAuthority.of(root, openssl as string)));
  afterAll(() => ocsp.close());

  test('has the first handshake wait for the response, and staples it to all', async () => {
    const demanding = await root.issue({ names: ['chosen.test'], mustStaple: true });
    let asked = 0;
    const ocspResponse: OcspSource = (certificate, issuer) => {
      asked++;
      expect([certificate.subject, issuer.subject]).toEqual(['CN=chosen.test', 'CN=Chooser Root']);
      return ocsp.respond(demanding);
    };
    const given = { ...chained(demanding), ocspResponse };
    const server = await serving({ certificateFor: () => given });
    expect(await Promise.all([statusOf(server), statusOf(server)])).toEqual(['good', 'good']);
    expect([await statusOf(server), asked]).toEqual(['good', 1]);
  });

  test('asks once for a certificate, however many objects stand for it', async () => {
    let asked = 0;
    const response = await ocsp.respond(leaf);
    const ocspResponse: OcspSource = () => {
      asked++;
      return response;
    };
    const server = await serving({ certificateFor: () => ({ ...chained(leaf), ocspResponse }) });
    for (let count = 0; count < 5; count++) expect(await statusOf(server)).toBe('good');
    expect([asked, alive.size]).toEqual([1, 5]);
  });

  test('asks again before the response ends, and no more when the context is closed', async () => {
    const responses = [await ocsp.respond(leaf, { minutes: 2 }), await ocsp.respond(leaf, { minutes: 7 })];
    let asked = 0;
    const given = { ...chained(leaf), ocspResponse: () => responses[Math.min(asked++, 1)] };
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    try {
      const { context, ...server } = await serving({ certificateFor: () => given });
      const minutes = async (): Promise<number> => {
        const socket = await open(server, { ca: root.cert, servername: 'chosen.test', sessions: 0 });
        const { thisUpdate, nextUpdate } = socket.tls?.ocsp as { thisUpdate: Date; nextUpdate: Date };
        socket.destroy();
        return (nextUpdate.getTime() - thisUpdate.getTime()) / 60_000;
      };
      expect([await minutes(), asked]).toEqual([2, 1]);
      await jest.advanceTimersByTimeAsync(61_000);
      expect([await minutes(), asked]).toEqual([7, 2]);
      context.close();
      expect(jest.getTimerCount()).toBe(0);
      // Closed, it asks for nothing any more, and goes on showing the certificate.
      expect([await statusOf(server), asked]).toEqual(['absent', 2]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('shows the default where the chain has no issuer', async () => {
    const usual = await root.issue({ names: ['chosen.test'], commonName: 'default' });
    const given = { cert: leaf.cert, key: leaf.key, ocspResponse: () => null };
    const server = await serving({ cert: usual.cert, key: usual.key, certificates: [], certificateFor: () => given });
    const socket = await open(server, { ca: root.cert, servername: 'nobody.test', rejectUnauthorized: false });
    expect(socket.tls?.peerCertificate()?.subject).toBe('CN=default');
    expect(alive.size).toBe(0);
    socket.destroy();
  });

  test('one of the certificates of the table may have a function of its own', async () => {
    const asked: string[] = [];
    const source =
      (name: string, issued: Issued): OcspSource =>
      () => {
        asked.push(name);
        return ocsp.respond(issued);
      };
    const usual = await root.issue();
    const certificates = [{ cert: leaf.cert, key: leaf.key, ocspResponse: source('own', leaf) }];
    const { cert, key } = usual;
    const one = await serving({ cert, key, ca: root.cert, certificates });
    expect([await statusOf(one, 'localhost'), await statusOf(one), asked]).toEqual(['absent', 'good', ['own']]);
    const two = await serving({ cert, key, ca: root.cert, certificates, ocspResponse: source('all', usual) });
    expect([await statusOf(two, 'localhost'), await statusOf(two)]).toEqual(['good', 'good']);
    expect(asked.slice(1).sort()).toEqual(['all', 'own']);
  });
});
