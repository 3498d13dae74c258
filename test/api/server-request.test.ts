import type { ServerRequest } from '../../ts/index.js';
import { setLogger } from '../../ts/index.js';
import { deferred, until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { chunked, endsWithItsTest, get, post, request, start, startWithClient } from '../support/test-server.js';

endsWithItsTest();
beforeAll(() => setLogger(null));
afterAll(() => setLogger(null));

/** What a handler makes of a request, as JSON over the wire. */
async function seen(read: (req: ServerRequest) => unknown, ask: string): Promise<unknown> {
  const { client } = await startWithClient({
    onConnect: undefined,
    handler: async (req, res) => {
      const value = await read(req);
      res.end(JSON.stringify(value ?? null));
    },
  });
  client.send(ask);
  const { status, body } = await client.response();
  expect(status).toBe(200);
  return JSON.parse(body.toString());
}

const FIELDS = [
  'X-Tag: one',
  'Accept: a',
  'x-tag: two',
  'ACCEPT: b',
  'Cookie: a=1',
  'Cookie: b=2',
  'X-Empty:',
  'X-L: \xfc',
];

test('fields are found whatever their case, lists are joined, and cookies with semicolons', async () => {
  const found = await seen(
    ({ headers }) => {
      const names = ['x-TAG', 'accept', 'cookie', 'x-empty', 'x-l', 'none'];
      return names.map((name) => [headers.get(name) ?? null, headers.getAll(name), headers.has(name)]);
    },
    get('/', ...FIELDS),
  );
  expect(found).toEqual([
    ['one, two', ['one', 'two'], true],
    ['a, b', ['a', 'b'], true],
    ['a=1; b=2', ['a=1', 'b=2'], true],
    ['', [''], true],
    ['ü', ['ü'], true],
    [null, [], false],
  ]);
});

test('raw is every name and value in order and case, and so is the iteration', async () => {
  const wanted = ['Host: a', ...FIELDS].map((line) => line.split(/: ?/) as [string, string]);
  const found = await seen(({ headers }) => [headers.raw, [...headers]], get('/', ...FIELDS));
  expect(found).toEqual([wanted.flat(), wanted]);
});

test('toObject has names in lower case and no prototype that a field could reach', async () => {
  const found = await seen(
    ({ headers }) => {
      const object = headers.toObject();
      return [object, Object.getPrototypeOf(object) as unknown, headers.has('constructor')];
    },
    get('/', 'X-A: 1', 'x-a: 2', '__proto__: evil', 'Set-Cookie: a', 'Set-Cookie: b'),
  );
  const object = { host: 'a', 'x-a': '1, 2', ['__proto__']: 'evil', 'set-cookie': ['a', 'b'] };
  expect(JSON.stringify(found)).toBe(JSON.stringify([object, null, false]));
});

test('copy() is the value; undefined for none', async () => {
  const found = await seen(
    ({ headers }) => [headers.copy('x-tag'), headers.copy('X-L'), headers.copy('none') ?? null],
    get('/', ...FIELDS),
  );
  expect(found).toEqual(['one, two', 'ü', null]);
});

test('fields can be read after the exchange is over', async () => {
  const kept: ServerRequest[] = [];
  const { client } = await startWithClient({ handler: (req, res) => (kept.push(req), res.end()) });
  client.send(get('/x?y', 'A: b'));
  await client.response();
  client.send(get('/z', 'A: c'));
  await client.response();
  expect(kept.map((req) => [req.method, req.url, req.headers.get('a')])).toEqual([
    ['GET', '/x?y', 'b'],
    ['GET', '/z', 'c'],
  ]);
});

test.each([
  ['/', '/', ''],
  ['/a/b', '/a/b', ''],
  ['/a?b=1&c', '/a', 'b=1&c'],
  ['/?', '/', ''],
  ['/a?b?c', '/a', 'b?c'],
  ['/a%2Fb?%20', '/a%2Fb', '%20'],
  ['//evil/a?b', '//evil/a', 'b'],
  ['http://host/a?b', '/a', 'b'],
  ['http://host', '/', ''],
  ['http://host?b', '/', 'b'],
  ['http://host?b=/c', '/', 'b=/c'],
  ['http://host/?b=http://c/d', '/', 'b=http://c/d'],
  ['HTTPS://host:1/a', '/a', ''],
])('the target %s: path %s, query %j', async (target, path, query) => {
  const ask = `GET ${target} HTTP/1.1\r\nHost: host\r\n\r\n`;
  expect(await seen((req) => [req.url, req.path, req.query], ask)).toEqual([target, path, query]);
});

test('method and url are the request’s, as they came', async () => {
  const { client } = await startWithClient({ handler: (req, res) => res.end(`${req.method} ${req.url}`) });
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'M-SEARCH'];
  for (const method of methods) {
    const { body } = await client.send(request(method, '/A/%2e?b=%20')).response();
    expect(body.toString()).toBe(`${method} /A/%2e?b=%20`);
  }
});

test('OPTIONS * reaches the handler as it came, and other methods may not ask for it', async () => {
  expect(await seen((req) => [req.method, req.url, req.path, req.query], request('OPTIONS', '*'))).toEqual([
    'OPTIONS',
    '*',
    '*',
    '',
  ]);
  const { client } = await startWithClient({ handler: (_req, res) => res.end() });
  client.send(request('GET', '*'));
  expect((await client.response()).status).toBe(400);
});

test('OPTIONS * as the web standard’s Request has a URL', async () => {
  const { client } = await startWithClient({ fetch: (req) => new Response(`${req.method} ${new URL(req.url).host}`) });
  client.send(request('OPTIONS', '*'));
  const { status, body } = await client.response();
  expect([status, body.toString()]).toEqual([200, 'OPTIONS a']);
});

test('remoteAddress and remotePort are the client’s socket', async () => {
  const { client, server } = await startWithClient({
    handler: (req, res) => res.end(`${req.remoteAddress} ${req.remotePort} ${req.tls !== null}`),
  });
  client.send(get());
  const isSecure = server.url.startsWith('https:');
  expect((await client.response()).body.toString()).toBe(`127.0.0.1 ${client.socket.localPort} ${isSecure}`);
});

test('httpVersion is the request’s', async () => {
  expect(await seen((req) => req.httpVersion, get())).toBe('1.1');
  const { client } = await startWithClient({ handler: (req, res) => res.end(req.httpVersion) });
  client.send('GET / HTTP/1.0\r\n\r\n');
  expect((await client.response()).body.toString()).toBe('1.0');
});

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const list: Uint8Array[] = [];
  for await (const chunk of chunks) list.push(chunk);
  return list;
}

// Every way to read a body, and what it makes of `[1, "ü"]`.
const JSON_BODY = Buffer.from('[1,"ü"]').toString('latin1');
const READS: [string, (req: ServerRequest) => Promise<unknown>, unknown][] = [
  ['text', (req) => req.text(), '[1,"ü"]'],
  ['json', (req) => req.json(), [1, 'ü']],
  ['bytes', async (req) => Buffer.from(await req.bytes()).toString(), '[1,"ü"]'],
  ['arrayBuffer', async (req) => Buffer.from(await req.arrayBuffer()).toString(), '[1,"ü"]'],
  ['blob', async (req) => ((blob) => [blob.size, blob.type])(await req.blob()), [8, 'text/x']],
  ['readable', async (req) => Buffer.concat(await req.readable().toArray()).toString(), '[1,"ü"]'],
  ['stream', (req) => new globalThis.Response(req.stream()).text(), '[1,"ü"]'],
  ['an iteration', async (req) => Buffer.concat(await all(req)).toString(), '[1,"ü"]'],
  ['dump', (req) => req.dump(), null],
];

test.each(READS)('%s reads a body with a length, and a chunked one', async (_name, read, wanted) => {
  const type = 'Content-Type: text/x';
  expect(await seen(read, post('/', JSON_BODY, type))).toEqual(wanted);
  const parts = [JSON_BODY.slice(0, 5), JSON_BODY.slice(5)];
  expect(await seen(read, request('POST', '/', [type, 'Transfer-Encoding: chunked']) + chunked(parts))).toEqual(wanted);
});

test.each(READS.slice(0, -1))('%s of a request without a body is empty', async (name, read) => {
  const { client } = await startWithClient({
    handler: async (req, res) => {
      const value = await read(req).catch((error: Error) => error.name);
      res.end(JSON.stringify([value, req.complete, req.used]));
    },
  });
  client.send(get());
  const empty = { json: 'SyntaxError', blob: [0, ''] }[name] ?? '';
  expect(JSON.parse((await client.response()).body.toString())).toEqual([empty, true, true]);
});

const TWICE = READS.flatMap(([first, once]) => READS.map(([second, again]) => [first, second, once, again] as const));

test.each(TWICE)('%s and then %s is a coded misuse', async (_first, _second, once, again) => {
  const errors: unknown[] = [];
  const { client } = await startWithClient({
    handler: async (req, res) => {
      await once(req);
      try {
        await again(req);
      } catch (error) {
        errors.push(error);
      }
      res.end();
    },
  });
  client.send(post('/', '"body"'));
  await client.response();
  expect(errors).toEqual([expect.objectContaining({ code: 'MILLRACE_HTTP_BODY_USED', kind: 'misuse' })]);
});

test('used and complete say what has become of the body', async () => {
  const go = deferred();
  const states: unknown[] = [];
  const { client } = await startWithClient({
    handler: async (req, res) => {
      states.push([req.used, req.complete, req.trailers]);
      const text = req.text();
      states.push([req.used, req.complete]);
      go.resolve();
      await text;
      states.push([req.used, req.complete]);
      res.end();
    },
  });
  client.send(request('POST', '/', ['Content-Length: 2']) + 'a');
  await go.promise;
  client.send('b');
  await client.response();
  expect(states).toEqual([
    [false, false, null],
    [true, false],
    [true, true],
  ]);
});

test('who has the body knows that it is complete, and its trailers, also where handlers are slow', async () => {
  const go = deferred();
  const { client } = await startWithClient({
    handler: async (req, res) => {
      // From now on one event goes into each scope: the end of a body comes in one after its bytes.
      const until = performance.now() + 40;
      while (performance.now() < until);
      const text = req.text();
      go.resolve();
      res.end(`${await text} ${String(req.complete)} ${req.trailers?.get('x') ?? ''}`);
    },
  });
  client.send(request('POST', '/', ['Transfer-Encoding: chunked', 'Trailer: X']));
  await go.promise;
  client.send(chunked(['body'], 'X: y\r\n'));
  expect((await client.response()).body.toString()).toBe('body true y');
});

test('trailers are there once the body has ended, as fields are, with TE or without', async () => {
  const ask = request('POST', '/', ['Transfer-Encoding: chunked', 'Trailer: X-Sum']);
  const found = await seen(
    async (req) => {
      const before = req.trailers;
      const body = await req.text();
      return [before, body, req.trailers?.raw, req.trailers?.get('x-SUM'), req.headers.has('x-sum')];
    },
    ask + chunked(['body'], 'X-Sum: 1\r\nx-sum: 2\r\n'),
  );
  expect(found).toEqual([null, 'body', ['X-Sum', '1', 'x-sum', '2'], '1, 2', false]);
});

test('a body without trailers has none', async () => {
  const ask = request('POST', '/', ['Transfer-Encoding: chunked']) + chunked(['body']);
  expect(await seen(async (req) => (await req.text(), req.trailers), ask)).toBeNull();
});

test('an iteration that is left early lets the connection go on, its body drained', async () => {
  const { client } = await startWithClient({
    handler: async (req, res) => {
      if (req.method === 'GET') return res.end('next');
      for await (const chunk of req) return res.end(String(chunk.byteLength > 0));
    },
  });
  client.send(post('/', 'x'.repeat(20_000)) + get());
  expect((await client.response()).body.toString()).toBe('true');
  expect((await client.response()).body.toString()).toBe('next');
});

test('a client that goes in the middle of a body fails whoever reads, with a code, and aborts the signal', async () => {
  const told: unknown[] = [];
  const begun = deferred();
  const server = await start({
    handler: async (req) => {
      begun.resolve();
      await req.text().catch((error: unknown) => told.push(error));
      told.push(req.signal.aborted, req.complete);
    },
  });
  const client = await RawClient.connect(server);
  client.send(request('POST', '/', ['Content-Length: 10']) + 'half');
  await begun.promise;
  client.reset();
  await until(() => told.length === 3);
  expect(told).toEqual([expect.objectContaining({ kind: 'closed', category: 'network' }), true, false]);
});
