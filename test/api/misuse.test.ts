// What a caller can get wrong: a coded error at the call or a rejected promise, and nothing is broken by it.
import { Duplex, PassThrough } from 'node:stream';

import type { Listener, MillraceError, Socket } from '../../ts/index.js';
import {
  Client,
  connect,
  createProxyServer,
  gracefulShutdown,
  listen,
  parseProxyUrl,
  proxyFromEnvironment,
  Resolver,
  serve,
  setLogger,
} from '../../ts/index.js';
import { until } from '../support/condition.js';
import { errorOf } from '../support/error-of.js';

/** As a program without types calls it. */
type Loose = (...given: unknown[]) => unknown;
const loose = (call: unknown): Loose => call as Loose;

let listener: Listener;
const accepted: Socket[] = [];

beforeAll(async () => {
  listener = await listen({ host: '127.0.0.1' }, async (socket) => {
    accepted.push(socket);
    for await (const chunk of socket) socket.write(chunk);
    await socket.end();
  });
});

afterAll(() => listener.close({ timeout: 0 }));
afterEach(() => setLogger(null));

const dialled = (): Promise<Socket> => connect({ host: '127.0.0.1', port: listener.port });

describe('a socket', () => {
  test.each([[undefined], [null], [5], [{}], [new ArrayBuffer(1)], [new Uint16Array(1)], [[1]], [[undefined]]])(
    'refuses to write %p, and counts nothing for it',
    async (given) => {
      const socket = await dialled();
      const refused = { name: 'TypeError', code: 'MILLRACE_INVALID_ARGUMENT' };
      expect(await errorOf(() => loose(socket.write.bind(socket))(given))).toMatchObject(refused);
      // Nothing is what `end` is given where nothing is to be written.
      const ended = given === undefined ? null : given;
      expect(await errorOf(() => loose(socket.end.bind(socket))(ended))).toMatchObject(refused);
      expect(socket.bytesWritten).toBe(0);
      await socket.end('still good');
      let text = '';
      for await (const chunk of socket) text += Buffer.from(chunk).toString();
      expect(text).toBe('still good');
    },
  );

  test('answers readers that ask before a chunk has come one after the other', async () => {
    const socket = await dialled();
    const chunks = socket[Symbol.asyncIterator]();
    const asked = [chunks.next(), chunks.next(), chunks.next(), chunks.next()];
    socket.write('one');
    expect(Buffer.from((await asked[0])?.value as Uint8Array).toString()).toBe('one');
    socket.write('two');
    expect(Buffer.from((await asked[1])?.value as Uint8Array).toString()).toBe('two');
    await socket.end();
    expect(await asked[2]).toEqual({ done: true, value: undefined });
    expect(await asked[3]).toEqual({ done: true, value: undefined });
  });

  test('rejects all readers that ask when it breaks', async () => {
    const socket = await dialled();
    const chunks = socket[Symbol.asyncIterator]();
    const asked = Promise.allSettled([chunks.next(), chunks.next(), chunks.next()]);
    socket.destroy();
    expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });

  test('answers a reader that asks when another returns', async () => {
    const socket = await dialled();
    const chunks = socket[Symbol.asyncIterator]();
    const asked = chunks.next();
    await chunks.return?.();
    expect(await asked).toEqual({ done: true, value: undefined });
  });

  test('is not harmed by a relay that cannot begin', async () => {
    const [one, other, third] = await Promise.all([dialled(), dialled(), dialled()]);
    const ports = [one, other, third].map(({ localPort }) => localPort);
    const far = (): Socket[] => accepted.filter(({ remotePort }) => ports.includes(remotePort));
    await until(() => far().length === 3);
    for (const given of [undefined, {}, one, new PassThrough()]) {
      const refused = errorOf(() => loose(one.pipeTo.bind(one))(given));
      expect(await refused).toMatchObject({ name: 'TypeError', code: 'MILLRACE_INVALID_ARGUMENT' });
    }
    const over = one.pipeTo(other);
    for (const again of [() => one.pipeTo(third), () => third.pipeTo(other)]) {
      expect(await errorOf(again)).toMatchObject({ name: 'TypeError', code: 'MILLRACE_INVALID_STATE' });
    }
    expect([one, other, third].map(({ closed }) => closed)).toEqual([false, false, false]);
    third.destroy();
    await Promise.all(far().map((socket) => socket.end().catch(() => undefined)));
    expect(await over).toEqual({ sent: 0, received: 0 });
  });

  test.each([[null], ['x'], [0], [undefined]])('setKeepAlive(%p) is refused', async (given) => {
    const socket = await dialled();
    const error = await errorOf(() => loose(socket.setKeepAlive.bind(socket))(given));
    expect(error).toMatchObject({ name: 'TypeError', code: 'MILLRACE_INVALID_ARGUMENT' });
    socket.destroy();
  });

  test('keepalive has 127 probes at most, and no other names', async () => {
    const socket = await dialled();
    socket.setKeepAlive({ idle: 32_767, interval: 32_767, count: 127 });
    expect(await errorOf(() => socket.setKeepAlive({ idle: 1, interval: 1, count: 128 }))).toMatchObject({
      name: 'RangeError',
      message: expect.stringMatching(/"keepAlive.count" must be an integer from 1 to 127, got 128/) as string,
    });
    const error = await errorOf(() => loose(socket.setKeepAlive.bind(socket))({ idel: 1 }));
    expect(error).toMatchObject({ code: 'MILLRACE_UNKNOWN_OPTION' });
    socket.destroy();
  });
});

describe('an aborted signal rejects with an AbortError that has the reason as its cause', () => {
  const signal = AbortSignal.abort('why');
  const handler = (): void => undefined;
  test.each<[string, () => unknown]>([
    ['connect', () => connect({ host: '127.0.0.1', port: listener.port, signal })],
    ['listen', () => listen({ host: '127.0.0.1', signal }, handler)],
    ['serve', () => serve({ host: '127.0.0.1', handler, signal })],
    ['createProxyServer', () => createProxyServer({ signal })],
    ['resolve', () => new Resolver().resolve('localhost', { signal })],
  ])('%s', async (_name, call) => {
    expect(await errorOf(call)).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: 'why' });
  });
});

describe('what a call is given is named in its error', () => {
  const handler = (): void => undefined;
  const long = `/${'x'.repeat(200)}`;
  test.each<[string, () => unknown, object]>([
    [
      'a family by its name',
      () => loose(connect)({ port: 1, family: 'ipv4' }),
      { name: 'TypeError', message: /^connect: option "family" must be one of 0, 4 or 6, got "ipv4"/ },
    ],
    ['no family', () => loose(connect)({ port: 1, family: 5 }), { name: 'RangeError', message: /0, 4 or 6, got 5/ }],
    ['a client’s family', () => new Client({ family: 'any' as never }), { name: 'TypeError', message: /0, 4 or 6/ }],
    ['an address to connect from', () => connect({ port: 1, localAddress: 'x' }), { message: /"localAddress"/ }],
    ['a path that is too long', () => connect({ path: long }), { cause: { code: 'ENAMETOOLONG' }, phase: 'connect' }],
    ['one to listen on', () => listen({ path: long }, handler), { cause: { code: 'ENAMETOOLONG' } }],
    ['an interface', () => connect({ host: 'fe80::1%none', port: 1 }), { message: /EINVAL \[fe80::1%none\]:1/ }],
    [
      'a host to listen on',
      () => serve({ host: 'a.invalid', handler }),
      { code: 'MILLRACE_SYSTEM', hostname: 'a.invalid' },
    ],
    ['a network', () => listen({ allow: ['192.0.2.0/33'] }, handler), { message: /"allow" .*got "192.0.2.0\/33"/ }],
    ['a balancer', () => serve({ trustProxy: ['x'], handler }), { message: /"trustProxy" .*got "x"/ }],
    [
      'a balancer of what has no fields',
      () => loose(listen)({ trustProxy: ['127.0.0.1'] }, handler),
      { code: 'MILLRACE_UNKNOWN_OPTION' },
    ],
    ['a hole', () => loose(listen)({ deny: [undefined] }, handler), { message: /"deny" must be an array of strings/ }],
    ['no Duplex', () => loose(connect)({ over: {} }), { code: 'MILLRACE_INVALID_ARGUMENT' }],
    ['objects', () => connect({ over: new PassThrough({ objectMode: true }) }), { message: /object mode/ }],
    ['a dead Duplex', () => connect({ over: new PassThrough().destroy() }), { code: 'MILLRACE_STREAM_CLOSED' }],
    [
      'a proxy',
      () => loose(connect)({ port: 1, proxy: { url: 'http://a', pasword: 'b' } }),
      { code: 'MILLRACE_UNKNOWN_OPTION' },
    ],
    ['a user', () => loose(connect)({ port: 1, proxy: { url: 'http://a', username: 5 } }), { message: /'username'/ }],
    ['a target', () => loose(proxyFromEnvironment)(), { code: 'MILLRACE_INVALID_ARGUMENT' }],
    [
      'a family',
      () => loose(new Resolver().resolve.bind(new Resolver()))('localhost', { familly: 4 }),
      { code: 'MILLRACE_UNKNOWN_OPTION' },
    ],
    ['no server', () => loose(gracefulShutdown)(), { code: 'MILLRACE_INVALID_ARGUMENT' }],
    ['what cannot be closed', () => loose(gracefulShutdown)([{}]), { message: /function "close"/ }],
    ['an option', () => loose(gracefulShutdown)([], { timout: 1 }), { code: 'MILLRACE_UNKNOWN_OPTION' }],
  ])('%s', async (_name, call, expected) => {
    const error = await errorOf(call);
    expect(error.code).toMatch(/^MILLRACE_/);
    for (const [name, value] of Object.entries(expected)) {
      const found: unknown = error[name as keyof MillraceError];
      if (value instanceof RegExp) expect(found).toMatch(value);
      else if (typeof value === 'object') expect(found).toMatchObject(value as object);
      else expect(found).toBe(value);
    }
  });

  test('but a user name that stands where a scheme should be is not shown', async () => {
    const error = await errorOf(() => parseProxyUrl('somebody:secret@proxy.test:1080'));
    expect(error.code).toBe('MILLRACE_PROXY_URL_INVALID');
    expect(error.message).not.toMatch(/somebody|secret/);
  });
});

test('a lookup function that rejects fails the connection at once', async () => {
  const resolver = loose(() => Promise.reject(new Error('on purpose'))) as never;
  const error = await errorOf(() => connect({ host: 'a.test', port: 1, resolver }));
  expect(error).toMatchObject({ code: 'MILLRACE_DNS_FAILED', phase: 'dns' });
  expect(error.message).toMatch(/on purpose/);
});

test('an address may stand in brackets, and with an interface', async () => {
  const six = await listen({ host: '[::1]' }, (socket) => socket.end());
  for (const host of ['[::1]', '::1%lo', '::1%1']) (await connect({ host, port: six.port })).destroy();
  six.destroy();
});

describe('a server', () => {
  test('keeps its last counts when it has closed', async () => {
    const raw = await listen({ host: '127.0.0.1' }, (socket) => socket.destroy());
    const server = await serve({ host: '127.0.0.1', handler: (_req, res) => res.end('ok') });
    for (let i = 0; i < 3; i++) {
      (await connect({ host: '127.0.0.1', port: raw.port })).destroy();
      await (await fetch(server.url)).text();
    }
    await until(() => raw.stats().connections.accepted === 3);
    await Promise.all([raw.close(), server.close()]);
    expect(raw.stats().connections).toMatchObject({ active: 0, accepted: 3, opened: 3 });
    expect(server.stats()).toMatchObject({ connections: { active: 0 }, requests: { active: 0, total: 3 } });
  });

  test('refuses what cannot close it, and goes on', async () => {
    const server = await serve({ host: '127.0.0.1', handler: (_req, res) => res.end('ok') });
    for (const given of [null, 5, { timeout: -1 }, { idle: 'x' }]) {
      expect((await errorOf(() => loose(server.close.bind(server))(given))).code).toBe('MILLRACE_INVALID_ARGUMENT');
    }
    expect((await fetch(server.url)).status).toBe(200);
    await server.close();
    expect((await errorOf(() => server.inject({ url: '/' }))).code).toBe('MILLRACE_SERVER_CLOSED');
  });

  test('adopts no stream of objects, and none that is dead', async () => {
    const server = await serve({ host: '127.0.0.1', handler: (_req, res) => res.end('ok') });
    const objects = new Duplex({ readableObjectMode: true, read: () => undefined, write: (_c, _e, done) => done() });
    expect((await errorOf(() => server.adopt(objects))).message).toMatch(/object mode/);
    expect((await errorOf(() => server.adopt(new PassThrough().destroy()))).code).toBe('MILLRACE_STREAM_CLOSED');
    expect((await errorOf(() => loose(server.inject.bind(server))({}))).code).toBe('MILLRACE_INVALID_ARGUMENT');
    server.destroy();
  });
});

describe('a hook of a proxy', () => {
  test('that rejects is logged, and what it is given cannot be changed', async () => {
    const records: { level: string; message: string }[] = [];
    setLogger((record) => void records.push(record));
    const changes: boolean[] = [];
    const proxy = await createProxyServer({
      authorize: (request) => changes.push(Reflect.set(request, 'port', 1)) > 0,
      onClose: loose(() => Promise.reject(new Error('on purpose'))),
    });
    const { port } = listener;
    const socket = await connect({ host: '127.0.0.1', port, proxy: `socks5://127.0.0.1:${proxy.port}` });
    socket.destroy();
    await until(() => records.some(({ message }) => message === 'the function onClose has failed'));
    expect(changes).toEqual([false]);
    proxy.destroy();
  });
});
