import type { MillraceError, ServerRequest } from '../../ts/index.js';
import { deferred, until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { chunked, endsWithItsTest, get, request, startWithClient } from '../support/test-server.js';

endsWithItsTest();

const CHUNKED = ['Transfer-Encoding: chunked'];

test('interim responses go ahead of the final one: 102, 103, then 200', async () => {
  const { server, client } = await startWithClient({
    handler(_req, res) {
      res.writeProcessing();
      res.writeEarlyHints({ Link: '</a.css>; rel=preload' });
      res.end('done');
    },
  });
  client.send(get());
  const answers = [await client.response(), await client.response(), await client.response()];
  expect(answers.map(({ status, reason }) => [status, reason])).toEqual([
    [102, 'Processing'],
    [103, 'Early Hints'],
    [200, 'OK'],
  ]);
  expect(answers[0].headers).toEqual({});
  expect(answers[2].body.toString()).toBe('done');
  expect(server.stats().responses).toMatchObject({ '1xx': 2, '2xx': 1 });
});

test('an HTTP/1.0 client gets no interim response', async () => {
  const { client } = await startWithClient({
    handler(_req, res) {
      res.writeProcessing();
      res.end('done');
    },
  });
  expect((await client.send('GET / HTTP/1.0\r\n\r\n').response()).status).toBe(200);
});

test('an interim response after the final head is misuse', async () => {
  const codes: string[] = [];
  const { client } = await startWithClient({
    handler(_req, res) {
      const attempt = (call: () => void): void => {
        try {
          call();
        } catch (error) {
          codes.push((error as MillraceError).code);
        }
      };
      res.flushHeaders();
      attempt(() => res.writeProcessing());
      attempt(() => res.writeContinue());
      res.end();
      attempt(() => res.writeEarlyHints({}));
    },
  });
  await client.send(get()).response();
  expect(codes).toEqual(Array(3).fill('MILLRACE_HTTP_HEADERS_SENT'));
});

test('trailers come and go', async () => {
  const { client } = await startWithClient({
    async handler(req, res) {
      await req.bytes();
      res.write('body');
      res.addTrailers({ 'X-Sum': req.trailers?.get('x-sum') ?? 'none' });
      res.end();
    },
  });
  client.send(request('POST', '/', CHUNKED) + chunked(['abc'], 'X-Sum: 3\r\n'));
  expect((await client.response()).trailers).toBe('X-Sum: 3\r\n');
});

test('exchanges are full duplex: a response begins before the request has ended, trailers and 1xx both ways', async () => {
  const { server, client } = await startWithClient({
    async handler(req, res) {
      res.writeProcessing();
      res.writeEarlyHints({ Link: '</a.css>' });
      for await (const chunk of req) res.write(Buffer.from(chunk).toString().toUpperCase());
      res.addTrailers({ 'X-Sum': `${req.trailers?.get('x-sum')} of ${String(req.complete)}` });
      res.end();
    },
  });
  client.send(request('POST', '/', [...CHUNKED, 'Expect: 100-continue']));
  const interim = [await client.response(), await client.response(), await client.response()];
  expect(interim.map(({ status }) => status)).toEqual([102, 103, 100]);
  // Each piece comes back before the next is sent: neither side waits for the other's end.
  for (const piece of ['one', 'two', 'three']) {
    client.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    await client.until(`${piece.toUpperCase()}\r\n`);
    expect(server.stats().requests.active).toBe(1);
  }
  client.send('0\r\nX-Sum: 3\r\n\r\n');
  expect(await client.until('\r\n\r\n')).toBe('0\r\nX-Sum: 3 of true\r\n\r\n');
});

test('a response that has ended before its request lets the client go on, and the next request is served', async () => {
  const { client } = await startWithClient({ handler: (req, res) => res.end(req.path) });
  client.send(request('POST', '/early', ['Content-Length: 8']) + 'half');
  expect((await client.response()).body.toString()).toBe('/early');
  client.send(`rest${get('/next')}`);
  expect((await client.response()).body.toString()).toBe('/next');
});

test('the signal is made when it is first read, and then tells what has happened before', async () => {
  const kept: ServerRequest[] = [];
  const { server, client } = await startWithClient({
    handler(req) {
      kept.push(req);
      // One that was read, and one that nobody has asked for.
      if (req.path === '/read') expect(req.signal).toBe(req.signal);
    },
  });
  client.send(get('/read') + get('/unread'));
  await until(() => kept.length === 2);
  const made = (req: ServerRequest): boolean => Object.values(req).some((value) => value instanceof AbortController);
  expect(kept.map(made)).toEqual([true, false]);
  client.reset();
  await until(() => server.stats().requests.active === 0);
  expect(kept.map(made)).toEqual([true, false]);
  expect(kept.map(({ signal }) => (signal.aborted ? (signal.reason as MillraceError).code : 'live'))).toEqual(
    Array(2).fill('MILLRACE_CONNECTION_RESET'),
  );
});

test('a FIN behind a complete request aborts its signal, and the response is still written', async () => {
  const came = deferred();
  const left = deferred<MillraceError>();
  const { client } = await startWithClient({
    async handler(req, res) {
      req.signal.addEventListener('abort', () => left.resolve(req.signal.reason as MillraceError));
      came.resolve();
      await left.promise;
      res.end('all the same');
    },
  });
  client.send(get());
  await came.promise;
  client.end();
  expect((await client.response()).body.toString()).toBe('all the same');
  expect((await left.promise).code).toBe('MILLRACE_CONNECTION_CLOSED');
  await client.closed();
});

test('half a request line, then silence: 408 and the end; nothing at all: only the end', async () => {
  const { server, client } = await startWithClient({ headersTimeout: 150, handler: (_req, res) => res.end() });
  const silent = await RawClient.connect(server);
  client.send('GET /ha');
  expect((await client.rest()).toString('latin1')).toMatch(/^HTTP\/1\.1 408 [^]*connection: close/i);
  expect((await silent.rest()).length).toBe(0);
  expect(server.stats().timeouts.headers).toBe(2);
});
