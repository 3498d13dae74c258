import type { MillraceError, ServerRequest } from '../../ts/index.js';
import { RawClient } from '../support/raw-client.js';
import { chunked, endsWithItsTest, get, post, request, start, startWithClient } from '../support/test-server.js';

endsWithItsTest();

const POST = request('POST', '/', ['Content-Length: 10']);

/** A server whose handler sets limits of the request, then reads its body. */
async function limited(limits: Parameters<ServerRequest['setLimits']>[0], options: object = {}) {
  const errors: MillraceError[] = [];
  const server = await start({
    ...options,
    async handler(req, res) {
      req.setLimits(limits);
      await req.bytes().then(
        (bytes) => res.end(String(bytes.byteLength)),
        (error: MillraceError) => {
          errors.push(error);
          throw error;
        },
      );
    },
    onError: () => 413,
  });
  const send = async (text: string) => (await RawClient.connect(server)).send(text).response();
  return { server, errors, send };
}

test('setLimits({ bodySize }): a body of that size is served, one byte more gets 413, however it comes', async () => {
  const { server, errors, send } = await limited({ bodySize: 10 }, { maxBodySize: 100 });
  const head = request('POST', '/', ['Transfer-Encoding: chunked']);
  expect((await send(post('/', 'x'.repeat(10)))).body.toString()).toBe('10');
  expect((await send(head + chunked(['x'.repeat(10)]))).body.toString()).toBe('10');
  // Whole with its head, in chunks, and declared alone.
  expect((await send(post('/', 'x'.repeat(11)))).status).toBe(413);
  expect((await send(head + chunked(['x'.repeat(11)]))).status).toBe(413);
  expect((await send(request('POST', '/', ['Content-Length: 11']))).status).toBe(413);
  expect(errors.map(({ code }) => code)).toEqual(Array(3).fill('MILLRACE_HTTP_BODY_TOO_LARGE'));
  for (const { limit } of errors) expect(limit).toEqual({ option: 'maxBodySize', value: 10, seen: 11 });
  expect(server.stats().requests.errors).toBe(3);
});

test('setLimits({ bodySize }) lifts the limit of a chunked body, null takes it away', async () => {
  for (const [bodySize, status] of [
    [20, 200],
    [19, 413],
    [null, 200],
  ] as const) {
    const { send } = await limited({ bodySize }, { maxBodySize: 5 });
    const head = request('POST', '/', ['Transfer-Encoding: chunked']);
    expect((await send(head + chunked(['x'.repeat(20)]))).status).toBe(status);
  }
});

test.each([
  ['bodyTimeout', 'body', 'MILLRACE_BODY_TIMEOUT'],
  ['requestTimeout', 'request', 'MILLRACE_REQUEST_TIMEOUT'],
] as const)('setLimits({ %s }): the request is cut by its own time, not early', async (name, phase, code) => {
  const { server, errors, send } = await limited({ [name]: 150 });
  const began = performance.now();
  expect((await send(POST)).status).toBe(408);
  expect(performance.now() - began).toBeGreaterThanOrEqual(150);
  expect(errors[0].code).toBe(code);
  expect(errors[0].limit).toMatchObject({ option: name, value: 150 });
  expect(errors[0].limit?.seen).toBeGreaterThanOrEqual(150);
  expect(server.stats().timeouts[phase]).toBe(1);
});

test('setLimits({ minReceiveRate }): 0 lets a request be as slow as it likes', async () => {
  const { send, server } = await limited({ minReceiveRate: 0, bodyTimeout: 5_300 });
  expect((await send(POST)).status).toBe(408);
  expect(server.stats().timeouts).toMatchObject({ body: 1, receiveRate: 0 });
});

test('setLimits refuses what the options refuse, and says nothing to an exchange that is over', async () => {
  const seen: unknown[] = [];
  const { client } = await startWithClient({
    handler(req, res) {
      const attempt = (limits: object): void => {
        try {
          req.setLimits(limits);
          seen.push(undefined);
        } catch (error) {
          seen.push((error as Error).message);
        }
      };
      attempt({ bodySize: -1 });
      attempt({ bodyTimeout: 0 });
      attempt({ requestTimeout: null });
      attempt({ sendTimeout: 1 });
      res.end();
      attempt({ bodyTimeout: 1 });
    },
  });
  await client.send(get()).response();
  expect(seen).toEqual([
    'setLimits: option "bodySize" must be an integer from 0 to 9007199254740991, or null for no limit, got -1',
    'setLimits: option "bodyTimeout" must be an integer from 1 to 2147483647, got 0',
    'setLimits: option "requestTimeout" must be an integer from 1 to 2147483647, got null',
    'setLimits: there is no option "sendTimeout"',
    undefined,
  ]);
});

test('reload: a live connection takes new limits and timeouts from its next phase', async () => {
  const { server, client } = await startWithClient({
    maxUrlSize: 10,
    maxCollectedSize: 5,
    handler: async (req, res) => res.end(String((await req.bytes()).byteLength)),
  });
  expect((await client.send(post('/', 'x'.repeat(6))).response()).status).toBe(413);
  server.reload({ maxUrlSize: 20, maxCollectedSize: 6, keepAliveTimeout: 7_000 });
  const answer = await client.send(post('/'.padEnd(20, 'x'), 'x'.repeat(6))).response();
  expect([answer.status, answer.body.toString(), answer.headers['keep-alive']]).toEqual([200, '6', ['timeout=7']]);
  server.reload({ headersTimeout: 150, maxUrlSize: undefined });
  client.send('GET /');
  expect((await client.rest()).toString('latin1')).toMatch(/^HTTP\/1\.1 408 /);
  const next = await RawClient.connect(server);
  expect((await next.send(get('/'.padEnd(21, 'x'))).response()).status).toBe(414);
});

test('reload: limits of connections hold for those that come', async () => {
  const { server, client } = await startWithClient({ handler: (_req, res) => res.end() });
  await client.send(get()).response();
  server.reload({ maxConnections: 1, maxRequestsPerConnection: 2 });
  const second = await RawClient.connect(server);
  expect((await second.send(get()).response()).status).toBe(503);
  expect((await client.send(get()).response()).headers['connection']).toEqual(['close']);
  server.reload({ maxConnections: null });
  const third = await RawClient.connect(server);
  expect((await third.send(get()).response()).status).toBe(200);
});

test('reload names what cannot change, and then changes nothing', async () => {
  const server = await start({ maxUrlSize: 10, handler: (_req, res) => res.end() });
  const refused = (options: object): unknown => {
    try {
      server.reload(options);
      return undefined;
    } catch (error) {
      const { code, message, kind } = error as MillraceError;
      return { kind, code, message, isTypeError: error instanceof TypeError };
    }
  };
  expect(refused({ maxUrlSize: 100, port: 1 })).toEqual({
    kind: 'misuse',
    code: 'MILLRACE_OPTION_FIXED',
    message: 'reload: option "port" cannot change while it is in use',
    isTypeError: true,
  });
  expect(refused({ maxUrlSize: 100, handler: () => undefined })).toMatchObject({
    kind: 'misuse',
    code: 'MILLRACE_OPTION_FIXED',
  });
  expect(refused({ maxUrlSize: 100, maxPipelined: 0 })).toMatchObject({
    kind: 'misuse',
    code: 'MILLRACE_INVALID_ARGUMENT',
  });
  expect(refused({ maxUrlSise: 100 })).toMatchObject({ kind: 'misuse', code: 'MILLRACE_UNKNOWN_OPTION' });
  expect(refused(null as never)).toMatchObject({ kind: 'misuse', code: 'MILLRACE_INVALID_ARGUMENT' });
  const client = await RawClient.connect(server);
  expect((await client.send(get('/'.padEnd(11, 'x'))).response()).status).toBe(414);
  await server.close();
  expect(refused({ maxUrlSize: 100 })).toMatchObject({ kind: 'closed', code: 'MILLRACE_SERVER_CLOSED' });
});
