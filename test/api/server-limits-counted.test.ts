import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { MillraceError, ServeOptions, ServerRequest } from '../../ts/index.js';
import { metrics, setLogger } from '../../ts/index.js';
import type { Place } from '../support/raw-client.js';
import { RawClient } from '../support/raw-client.js';
import { chunked, endsWithItsTest, get, post, request, start, startWithClient } from '../support/test-server.js';

endsWithItsTest();
beforeAll(() => setLogger(null));

const counters = (): Record<string, number> => metrics.snapshot().counters;
const counted = (option: string): number => counters()[`millrace_limit_exceeded_total{option="${option}"}`];
const CHUNKED = request('POST', '/', ['Transfer-Encoding: chunked']);
const x = (size: number): string => 'x'.repeat(size);

/** How a handler takes a body. */
const READERS: Record<string, (req: ServerRequest) => Promise<unknown>> = {
  'collected by bytes()': (req) => req.bytes(),
  'collected by text()': (req) => req.text(),
  'iterated over': async (req) => {
    for await (const chunk of req) void chunk;
  },
  'read as a Node stream': (req) => req.readable().toArray(),
  'left unread': () => Promise.resolve(),
  'read as a web stream': (req) => new globalThis.Response(req.stream()).arrayBuffer(),
};

interface Row {
  /** The label of the counter, and the option unless it has none. */
  counter: string;
  options: Partial<ServeOptions>;
  /** A request at so many of what the limit counts. */
  of(size: number): string;
  limit: number;
  status: number;
  /** What the handler that reads the body is told; absent where no handler runs. */
  code?: string;
  reader?: keyof typeof READERS;
}

const ROWS: [string, Row][] = [
  [
    'maxUrlSize',
    { counter: 'maxUrlSize', options: { maxUrlSize: 30 }, of: (n) => get('/'.padEnd(n, 'x')), limit: 30, status: 414 },
  ],
  [
    'maxUrlSize, the default of 16 KiB',
    { counter: 'maxUrlSize', options: {}, of: (n) => get('/'.padEnd(n, 'x')), limit: 16_384, status: 414 },
  ],
  [
    'maxHeaderSize',
    // Host: a counts 4 + 1 + 4; X counts 1 + n + 4.
    {
      counter: 'maxHeaderSize',
      options: { maxHeaderSize: 100 },
      of: (n) => get('/', `X: ${x(n - 14)}`),
      limit: 100,
      status: 431,
    },
  ],
  [
    'maxHeaderSize, the default of 64 KiB',
    { counter: 'maxHeaderSize', options: {}, of: (n) => get('/', `X: ${x(n - 14)}`), limit: 65_536, status: 431 },
  ],
  [
    'maxHeaderFields',
    {
      counter: 'maxHeaderFields',
      options: { maxHeaderFields: 4 },
      of: (n) => get('/', ...Array<string>(n - 1).fill('X: v')),
      limit: 4,
      status: 431,
    },
  ],
  [
    'maxHeaderFields, the default of 128',
    {
      counter: 'maxHeaderFields',
      options: {},
      of: (n) => get('/', ...Array<string>(n - 1).fill('X: v')),
      limit: 128,
      status: 431,
    },
  ],
  [
    'maxBodySize of a declared body, before the handler',
    { counter: 'maxBodySize', options: { maxBodySize: 10 }, of: (n) => post('/', x(n)), limit: 10, status: 413 },
  ],
  ...Object.keys(READERS).map((reader): [string, Row] => [
    `maxBodySize of a chunked body that is ${reader}`,
    {
      counter: 'maxBodySize',
      options: { maxBodySize: 10 },
      of: (n) => CHUNKED + chunked([x(7), x(n - 7)]),
      limit: 10,
      status: 413,
      ...(reader === 'left unread' ? {} : { code: 'MILLRACE_HTTP_BODY_TOO_LARGE' }),
      reader,
    },
  ]),
  ...['collected by bytes()', 'collected by text()'].flatMap((reader) =>
    [false, true].map((inChunks): [string, Row] => [
      `maxCollectedSize of a ${inChunks ? 'chunked' : 'declared'} body that is ${reader}`,
      {
        counter: 'maxCollectedSize',
        options: { maxCollectedSize: 10 },
        of: (n) => (inChunks ? CHUNKED + chunked([x(n)]) : post('/', x(n))),
        limit: 10,
        status: 413,
        code: 'MILLRACE_COLLECTED_TOO_LARGE',
        reader,
      },
    ]),
  ),
  [
    'maxCollectedSize, the default of 10 MiB',
    {
      counter: 'maxCollectedSize',
      options: {},
      of: (n) => post('/', x(n)),
      limit: 10 * 1024 * 1024,
      status: 413,
      code: 'MILLRACE_COLLECTED_TOO_LARGE',
    },
  ],
  [
    'the 4 KiB of chunk extensions',
    {
      counter: 'chunkExtensions',
      options: {},
      of: (n) => `${CHUNKED}1;${x(n - 1)}\r\ny\r\n0\r\n\r\n`,
      limit: 4_096,
      status: 400,
      code: 'MILLRACE_HTTP_CHUNK_EXTENSIONS_TOO_LARGE',
    },
  ],
  [
    'the 16 KiB of trailers',
    {
      counter: 'trailers',
      options: {},
      of: (n) => CHUNKED + chunked(['body'], `X: ${x(n - 5)}\r\n`),
      limit: 16_384,
      status: 431,
      code: 'MILLRACE_HTTP_TRAILERS_TOO_LARGE',
    },
  ],
];

/** Counters of limits that are not of one request's bytes: where they are seen to move. */
const ELSEWHERE: Record<string, string> = {
  maxConnections: 'below',
  maxConnectionsPerIp: 'server-gate.test.ts',
  deny: 'below',
  rateLimits: 'below',
  maxMemory: 'server-memory.test.ts',
  reputation: 'server-reputation.test.ts',
};

/** A server, on a Unix socket where asked, that reads each body and answers 200; errors of limits answer for themselves. */
async function limited({ options, reader = 'collected by bytes()' }: Row, overUnix: boolean) {
  const errors: MillraceError[] = [];
  const place = overUnix ? { path: join(tmpdir(), `millrace-limits-${process.pid}.sock`) } : {};
  const server = await start({
    ...options,
    ...place,
    async handler(req: ServerRequest, res: { end(): unknown }) {
      try {
        await READERS[reader](req);
      } catch (error) {
        errors.push(error as MillraceError);
        throw error;
      }
      res.end();
    },
    // The status of the error's own limit.
    onError: () => undefined,
  } as ServeOptions);
  const connect = (): Promise<RawClient> => RawClient.connect(overUnix ? (place as Place) : server);
  return { server, errors, connect };
}

describe.each(['TCP', 'a Unix socket'])('over %s', (way) => {
  test.each(ROWS)('%s: at it a request passes, one past it is refused, told and counted', async (_name, row) => {
    const { server, errors, connect } = await limited(row, way !== 'TCP');
    const before = counted(row.counter);
    const at = await connect();
    expect((await at.send(row.of(row.limit)).response()).status).toBe(200);
    expect([counted(row.counter) - before, server.stats().requests.errors]).toEqual([0, 0]);
    const past = await connect();
    expect((await past.send(row.of(row.limit + 1)).response()).status).toBe(row.status);
    expect(counted(row.counter) - before).toBe(1);
    // A limit that was passed is the client's fault, also where a handler passes its error on.
    expect(server.stats().requests).toMatchObject({ errors: 1, failed: 0 });
    expect(errors.map(({ code }) => code)).toEqual(row.code === undefined ? [] : [row.code]);
    for (const { kind, limit } of errors) {
      expect(kind).toBe('limit');
      expect(limit).toMatchObject({ value: row.limit });
      expect(limit?.seen).toBeGreaterThan(row.limit);
      if (row.counter in row.options) expect(limit?.option).toBe(row.counter);
    }
  });
});

test('maxConnections, deny and rateLimits are counted as limits as well', async () => {
  const names = ['maxConnections', 'deny', 'rateLimits'];
  const before = names.map(counted);
  const handler: ServeOptions['handler'] = (_req, res) => void res.end();
  const full = await start({ maxConnections: 1, handler });
  const held = await RawClient.connect(full);
  expect((await held.send(get()).response()).status).toBe(200);
  expect((await (await RawClient.connect(full)).response()).status).toBe(503);
  const closed = await start({ deny: ['127.0.0.1'], handler });
  expect((await (await RawClient.connect(closed)).response()).status).toBe(403);
  const slow = await start({ rateLimits: [{ requests: 1, interval: 60_000 }], handler });
  const client = await RawClient.connect(slow);
  expect((await client.send(get()).response()).status).toBe(200);
  expect((await client.send(get()).response()).status).toBe(429);
  expect(names.map((name, place) => counted(name) - before[place])).toEqual([1, 1, 1]);
});

test('every counter of a limit has a test in which it moves', () => {
  const labels = Object.keys(counters()).flatMap((name) => /^millrace_limit_.*option="(\w+)"/.exec(name)?.[1] ?? []);
  const shown = new Set([...ROWS.map(([, { counter }]) => counter), ...Object.keys(ELSEWHERE)]);
  expect(labels.filter((label) => !shown.has(label))).toEqual([]);
  expect([...shown].filter((label) => !labels.includes(label))).toEqual([]);
});

test('maxPipelined, the default of 32: so many requests are under way, the next waits for an answer', async () => {
  const open: { end(): unknown }[] = [];
  const server = await start({ handler: (_req, res) => void open.push(res) });
  const client = await RawClient.connect(server);
  client.send(get().repeat(33));
  const answer = async (): Promise<number> => (await client.response()).status;
  while (open.length < 32) await new Promise((resolve) => setImmediate(resolve));
  expect(server.stats().requests).toMatchObject({ active: 32, total: 32 });
  open[0].end();
  expect(await answer()).toBe(200);
  while (open.length < 33) await new Promise((resolve) => setImmediate(resolve));
  for (const res of open.slice(1)) res.end();
  for (let place = 1; place < 33; place++) expect(await answer()).toBe(200);
});

test('two empty lines before a request are passed over, a third gets 400', async () => {
  const server = await start({ handler: (_req, res) => void res.end() });
  const at = (lines: number) => RawClient.connect(server).then((client) => client.send('\r\n'.repeat(lines) + get()));
  expect((await (await at(2)).response()).status).toBe(200);
  expect((await (await at(3)).response()).status).toBe(400);
});

// SPEC §3: 400, 408, 413, 414, 417, 431, 501, 503 or 505 with `Connection: close`, never a silent close.
test.each([
  [400, 'GET / HTTP/1.1\r\n\r\n', {}],
  [408, 'GET / HTTP/1.1\r\nHost:', { headersTimeout: 150 }],
  [413, request('POST', '/', ['Content-Length: 11']), { maxBodySize: 10 }],
  [414, get('/'.padEnd(11, 'x')), { maxUrlSize: 10 }],
  [417, get('/', 'Expect: more'), {}],
  [431, get('/', 'A: b'), { maxHeaderFields: 1 }],
  [501, request('POST', '/', ['Transfer-Encoding: gzip, chunked']), {}],
  [505, 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', {}],
] as const)('bad input gets %d with Connection: close, and then the end', async (status, bytes, options) => {
  const server = await start({ ...options, handler: (_req, res) => void res.end() });
  const client = await RawClient.connect(server);
  const answer = await client.send(bytes).response();
  expect([answer.status, answer.headers.connection]).toEqual([status, ['close']]);
  await client.closed();
  expect(client.error).toBeUndefined();
});

test('a connection too many gets 503 with Connection: close, and then the end', async () => {
  const { server, client: first } = await startWithClient({
    maxConnections: 1,
    handler: (_req, res) => void res.end(),
  });
  expect((await first.send(get()).response()).status).toBe(200);
  const client = await RawClient.connect(server);
  const answer = await client.response();
  expect([answer.status, answer.headers.connection]).toEqual([503, ['close']]);
  await client.closed();
  expect(client.error).toBeUndefined();
});
