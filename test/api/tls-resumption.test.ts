import { randomBytes } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';

import type { Server, TlsServerOptions } from '../../ts/index.js';
import { connect, metrics, TlsContext } from '../../ts/index.js';
import { leaf, root } from '../support/chain.js';
import { deferred } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';

endsWithItsTest();

const serveTls = (tls: Partial<TlsServerOptions> | TlsContext = {}): Promise<Server> =>
  start({
    tls: tls instanceof TlsContext ? tls : { cert: leaf.cert, key: leaf.key, ...tls },
    handler: (req, res) => res.end(String(req.tls?.resumed)),
  });

const resumedSoFar = (): number =>
  Number(/^millrace_tls_handshakes_total\{kind="resumed"\} (\d+)$/m.exec(metrics.toPrometheus())?.[1]);

/** A session of Node's that can be resumed, made by one exchange. */
async function sessionOf(server: Server, options: ConnectionOptions): Promise<Buffer> {
  const made = deferred<Buffer>();
  const client = await RawClient.secure(server, { ca: root.cert, ...options });
  client.tls.on('session', (session: Buffer) => made.resolve(session));
  expect((await client.send(get()).response()).body.toString()).toBe('false');
  // In TLS 1.2 Node has told of it before we listened.
  const known = client.tls.getProtocol() === 'TLSv1.2' ? client.tls.getSession() : undefined;
  const session = known ?? (await made.promise);
  client.end();
  await client.closed();
  return session;
}

/** Whether the server resumed the session, by its own word and by Node's. */
async function resumes(server: Server, session: Buffer, options: ConnectionOptions = {}): Promise<boolean> {
  const client = await RawClient.secure(server, { ca: root.cert, session, ...options });
  const said = (await client.send(get()).response()).body.toString() === 'true';
  expect(client.tls.isSessionReused()).toBe(said);
  client.destroy();
  return said;
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  const only: ConnectionOptions = { minVersion: version, maxVersion: version };

  test.each([
    ['tickets', {}],
    ['the cache', { tickets: false }],
  ])('resumes sessions of Node by %s', async (_name, tls) => {
    const server = await serveTls(tls);
    const before = resumedSoFar();
    const session = await sessionOf(server, only);
    expect(await resumes(server, session, only)).toBe(true);
    expect(resumedSoFar()).toBe(before + 1);
  });

  test('resumes nothing where tickets and the cache are off', async () => {
    const server = await serveTls({ tickets: false, sessionCacheSize: 0 });
    const client = await RawClient.secure(server, { ca: root.cert, ...only });
    await client.send(get()).response();
    const session = client.tls.getSession();
    if (session !== undefined) expect(await resumes(server, session, only)).toBe(false);
  });

  test('resumes tickets of the key before, and not of the one before that', async () => {
    const context = await TlsContext.server({ cert: leaf.cert, key: leaf.key, sessionCacheSize: 0 });
    const server = await serveTls(context);
    const session = await sessionOf(server, only);
    context.rotateTickets();
    expect(await resumes(server, session, only)).toBe(true);
    context.rotateTickets();
    expect(await resumes(server, session, only)).toBe(false);
  });

  test('resumes what another server of the fleet has sealed, also after both rotate to a new key', async () => {
    const ticketKeys = randomBytes(48);
    const contexts = await Promise.all(
      [1, 2].map(() => TlsContext.server({ cert: leaf.cert, key: leaf.key, ticketKeys, sessionCacheSize: 0 })),
    );
    const [one, two, stranger] = await Promise.all([
      serveTls(contexts[0]),
      serveTls(contexts[1]),
      serveTls({ sessionCacheSize: 0 }),
    ]);
    const session = await sessionOf(one, only);
    expect(await resumes(two, session, only)).toBe(true);
    expect(await resumes(stranger, session, only)).toBe(false);
    const next = randomBytes(48);
    for (const context of contexts) context.rotateTickets(next);
    expect(await resumes(two, session, only)).toBe(true);
    expect(await resumes(one, await sessionOf(two, only), only)).toBe(true);
  });

  test('goes on resuming when the certificate is replaced, and stops when the rules for clients change', async () => {
    const context = await TlsContext.server({ cert: leaf.cert, key: leaf.key });
    const server = await serveTls(context);
    const session = await sessionOf(server, only);
    const next = await root.issue();
    await context.update({ cert: next.cert, key: next.key });
    expect(await resumes(server, session, only)).toBe(true);
    const again = await sessionOf(server, only);
    await context.update({ ca: root.cert, requestCert: true, rejectUnauthorized: false });
    expect(await resumes(server, again, only)).toBe(false);
  });

  test('a client context resumes its second connection', async () => {
    const server = await serveTls();
    const context = await TlsContext.client({ ca: root.cert, servername: 'localhost', ...(only as object) });
    for (const resumed of [false, true, true]) {
      const socket = await connect({ host: '127.0.0.1', port: server.port, tls: context });
      expect(socket.tls).toMatchObject({ resumed, version });
      // A ticket of TLS 1.3 comes after the handshake: a reply is behind it.
      socket.write(get());
      const { value } = await socket[Symbol.asyncIterator]().next();
      expect(Buffer.from(value as Uint8Array).toString()).toMatch(new RegExp(`${resumed}$`));
      expect(socket.tls?.peerCertificate()?.serialNumber).toBe(leaf.x509.serialNumber.toUpperCase());
      socket.destroy();
    }
  });
});

describe('tickets of TLS 1.3, counted by Node', () => {
  const only: ConnectionOptions = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' };

  interface Visit {
    tickets: number;
    resumed: boolean;
    session?: Buffer;
  }

  /** How many came with one exchange, whether it resumed a session, and the last of them. */
  async function visit(server: Server, options: ConnectionOptions = {}): Promise<Visit> {
    const client = await RawClient.secure(server, { ca: root.cert, ...only, ...options });
    const sessions: Buffer[] = [];
    client.tls.on('session', (session: Buffer) => sessions.push(session));
    const resumed = (await client.send(get()).response()).body.toString() === 'true';
    client.end();
    // What is behind close_notify is nothing: no ticket is still on its way.
    await client.closed();
    return { tickets: sessions.length, resumed, session: sessions.at(-1) };
  }

  test.each<[string, Partial<TlsServerOptions>]>([
    ['tickets', {}],
    ['the cache', { tickets: false }],
    ['the cache, which early data needs', { maxEarlyData: 1024 }],
  ])('two follow a full handshake and one a resumed one, by %s', async (_name, tls) => {
    const server = await serveTls(tls);
    let { tickets, resumed, session } = await visit(server);
    expect({ tickets, resumed }).toEqual({ tickets: 2, resumed: false });
    for (let round = 0; round < 3; round++) {
      ({ tickets, resumed, session } = await visit(server, { session }));
      expect({ tickets, resumed }).toEqual({ tickets: 1, resumed: true });
    }
  });

  test('two follow where what is offered is of no use any more, after a change of keys, rules or mode', async () => {
    const context = await TlsContext.server({ cert: leaf.cert, key: leaf.key });
    const server = await serveTls(context);
    const fresh = async () => (await visit(server)).session;
    const full = { tickets: 2, resumed: false };
    let session = await fresh();
    for (let count = 0; count < 2; count++) context.rotateTickets();
    expect(await visit(server, { session })).toMatchObject(full);
    session = await fresh();
    await context.update({ ca: root.cert, requestCert: true, rejectUnauthorized: false });
    expect(await visit(server, { session })).toMatchObject(full);
    session = await fresh();
    await context.update({ tickets: false });
    expect(await visit(server, { session })).toMatchObject(full);
    const [stranger] = await Promise.all([serveTls(), context.update({ tickets: true })]);
    expect(await visit(stranger, { session })).toMatchObject(full);
    expect(await visit(server, { session })).toMatchObject({ tickets: 1, resumed: true });
  });

  test('one follows a resumed handshake with a certificate that a callback has chosen', async () => {
    const server = await start({
      tls: { certificateFor: () => ({ cert: leaf.cert, key: leaf.key }) },
      handler: (req, res) => res.end(String(req.tls?.resumed)),
    });
    const { tickets, session } = await visit(server);
    expect(tickets).toBe(2);
    expect(await visit(server, { session })).toMatchObject({ tickets: 1, resumed: true });
  });
});

test('a client context without sessions resumes nothing', async () => {
  const server = await serveTls();
  const context = await TlsContext.client({ ca: root.cert, servername: 'localhost', sessions: 0 });
  for (let round = 0; round < 2; round++) {
    const socket = await connect({ host: '127.0.0.1', port: server.port, tls: context });
    expect(socket.tls?.resumed).toBe(false);
    socket.write(get());
    await socket[Symbol.asyncIterator]().next();
    socket.destroy();
  }
});

test('a session is not resumed for another name, nor under another context', async () => {
  const issued = await root.issue({ names: ['a.test', 'b.test'] });
  const server = await serveTls({ cert: issued.cert, key: issued.key });
  const options = { ca: root.cert };
  const one = await TlsContext.client(options);
  const visit = async (tls: TlsContext, servername: string): Promise<boolean | undefined> => {
    const plain = await connect({ host: '127.0.0.1', port: server.port });
    await plain.startTls(tls, { servername });
    plain.write(get());
    await plain[Symbol.asyncIterator]().next();
    const resumed = plain.tls?.resumed;
    plain.destroy();
    return resumed;
  };
  expect(await visit(one, 'a.test')).toBe(false);
  expect(await visit(one, 'b.test')).toBe(false);
  expect(await visit(one, 'a.test')).toBe(true);
  expect(await visit(await TlsContext.client(options), 'a.test')).toBe(false);
});

test('refuses ticket keys that are not 48 bytes, and rotation on a client', async () => {
  await expect(
    TlsContext.server({ cert: leaf.cert, key: leaf.key, ticketKeys: Buffer.alloc(47) }),
  ).rejects.toMatchObject({
    code: 'MILLRACE_TLS_INVALID_CONFIGURATION',
    message: expect.stringContaining('48'),
  });
  const context = await TlsContext.server({ cert: leaf.cert, key: leaf.key });
  expect(() => context.rotateTickets(Buffer.alloc(47))).toThrow(TypeError);
  const client = await TlsContext.client({ ca: root.cert });
  expect(() => client.rotateTickets()).toThrow("this is a client's context");
});
