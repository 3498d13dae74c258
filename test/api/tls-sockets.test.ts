import { createHash, randomBytes } from 'node:crypto';
import { createServer as createTcp } from 'node:net';
import type { Server as NodeTcp, Socket as NodeSocket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { createServer as createTls } from 'node:tls';

import { connect, TlsContext } from '../../ts/index.js';
import type { Server, Socket } from '../../ts/index.js';
import { leaf, root } from '../support/chain.js';
import { deferred, until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';
import { open, rest } from '../support/tls.js';

endsWithItsTest();

const listeners = new Set<NodeTcp>();
afterEach(() => {
  for (const listener of listeners) listener.close();
  listeners.clear();
});

/** A server of node:tls on the loopback. */
function nodeTls(onSocket: (socket: TLSSocket) => void, options: object = {}): Promise<{ port: number }> {
  return listening(createTls({ cert: leaf.cert, key: leaf.key, ...options }, onSocket));
}

function listening(listener: NodeTcp): Promise<{ port: number }> {
  listeners.add(listener);
  return new Promise((resolve) => {
    listener.listen(0, '127.0.0.1', () => resolve({ port: (listener.address() as { port: number }).port }));
  });
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const serveTls = (handler: (socket: Socket, head: Uint8Array) => void): Promise<Server> =>
  start({
    tls: { cert: leaf.cert, key: leaf.key },
    onConnect: (_req, socket, head) => handler(socket, head),
    handler: (_req, res) => res.end('plain answer'),
  });

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'exchanges bytes with node:tls over %s until both ends have ended',
  async (version) => {
    const place = await nodeTls(
      (socket) => {
        socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
        socket.on('end', () => socket.end('bye'));
      },
      { maxVersion: version, allowHalfOpen: true },
    );
    const socket = await open(place, { ca: root.cert });
    expect(socket.tls?.version).toBe(version);
    socket.write('hello ');
    await socket.end('there');
    expect((await rest(socket)).toString()).toBe('HELLO THEREbye');
    await until(() => socket.closed);
  },
);

test('a clean end and a cut are told apart', async () => {
  const place = await nodeTls((socket) => {
    socket.once('data', (chunk: Buffer) => {
      if (chunk.toString() === 'end') socket.end('last words');
      else socket.write('last words');
    });
    socket.on('error', () => undefined);
  });
  const clean = await open(place, { ca: root.cert });
  clean.write('end');
  expect((await rest(clean)).toString()).toBe('last words');
  clean.destroy();

  const relay = await relayTo(place.port);
  const cut = await open(relay, { ca: root.cert });
  cut.write('cut');
  const seen: Buffer[] = [];
  const reading = (async () => {
    for await (const chunk of cut) {
      seen.push(Buffer.from(chunk));
      relay.cut();
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: 'MILLRACE_TLS_TRUNCATED', phase: 'tls' });
  expect(Buffer.concat(seen).toString()).toBe('last words');
});

/** A relay of bytes whose end can be cut cleanly below TLS. */
async function relayTo(port: number): Promise<{ port: number; cut(): void }> {
  const { connect: connectTcp } = await import('node:net');
  let front: NodeSocket | undefined;
  const place = await listening(
    createTcp((socket) => {
      front = socket;
      const back = connectTcp(port, '127.0.0.1');
      back.on('data', (chunk) => socket.write(chunk));
      socket.on('data', (chunk) => back.write(chunk));
      for (const each of [socket, back]) each.on('error', () => undefined);
      socket.on('close', () => back.destroy());
    }),
  );
  return { port: place.port, cut: () => front?.end() };
}

test('32 MiB go both ways through a tunnel, whole and in order', async () => {
  const server = await serveTls((socket, head) => {
    void (async () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.write(head);
      for await (const chunk of socket) if (!socket.write(chunk)) await socket.drained();
      await socket.end();
    })();
  });
  const sent = randomBytes(32 * 1024 * 1024);
  const socket = await open(server, { ca: root.cert });
  socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
  const received = rest(socket);
  for (let at = 0; at < sent.length; at += 300_001) {
    if (!socket.write(sent.subarray(at, at + 300_001))) await socket.drained();
  }
  await socket.end();
  const all = await received;
  expect(digest(all.subarray(all.length - sent.length))).toBe(digest(sent));
});

test('a slow reader holds the writer back', async () => {
  const paused = deferred<TLSSocket>();
  const place = await nodeTls((socket) => {
    socket.pause();
    paused.resolve(socket);
  });
  const socket = await open(place, { ca: root.cert });
  const peer = await paused.promise;
  const chunk = Buffer.alloc(1 << 20, 'x');
  let written = 0;
  while (socket.write(chunk)) written += chunk.length;
  written += chunk.length;
  let finished = false;
  const ending = socket.end().then(() => (finished = true));
  expect(written).toBeLessThan(64 << 20);
  await new Promise((resolve) => setImmediate(resolve));
  expect(finished).toBe(false);
  let received = 0;
  peer.on('data', (data: Buffer) => (received += data.length));
  peer.resume();
  await ending;
  await until(
    () => received === written,
    () => `${received} of ${written}`,
  );
  socket.destroy();
});

/** Two ends of a pipe in memory, in chunks as they are written. */
function pipe(): [Duplex, Duplex] {
  const [a, b] = [new PassThrough(), new PassThrough()];
  const end = (readable: PassThrough, writable: PassThrough): Duplex => Duplex.from({ readable, writable });
  return [end(a, b), end(b, a)];
}

test('a client speaks TLS over any Duplex', async () => {
  const server = await serveTls(() => undefined);
  const { connect: connectTcp } = await import('node:net');
  const socket = await connect({
    over: connectTcp(server.port, '127.0.0.1'),
    tls: { ca: root.cert, servername: 'localhost' },
  });
  socket.write(get('/', 'Connection: close'));
  expect((await rest(socket)).toString()).toMatch(/plain answer$/);
  expect(socket.tls?.peerCertificate()?.subject).toBe('CN=localhost');
  socket.destroy();
});

test.each([
  ['without TLS', false],
  ['with TLS', true],
])('a server serves a Duplex that it adopts, %s', async (_name, secure) => {
  const server = await start({
    ...(secure ? { tls: { cert: leaf.cert, key: leaf.key } } : null),
    handler: async (req, res) => res.end(`${req.isSecure} ${digest(await req.bytes())}`),
  });
  const [ours, theirs] = pipe();
  server.adopt(theirs);
  const socket = await connect({
    over: ours,
    ...(secure ? { tls: { ca: root.cert, servername: 'localhost' } } : null),
  });
  const body = randomBytes(1 << 20);
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`);
  socket.write(body);
  expect((await rest(socket)).toString()).toMatch(new RegExp(`\r\n\r\n${secure} ${digest(body)}$`));
  socket.destroy();
});

test('a Duplex that fails inside a handshake says why: its error is the cause', async () => {
  const why = new Error('the tunnel fell in');
  const over = new Duplex({
    read: () => undefined,
    // The hello has come.
    write: (_chunk, _encoding, done) => done(why),
  });
  await expect(connect({ over, tls: { ca: root.cert, servername: 'localhost' } })).rejects.toMatchObject({
    phase: 'tls',
    cause: why,
  });
});

test('startTls turns a plain connection into one that speaks TLS, as after STARTTLS', async () => {
  const place = await listening(
    createTcp((socket) => {
      socket.once('data', () => {
        socket.write('220 go ahead\r\n');
        const { TLSSocket: Secure } = process.getBuiltinModule('node:tls');
        const secure = new Secure(socket, { isServer: true, cert: leaf.cert, key: leaf.key });
        secure.on('data', (chunk: Buffer) => secure.end(`secret ${chunk.toString()}`));
      });
    }),
  );
  const socket = await connect({ host: '127.0.0.1', port: place.port });
  expect(socket.tls).toBeNull();
  const chunks = socket[Symbol.asyncIterator]();
  socket.write('STARTTLS\r\n');
  expect(Buffer.from((await chunks.next()).value as Uint8Array).toString()).toBe('220 go ahead\r\n');
  await socket.startTls({ ca: root.cert, servername: 'localhost' });
  expect(socket.tls?.version).toBe('TLSv1.3');
  socket.write('word');
  expect(Buffer.from((await chunks.next()).value as Uint8Array).toString()).toBe('secret word');
  socket.destroy();
});

test('TLS runs inside TLS through a tunnel, each judged by itself', async () => {
  const inner = await start({
    tls: { cert: leaf.cert, key: leaf.key },
    handler: (req, res) => res.end(`inner ${req.isSecure}`),
  });
  const proxyLeaf = await root.issue({ names: ['proxy.test'] });
  const proxy = await start({
    tls: { cert: proxyLeaf.cert, key: proxyLeaf.key },
    handler: (_req, res) => res.end(),
    async onConnect(_req, socket) {
      const to = await connect({ host: '127.0.0.1', port: inner.port });
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const copy = async (from: Socket, into: Socket): Promise<void> => {
        for await (const chunk of from) if (!into.write(chunk)) await into.drained();
        await into.end();
      };
      await Promise.allSettled([copy(socket, to), copy(to, socket)]);
      for (const each of [socket, to]) each.destroy();
    },
  });
  const socket = await open(proxy, { ca: root.cert, servername: 'proxy.test' });
  socket.write('CONNECT inner:443 HTTP/1.1\r\nHost: inner:443\r\n\r\n');
  const chunks = socket[Symbol.asyncIterator]();
  expect(Buffer.from((await chunks.next()).value as Uint8Array).toString()).toBe('HTTP/1.1 200 OK\r\n\r\n');
  await expect(socket.startTls({ ca: root.cert })).rejects.toThrow("'servername'");
  await socket.startTls({ ca: root.cert, servername: 'localhost' });
  expect(socket.tls?.servername).toBe('localhost');
  socket.write(get('/', 'Connection: close'));
  let answer = '';
  for (let chunk = await chunks.next(); chunk.done !== true; chunk = await chunks.next()) {
    answer += Buffer.from(chunk.value).toString();
  }
  expect(answer).toMatch(/inner true$/);
  socket.destroy();
});

test('startTls refuses a stranger, and the socket is closed then', async () => {
  const server = await serveTls(() => undefined);
  const socket = await connect({ host: '127.0.0.1', port: server.port });
  await expect(socket.startTls({ servername: 'localhost' })).rejects.toMatchObject({
    code: 'MILLRACE_TLS_UNKNOWN_CA',
    phase: 'tls',
  });
  await until(() => socket.closed);
  await expect(socket.startTls({ ca: root.cert, servername: 'localhost' })).rejects.toThrow();
});

test('the handshake of a client has a time of its own', async () => {
  const place = await listening(createTcp((socket) => socket.on('error', () => undefined)));
  const began = performance.now();
  const attempt = connect({ host: '127.0.0.1', port: place.port, tls: { ca: root.cert }, timeouts: { tls: 70 } });
  await expect(attempt).rejects.toMatchObject({ code: 'MILLRACE_TLS_TIMEOUT', phase: 'tls', retryable: true });
  expect(performance.now() - began).toBeGreaterThanOrEqual(70);
  await expect(attempt).rejects.toMatchObject({ limit: { option: 'timeouts.tls', value: 70 } });
});

test('a server that closes inside the handshake, or speaks no TLS, is told', async () => {
  const closing = await listening(createTcp((socket) => socket.once('data', () => socket.end())));
  await expect(open(closing, { ca: root.cert })).rejects.toMatchObject({ code: 'MILLRACE_TLS_HANDSHAKE_TRUNCATED' });
  const plain = await listening(
    createTcp((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))),
  );
  await expect(open(plain, { ca: root.cert })).rejects.toMatchObject({ code: 'MILLRACE_TLS_INVALID_MESSAGE' });
});

test('a context of the other side is refused', async () => {
  const [client, server] = await Promise.all([
    TlsContext.client({ ca: root.cert }),
    TlsContext.server({ cert: leaf.cert, key: leaf.key }),
  ]);
  await expect(start({ tls: client, handler: () => undefined })).rejects.toThrow("got a client's");
  await expect(connect({ port: 1, tls: server })).rejects.toThrow("got a server's");
});

test('a socket over TLS is a Node Duplex when asked', async () => {
  const place = await nodeTls((socket) => socket.pipe(socket));
  const duplex = (await open(place, { ca: root.cert })).asDuplex();
  const body = randomBytes(2 << 20);
  duplex.end(body);
  expect(digest(await rest(duplex))).toBe(digest(body));
});

test('a client over Node keeps reading what comes before the close_notify of a server', async () => {
  const server = await start({
    tls: { cert: leaf.cert, key: leaf.key },
    keepAliveTimeout: 50,
    handler: (_req, res) => res.end('x'),
  });
  const client = await RawClient.secure(server, { ca: root.cert });
  await client.send(get()).response();
  await client.closed();
  expect(client.error).toBeUndefined();
});
