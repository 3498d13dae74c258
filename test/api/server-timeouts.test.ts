import type { MillraceError, ServeOptions, Server, ServerRequest } from '../../ts/index.js';
import { metrics } from '../../ts/index.js';
import { deferred, until } from '../support/condition.js';
import { endsWithItsTest, get, post, request, start, startWithClient } from '../support/test-server.js';
import { RawClient } from '../support/raw-client.js';

endsWithItsTest();

const LIMIT = 150;
type Phase = keyof ReturnType<Server['stats']>['timeouts'];

/** What the handlers of a test were told. */
let reasons: MillraceError[] = [];
beforeEach(() => {
  reasons = [];
});

/** Reads the body, answers with its length; keeps why it could not. */
const handler = async (req: ServerRequest, res: { end(body: string): unknown }): Promise<void> => {
  try {
    res.end(String((await req.bytes()).byteLength));
  } catch (error) {
    reasons.push(error as MillraceError);
  }
};

const counted = (phase: Phase): number =>
  metrics.snapshot().counters[`millrace_http_server_timeouts_total{phase="${phase}"}`];

/**
 * What a client gets that connects and sends this, and after how many milliseconds its connection ends: the clock starts
 * before anything else does. The timeout must be counted once, and no other.
 */
async function expiry(options: Partial<ServeOptions>, phase: Phase, act: (client: RawClient) => void) {
  const server = await start({ handler, ...options } as ServeOptions);
  const before = counted(phase);
  const began = performance.now();
  const client = await RawClient.connect(server);
  act(client);
  const text = (await client.rest()).toString('latin1');
  const after = performance.now() - began;
  await until(() => server.stats().timeouts[phase] === 1, `the ${phase} timeout`);
  expect(Object.values(server.stats().timeouts).reduce((sum, count) => sum + count)).toBe(1);
  expect(counted(phase) - before).toBe(1);
  return { text, after, server };
}

test('headersTimeout, from accept: half a head is answered with 408, counted, not early', async () => {
  const { text, after } = await expiry({ headersTimeout: LIMIT }, 'headers', (client) => {
    client.send('GET / HTTP/1.1\r\nHost:');
  });
  expect(text).toMatch(/^HTTP\/1\.1 408 [^]*connection: close/i);
  expect(after).toBeGreaterThanOrEqual(LIMIT);
});

test('headersTimeout, from the first byte of a later request: the time before it does not count', async () => {
  const { server, client } = await startWithClient({ headersTimeout: LIMIT, handler });
  await client.send(get()).response();
  await new Promise((resolve) => setTimeout(resolve, LIMIT));
  await client.send(get()).response();
  const began = performance.now();
  client.send('GET / HTTP/1.1\r\nHost:');
  expect((await client.rest()).toString('latin1')).toMatch(/^HTTP\/1\.1 408 /);
  expect(performance.now() - began).toBeGreaterThanOrEqual(LIMIT);
  expect(server.stats().timeouts.headers).toBe(1);
});

test('headersTimeout: a connection without a byte is closed silently, counted, not early', async () => {
  const { text, after } = await expiry({ headersTimeout: LIMIT }, 'headers', () => undefined);
  expect(text).toBe('');
  expect(after).toBeGreaterThanOrEqual(LIMIT);
});

test('headersTimeout: a drip of bytes does not lengthen it', async () => {
  let drip: NodeJS.Timeout | undefined;
  const { text, after } = await expiry({ headersTimeout: LIMIT }, 'headers', (client) => {
    client.send('GET / HTTP/1.1\r\nHost: a\r\nX: ');
    drip = setInterval(() => client.send('x'), 10);
  });
  clearInterval(drip);
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
  expect(after).toBeGreaterThanOrEqual(LIMIT);
});

test('bodyTimeout: a body that stops is answered with 408, counted, told to its reader, not early', async () => {
  const { text, after } = await expiry({ bodyTimeout: LIMIT }, 'body', (client) => {
    client.send(request('POST', '/', ['Content-Length: 10']) + 'half');
  });
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
  expect(after).toBeGreaterThanOrEqual(LIMIT);
  expect(reasons).toMatchObject([
    {
      code: 'MILLRACE_BODY_TIMEOUT',
      kind: 'timeout',
      category: 'timeout',
      phase: 'body',
      limit: { option: 'bodyTimeout', value: LIMIT },
    },
  ]);
  expect(reasons[0].limit?.seen).toBeGreaterThanOrEqual(LIMIT);
});

test('requestTimeout: a body that drips in time for bodyTimeout is cut all the same, counted, not early', async () => {
  let drip: NodeJS.Timeout | undefined;
  const { text, after } = await expiry({ requestTimeout: LIMIT, bodyTimeout: 10_000 }, 'request', (client) => {
    drip = setInterval(() => client.send('x'), 20);
    client.send(request('POST', '/', ['Content-Length: 1000']));
  });
  clearInterval(drip);
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
  expect(after).toBeGreaterThanOrEqual(LIMIT);
  expect(reasons).toMatchObject([
    { code: 'MILLRACE_REQUEST_TIMEOUT', phase: 'request', limit: { option: 'requestTimeout', value: LIMIT } },
  ]);
});

test('writeTimeout: a response that nobody takes is cut, counted, told to its handler, not early', async () => {
  const told = deferred<MillraceError>();
  const server = await start({
    writeTimeout: LIMIT,
    handler: (req, res) => {
      req.signal.addEventListener('abort', () => told.resolve(req.signal.reason as MillraceError));
      res.on('close', () => undefined).end(Buffer.alloc(64 << 20));
    },
  });
  const before = counted('send');
  const client = await RawClient.connect(server);
  client.socket.pause();
  const began = performance.now();
  client.send(get());
  expect(await told.promise).toMatchObject({
    code: 'MILLRACE_WRITE_TIMEOUT',
    phase: 'send',
    limit: { option: 'writeTimeout', value: LIMIT },
  });
  expect(performance.now() - began).toBeGreaterThanOrEqual(LIMIT);
  await until(() => server.stats().connections.active === 0);
  expect(server.stats().timeouts.send).toBe(1);
  expect(counted('send') - before).toBe(1);
  expect(server.stats().requests.active).toBe(0);
});

test('keepAliveTimeout: an idle connection is closed silently a second after what was advertised', async () => {
  const { server, client } = await startWithClient({ keepAliveTimeout: LIMIT, handler });
  const before = counted('idle');
  const began = performance.now();
  await client.send(get()).response();
  expect((await client.rest()).length).toBe(0);
  expect(performance.now() - began).toBeGreaterThanOrEqual(LIMIT + 1_000);
  expect(server.stats().timeouts.idle).toBe(1);
  expect(counted('idle') - before).toBe(1);
});

test('handlerTimeout: 503, counted, told to its handler, not early', async () => {
  const { server, client } = await startWithClient({
    handlerTimeout: LIMIT,
    handler: (req) => void req.signal.addEventListener('abort', () => reasons.push(req.signal.reason as MillraceError)),
  });
  const before = counted('handler');
  const began = performance.now();
  expect((await client.send(get()).response()).status).toBe(503);
  expect(performance.now() - began).toBeGreaterThanOrEqual(LIMIT);
  expect([server.stats().timeouts.handler, counted('handler') - before]).toEqual([1, 1]);
  expect(reasons[0].limit?.seen).toBeGreaterThanOrEqual(LIMIT);
});

test('a request’s own timeout goes before its server’s, shorter or longer', async () => {
  for (const [own, ofServer] of [
    [LIMIT, 10_000],
    [10_000, LIMIT],
  ]) {
    const server = await start({
      bodyTimeout: ofServer,
      handler: (req, res) => {
        req.setLimits({ bodyTimeout: own });
        return handler(req, res);
      },
    });
    const client = await RawClient.connect(server);
    client.send(post('/', 'whole').slice(0, -1));
    if (own === LIMIT) {
      expect((await client.response()).status).toBe(408);
    } else {
      await new Promise((resolve) => setTimeout(resolve, LIMIT * 2));
      expect((await client.send('e').response()).status).toBe(200);
    }
    expect(server.stats().timeouts.body).toBe(own === LIMIT ? 1 : 0);
  }
});

test('the clocks on the peer stand still while we withhold reading', async () => {
  const go = deferred();
  const { server, client } = await startWithClient({
    bodyTimeout: LIMIT,
    requestTimeout: LIMIT * 2,
    minReceiveRate: 2_147_483_647,
    handler: async (req, res) => {
      await go.promise;
      await handler(req, res);
    },
  });
  client.send(request('POST', '/', ['Content-Length: 10']) + 'half');
  await new Promise((resolve) => setTimeout(resolve, LIMIT * 3));
  go.resolve();
  client.send('whole.');
  expect((await client.response()).body.toString()).toBe('10');
  expect(server.stats().timeouts).toMatchObject({ body: 0, request: 0, receiveRate: 0 });
});

test('a tunnel has none of the clocks of a request', async () => {
  const { server, client } = await startWithClient({
    headersTimeout: LIMIT,
    bodyTimeout: LIMIT,
    requestTimeout: LIMIT,
    keepAliveTimeout: 1,
    handlerTimeout: LIMIT,
    handler,
    onUpgrade: (_req, socket, head) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
      socket.write(head);
      void (async () => {
        for await (const chunk of socket) socket.write(chunk);
        await socket.end();
      })();
    },
  });
  client.send(get('/', 'Connection: Upgrade', 'Upgrade: x'));
  await client.until('\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, LIMIT * 2));
  expect(await client.send('still here').until('here')).toBe('still here');
  expect(Object.values(server.stats().timeouts)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  client.end();
  await client.closed();
});
