// Node's HTTP clients, and what is built on them, through `millrace/agent`.
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { globalAgent as httpAgent, request as httpRequest } from 'node:http';
import { globalAgent as httpsAgent, request as httpsRequest } from 'node:https';
import type { AddressInfo, LookupFunction, Socket as NodeSocket } from 'node:net';
import { createServer as createTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { checkServerIdentity } from 'node:tls';
import { inspect } from 'node:util';

import { HttpAgent, HttpsAgent } from '../../ts/compat/agent.js';
import type { ProxyServer, ProxyServerOptions } from '../../ts/index.js';
import { createProxyServer, TlsContext } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { noKernelSockets, socketOptionsOf } from '../support/kernel-socket.js';
import { agentsEndWithTheirTest, ask, failure, kept, nodeServer } from '../support/node-agents.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { endsWithItsTest } from '../support/test-server.js';
import { where } from '../support/where.js';

const proxies = new Set<ProxyServer>();
let authority: Authority;
let identity: Issued;

beforeAll(async () => {
  authority = await Authority.root();
  identity = await authority.issue();
});

afterEach(() => {
  for (const proxy of proxies) proxy.destroy();
  proxies.clear();
});
agentsEndWithTheirTest();
endsWithItsTest();

const serverOf = (handler: RequestListener, secure = false): ReturnType<typeof nodeServer> =>
  nodeServer(handler, secure ? { cert: identity.cert, key: identity.key } : null);

async function proxyOf(options: ProxyServerOptions = {}): Promise<ProxyServer> {
  const proxy = await createProxyServer(options);
  proxies.add(proxy);
  return proxy;
}

const at = (proxy: ProxyServer, kind = 'socks5h'): string => `${kind}://127.0.0.1:${proxy.port}`;

/** The client's port as the target saw it: one connection has one. */
const port: RequestListener = (req, res) => void res.end(String(req.socket.remotePort));
const echo: RequestListener = (req, res) => void req.pipe(res);

/** What a call threw. */
function errorOf(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it was taken');
}

describe.each(['socks5h', 'socks5', 'socks4a', 'http', 'https'])('through a proxy by %s', (kind) => {
  test.each(['http', 'https'])('asks an %s server', async (scheme) => {
    const isSecure = kind === 'https';
    const proxy = await proxyOf(isSecure ? { tls: { cert: identity.cert, key: identity.key } } : {});
    const { url } = await serverOf(echo, scheme === 'https');
    const tls = isSecure ? await TlsContext.client({ ca: authority.cert }) : undefined;
    const options = { proxy: { url: `${kind}://localhost:${proxy.port}`, tls } };
    const agent = kept(scheme === 'http' ? new HttpAgent(options) : new HttpsAgent({ ...options, ca: authority.cert }));
    expect(await ask(url, { agent, method: 'POST' }, 'by the tunnel')).toBe('by the tunnel');
    await until(() => proxy.stats().tunnels.ended === 1);
  });
});

describe('the pool is that of Node', () => {
  test('a connection is used again, and the answers keep their order', async () => {
    const proxy = await proxyOf();
    const { url } = await serverOf(port);
    const agent = kept(new HttpAgent({ proxy: at(proxy), keepAlive: true, maxSockets: 1 }));
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(url, { agent })));
    expect(new Set(answers).size).toBe(1);
    expect(proxy.stats().tunnels).toMatchObject({ active: 1, ended: 0 });
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
  });

  test('maxSockets holds while connections are being opened', async () => {
    let open = 0;
    let most = 0;
    const { url, server } = await serverOf((_req, res) => res.end('ok'));
    server.on('connection', (socket: NodeSocket) => {
      most = Math.max(most, ++open);
      socket.once('close', () => open--);
    });
    const proxy = await proxyOf();
    const agent = kept(new HttpAgent({ proxy: at(proxy), maxSockets: 2 }));
    await Promise.all(Array.from({ length: 8 }, () => ask(url, { agent })));
    expect(most).toBe(2);
  });

  test('a connection that fails lets those that wait go on', async () => {
    const { url } = await serverOf(port);
    const proxy = await proxyOf({ authorize: () => ++asked > 1 });
    let asked = 0;
    const agent = kept(new HttpAgent({ proxy: at(proxy), maxSockets: 1, maxTotalSockets: 1 }));
    const [first, second] = await Promise.allSettled([ask(url, { agent }), ask(url, { agent })]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'MILLRACE_SOCKS_FORBIDDEN', phase: 'proxy' } });
    expect(second.status).toBe('fulfilled');
  });

  test('an idle connection that the server ends leaves the pool', async () => {
    const { url, server } = await serverOf(port);
    const proxy = await proxyOf();
    const agent = kept(new HttpAgent({ proxy: at(proxy), keepAlive: true }));
    const first = await ask(url, { agent });
    server.closeIdleConnections();
    await until(() => Object.keys(agent.freeSockets).length === 0, 'it has left');
    expect(await ask(url, { agent })).not.toBe(first);
  });

  test('sessions of TLS are resumed on new connections', async () => {
    const { url } = await serverOf((req, res) => {
      res.end(String((req.socket as TLSSocket).isSessionReused()));
    }, true);
    const agent = kept(new HttpsAgent({ ca: authority.cert }));
    expect(await ask(url, { agent })).toBe('false');
    expect(await ask(url, { agent })).toBe('true');
  });
});

describe('the socket of a request', () => {
  test('knows its ends and its TLS', async () => {
    const { url } = await serverOf(echo, true);
    const proxy = await proxyOf();
    const agent = kept(new HttpsAgent({ proxy: at(proxy), ca: authority.cert, keepAlive: true }));
    const req = httpsRequest(url, { agent }).end();
    const [socket] = (await once(req, 'socket')) as [NodeSocket];
    expect(socket).toMatchObject({ connecting: true, pending: true, readyState: 'opening', encrypted: true });
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    expect(await text(res)).toBe('');
    expect(socket).toMatchObject({
      ...{ connecting: false, readyState: 'open', authorized: true, authorizationError: null },
      ...{ remoteAddress: '127.0.0.1', remotePort: proxy.port, remoteFamily: 'IPv4', localFamily: 'IPv4' },
      ...{ alpnProtocol: 'http/1.1', servername: 'localhost' },
    });
    const secure = socket as TLSSocket;
    expect(secure.getPeerCertificate().subject.CN).toBe('localhost');
    expect(secure.getPeerX509Certificate()?.fingerprint256).toBe(secure.getPeerCertificate().fingerprint256);
    expect([secure.getProtocol(), secure.getCipher().name]).toEqual(['TLSv1.3', expect.stringMatching(/^TLS_/)]);
    expect(secure.bytesRead).toBeGreaterThan(50);
    expect(secure.bytesWritten).toBeGreaterThan(50);
  });

  test('emits the timeout of silence, and lives on', async () => {
    const { url } = await serverOf(
      (req, res) =>
        void req
          .on('end', () => undefined)
          .resume()
          .once('aborted', () => res.destroy()),
    );
    const agent = kept(new HttpAgent({ timeout: 30 }));
    const req = httpRequest(url, { agent }).end();
    const failed = once(req, 'error');
    await once(req, 'timeout');
    expect(req.destroyed).toBe(false);
    req.destroy();
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  test('carries an upgrade', async () => {
    const { url, server } = await serverOf(port);
    server.on('upgrade', (_req, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello');
      socket.pipe(socket);
    });
    const proxy = await proxyOf();
    const headers = { connection: 'upgrade', upgrade: 'echo' };
    const req = httpRequest(url, { headers, agent: kept(new HttpAgent({ proxy: at(proxy) })) }).end();
    const [, socket, head] = (await once(req, 'upgrade')) as [unknown, NodeSocket, Buffer];
    socket.end('there');
    const came = Buffer.concat([head, Buffer.from(await text(socket))]);
    expect(came.toString()).toBe('hellothere');
  });

  test('waits for whom it uploads to: 64 MB of a stream go through a slow server whole', async () => {
    let held = 0;
    const { url } = await serverOf((req, res) => {
      let size = 0;
      req.on('data', (chunk: Buffer) => {
        size += chunk.length;
        req.pause();
        setImmediate(() => req.resume());
      });
      req.on('end', () => res.end(String(size)));
    });
    const agent = kept(new HttpAgent());
    const req = httpRequest(url, { agent, method: 'PUT' });
    const chunk = Buffer.alloc(1 << 20, 'x');
    const answer = once(req, 'response') as Promise<[IncomingMessage]>;
    for (let count = 0; count < 64; count++) {
      const room = req.write(chunk);
      held = Math.max(held, req.writableLength + (req.socket?.writableLength ?? 0));
      if (!room) await once(req, 'drain');
    }
    req.end();
    expect(await text((await answer)[0])).toBe(String(64 << 20));
    expect(held).toBeLessThan(4 << 20);
  });
});

describe('a request that is given up', () => {
  test.each(['abort', 'destroy'])('frees a connection that is being opened, by %s', async (how) => {
    const sockets: NodeSocket[] = [];
    const silent = createTcp((socket) => void sockets.push(socket.on('error', () => undefined)));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const agent = kept(new HttpAgent({ proxy: `socks5://127.0.0.1:${(silent.address() as AddressInfo).port}` }));
    const control = new AbortController();
    const req = httpRequest('http://192.0.2.1/', { agent, signal: control.signal }).end();
    await until(() => sockets.length === 1);
    const failed = once(req, 'error');
    if (how === 'abort') control.abort();
    else req.destroy(new Error('enough'));
    expect((await failed)[0]).toMatchObject(how === 'abort' ? { code: 'ABORT_ERR' } : { message: 'enough' });
    await until(() => sockets[0].destroyed || sockets[0].readableEnded || (sockets[0].resume(), false), 'it is gone');
    expect(agent.sockets).toEqual({});
    silent.close();
    for (const socket of sockets) socket.destroy();
  });

  test('cuts a response that is under way', async () => {
    const { url, server } = await serverOf((_req, res) => res.write('begun'));
    const proxy = await proxyOf();
    const control = new AbortController();
    const req = httpRequest(url, { agent: kept(new HttpAgent({ proxy: at(proxy) })), signal: control.signal }).end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    req.on('error', () => undefined);
    const ended = text(res).catch((error: Error) => error.message);
    control.abort();
    expect(await ended).toBe('aborted');
    await until(() => proxy.stats().tunnels.active === 0 && server.listening);
  });
});

describe('what fails is told with its code and phase', () => {
  const SECRET = 'Zm9v-s3cret-passw0rd';
  const auth = { username: 'ann', password: SECRET };

  test.each([
    ['socks5h', 'MILLRACE_SOCKS_AUTHENTICATION_REFUSED'],
    ['http', 'MILLRACE_PROXY_AUTHENTICATION_REQUIRED'],
  ])('a wrong password of %s', async (kind, code) => {
    const proxy = await proxyOf({ auth });
    const agent = kept(new HttpAgent({ proxy: `${kind}://ann:not-${SECRET}@127.0.0.1:${proxy.port}` }));
    const error = await failure('http://127.0.0.1:1/', { agent });
    expect(error).toMatchObject({ code, phase: 'proxy' });
    expect(inspect(error, { depth: 9, showHidden: true }) + String(error.stack)).not.toContain(SECRET);
  });

  test('the right one opens, and is in nothing that the agent or its sockets show', async () => {
    const { url } = await serverOf(port);
    const proxy = await proxyOf({ auth });
    const agent = kept(new HttpAgent({ proxy: `http://ann:${SECRET}@127.0.0.1:${proxy.port}`, keepAlive: true }));
    expect(await ask(url, { agent })).toMatch(/^\d+$/);
    const shown =
      inspect(agent, { depth: 12, showHidden: true }) +
      JSON.stringify({ ...agent, agent: null, sockets: null, freeSockets: null });
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    for (const secret of [SECRET, Buffer.from(`ann:${SECRET}`).toString('base64')]) expect(shown).not.toContain(secret);
  });

  test('a dead proxy fails the request: nothing goes past it', async () => {
    const { url, server } = await serverOf(port);
    const dead = await proxyOf();
    dead.destroy();
    await once(dead, 'close');
    const connected = jest.fn();
    server.on('connection', connected);
    const error = await failure(url, { agent: kept(new HttpAgent({ proxy: `socks5h://127.0.0.1:${dead.port}` })) });
    expect(error).toMatchObject({ code: 'MILLRACE_SYSTEM', syscall: 'connect', phase: 'connect' });
    expect(connected).not.toHaveBeenCalled();
  });

  test('a certificate that is not trusted, and a name that it does not have', async () => {
    const { url, port: number } = await serverOf(port, true);
    expect(await failure(url, { agent: kept(new HttpsAgent()) })).toMatchObject({ phase: 'tls' });
    const agent = kept(new HttpsAgent({ ca: authority.cert }));
    const headers = { host: 'other.test' };
    expect(await failure(url, { agent, headers })).toMatchObject({
      code: 'MILLRACE_TLS_WRONG_HOST',
      phase: 'tls',
    });
    expect(await ask(`https://127.0.0.1:${number}/`, { agent })).toMatch(/^\d+$/);
    expect(await ask(url, { agent: kept(new HttpsAgent({ rejectUnauthorized: false })) })).toMatch(/^\d+$/);
  });

  test('the time for the handshake with a proxy', async () => {
    let decide: (allowed: boolean) => void = () => undefined;
    const proxy = await proxyOf({ authorize: () => new Promise((resolve) => (decide = resolve)) });
    const agent = kept(new HttpAgent({ proxy: at(proxy), timeouts: { proxy: 30 } }));
    expect(await failure('http://localhost:1/', { agent })).toMatchObject({
      ...{ code: 'MILLRACE_PROXY_TIMEOUT', phase: 'proxy', limit: { option: 'timeouts.proxy', value: 30 } },
    });
    decide(false);
  });
});

describe('options', () => {
  test('a proxy that is none throws at once, and its URL is not quoted', () => {
    expect(() => new HttpAgent({ proxy: 'sock5://ann:hunter2@localhost' })).toThrow(
      expect.objectContaining({
        code: 'MILLRACE_PROXY_URL_INVALID',
        message: expect.not.stringContaining('hunter2'),
      }),
    );
    expect(() => new HttpsAgent({ proxy: [{ url: 'http://' }] })).toThrow(/URL/);
  });

  const makes: [string, (options: object) => object][] = [
    ['HttpAgent', (options) => new HttpAgent(options)],
    ['HttpsAgent', (options) => new HttpsAgent(options)],
  ];
  describe.each(makes)('of %s', (name, make) => {
    test.each<[string, unknown, string, RegExp]>([
      ['null', null, 'TypeError', /the options must be an object, got null/],
      ['a text', 'http://proxy.test', 'TypeError', /the options must be an object, got "http:/],
      ['a slip', { maxSocket: 1 }, 'TypeError', /there is no option "maxSocket"; did you mean "maxSockets"\?/],
      ['a slip that holds nothing', { prxy: undefined }, 'TypeError', /did you mean "proxy"/],
      ['what others call it', { httpProxy: 'http://a' }, 'TypeError', /there is no option "httpProxy"/],
      ['Node’s way to proxies', { proxyEnv: {} }, 'TypeError', /there is no option "proxyEnv"/],
      ['a type', { keepAlive: 1 }, 'TypeError', /"keepAlive" must be true or false, got 1/],
      ['a range', { maxSockets: 0 }, 'RangeError', /"maxSockets" must be a number from 1 /],
      ['a word', { scheduling: 'lilo' }, 'RangeError', /"scheduling" must be one of "fifo" or "lifo"/],
      ['a family', { family: 5 }, 'RangeError', /"family" must be one of 0, 4 or 6/],
      ['a time', { userTimeout: 0 }, 'RangeError', /"userTimeout" must be an integer from 1 /],
      ['a phase', { timeouts: { conect: 1 } }, 'TypeError', /no option "conect"; did you mean "connect"/],
      ['no timeouts', { timeouts: null }, 'TypeError', /"timeouts" must be an object, got null/],
      ['a proxy', { proxy: 5 }, 'TypeError', /"proxy" must be a proxy's URL/],
      ['a name of a proxy', { proxy: { url: 'http://a', user: 'b' } }, 'TypeError', /has no option "user"/],
    ])('%s is refused in the words of all', (what, options, kind, message) => {
      const error = errorOf(() => make(options as object));
      expect(error).toMatchObject({ name: kind, code: expect.stringMatching(/^MILLRACE_/) as string });
      expect(error.message).toMatch(message);
      expect(error.message).toMatch(/^(HttpAgent|HttpsAgent|connect timeouts): /);
      expect(error.message.startsWith(`${name}: `)).toBe(what !== 'a phase');
    });

    test('what Node documents, and what its own agents have, is taken', () => {
      const known = {
        ...{ keepAlive: true, keepAliveMsecs: 500, maxSockets: Infinity, maxTotalSockets: 9, maxFreeSockets: 0 },
        ...{ scheduling: 'fifo', timeout: 60_000, localAddress: '127.0.0.1', family: 4, noDelay: true },
        ...{ agentKeepAliveTimeoutBuffer: 500, path: null, localPort: null },
      };
      const { options: own } = (name === 'HttpAgent' ? httpAgent : httpsAgent) as unknown as { options: object };
      for (const options of [undefined, {}, known, { ...own, proxy: null, keepAlive: true }]) make(options as object);
    });
  });

  test('of http have no TLS', () => {
    for (const options of [{ tls: true }, { ca: authority.cert }, { rejectUnauthorized: false }]) {
      expect(errorOf(() => new HttpAgent(options as object))).toMatchObject({ code: 'MILLRACE_UNKNOWN_OPTION' });
    }
  });

  where('the options of the sockets of an agent', noKernelSockets).test(
    'are those of the sockets that it makes',
    async () => {
      const { url } = await serverOf((_req, res) => void res.write('begun'));
      for (const [options, seen] of [
        [{ noDelay: false, userTimeout: 4_321, keepAlive: true, keepAliveMsecs: 6_500 }, [0, 1, 7, 10, 3, 4_321]],
        [{}, [1, 1, 60, 10, 3, 0]],
      ] as const) {
        const req = httpRequest(url, { agent: kept(new HttpAgent(options)) }).end();
        await once(req, 'response');
        expect(await socketOptionsOf({ localPort: Number(req.socket?.localPort) })).toEqual(seen);
        req.on('error', () => undefined).destroy();
      }
    },
  );

  test('say from where and to which family of addresses is connected', async () => {
    const seen: string[] = [];
    const { port: number } = await serverOf((req, res) => {
      seen.push(String(req.socket.remoteAddress));
      res.end();
    });
    const lookup: LookupFunction = (_host, { family }, done) => {
      const all = [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ];
      done(
        null,
        all.filter((one) => family === 0 || one.family === family),
      );
    };
    const url = `http://far.test:${number}/`;
    await ask(url, { agent: kept(new HttpAgent({ localAddress: '127.0.0.3', family: 4, lookup })) });
    expect(seen).toEqual(['127.0.0.3']);
    // The server listens on IPv4 alone.
    expect(await failure(url, { agent: kept(new HttpAgent({ family: 6, lookup })) })).toMatchObject({ address: '::1' });
  });

  test.each([
    { checkServerIdentity: () => undefined },
    { pfx: 'x' },
    { secureProtocol: 'TLS_method' },
    { ecdhCurve: 'P-521' },
    { secureContext: {} },
    { sigalgs: 'ECDSA+SHA256' },
    { pskCallback: () => null },
    { requestOCSP: true },
    { privateKeyEngine: 'e' },
    { privateKeyIdentifier: 'k' },
    { clientCertEngine: 'e' },
    { allowPartialTrustChain: true },
  ])('refuses what would be missed: %p', (options) => {
    expect(() => new HttpsAgent(options as object)).toThrow(
      expect.objectContaining({ code: 'MILLRACE_INVALID_ARGUMENT', message: expect.stringContaining('of Node') }),
    );
  });

  test("refuses it of a request, and takes Node's own function", async () => {
    const secure = kept(new HttpsAgent());
    const refused = { code: 'MILLRACE_INVALID_ARGUMENT' };
    expect(
      await failure('https://localhost:1/', { agent: secure, checkServerIdentity: () => undefined } as object),
    ).toMatchObject(refused);
    // Node's own function asks for what is done anyway; got sets it on every request.
    expect(() => new HttpsAgent({ checkServerIdentity })).not.toThrow();
  });

  test('asks the lookup of Node for names', async () => {
    const { port: number } = await serverOf(port);
    const asked: string[] = [];
    const lookup: LookupFunction = (host, _options, done) => {
      asked.push(host);
      done(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    const agent = kept(new HttpAgent());
    expect(await ask(`http://far.test:${number}/`, { agent, lookup })).toMatch(/^\d+$/);
    expect(asked).toEqual(['far.test']);
  });

  test('takes ALPN as names, bytes and what is on the wire', async () => {
    const { url } = await serverOf((req, res) => {
      res.end(String((req.socket as TLSSocket).alpnProtocol));
    }, true);
    const other = await nodeServer((_req, res) => void res.end(), {
      ...{ cert: identity.cert, key: identity.key },
      ALPNProtocols: ['other/1'],
    });
    expect(await failure(other.url, { agent: kept(new HttpsAgent({ ca: authority.cert })) })).toMatchObject({
      phase: 'tls',
    });
    expect(
      await ask(other.url, { agent: kept(new HttpsAgent({ ca: authority.cert, ALPNProtocols: ['other/1'] })) }),
    ).toBe('');
    for (const given of [['http/1.1'], [Buffer.from('http/1.1')], Buffer.from('\x08http/1.1')]) {
      const ALPNProtocols = given as string[];
      expect(await ask(url, { agent: kept(new HttpsAgent({ ca: authority.cert, ALPNProtocols })) })).toBe('http/1.1');
    }
  });

  test('a context of TLS stands in place of the options', async () => {
    const { url } = await serverOf(port, true);
    const tls = await TlsContext.client({ ca: authority.cert, pins: [identity.pin] });
    expect(await ask(url, { agent: kept(new HttpsAgent({ tls })) })).toMatch(/^\d+$/);
    const server = await TlsContext.server({ cert: identity.cert, key: identity.key });
    expect(() => new HttpsAgent({ tls: server })).toThrow(/client's TlsContext/);
  });

  test('a Unix socket is connected to directly', async () => {
    const socketPath = join(tmpdir(), `millrace-agent-${process.pid}`);
    await nodeServer((_req, res) => res.end('by the socket'), null, socketPath);
    const agent = kept(new HttpAgent({ proxy: 'socks5h://127.0.0.1:1' }));
    expect(await ask('http://unix/', { agent, socketPath })).toBe('by the socket');
  });

  test("'env' asks the variables of each target's scheme", async () => {
    const [plain, secure] = await Promise.all([proxyOf({ auth: { username: 'a b', password: 'p:%' } }), proxyOf()]);
    const targets = await Promise.all([serverOf(port), serverOf(port, true)]);
    const before = { ...process.env };
    process.env.http_proxy = `127.0.0.1:${plain.port}`.replace(/^/, 'http://a%20b:p%3A%25@');
    process.env.HTTPS_PROXY = `socks5h://127.0.0.1:${secure.port}`;
    process.env.no_proxy = '127.0.0.1';
    try {
      const agent = kept(new HttpAgent({ proxy: 'env' }));
      const secureAgent = kept(new HttpsAgent({ proxy: 'env', ca: authority.cert }));
      await ask(targets[0].url, { agent });
      await ask(targets[1].url, { agent: secureAgent });
      await until(() => plain.stats().tunnels.ended === 1 && secure.stats().tunnels.ended === 1, 'each took its own');
      await ask(`http://127.0.0.1:${targets[0].port}/`, { agent });
      expect(plain.stats().tunnels.ended).toBe(1);
    } finally {
      for (const name of ['http_proxy', 'HTTPS_PROXY', 'no_proxy']) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });
});
