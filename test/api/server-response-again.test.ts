import type { ServerRequest, ServerResponse } from '../../ts/index.js';
import { Response } from '../../ts/index.js';
import { native } from '../../ts/native/loader.js';
import { endsWithItsTest, get, request, startWithClient } from '../support/test-server.js';

endsWithItsTest();

/** A head as it stood on the wire, without its Date. */
const withoutDate = (head: string): string => head.replace(/^Date: [A-Z][a-z]{2}, [^\r\n]* GMT\r?\n/m, '');

/** Answers that use one field with two values in turns of three: each value is said anew, again, and from memory. */
function turns(_req: ServerRequest, res: ServerResponse): void {
  const turn = Math.floor(count++ / 3) % 2;
  res.setHeader('X-Turn', turn === 0 ? 'one' : 'two');
  if (count % 4 === 0) res.statusCode = 404;
  if (count % 5 === 0) res.setHeader('X-Other', 'x');
  if (count % 7 === 0) res.statusMessage = 'Fine';
  res.end('x'.repeat(count));
}
let count = 0;

test('a head that is sent again is the one that it would be, whatever was sent between', async () => {
  count = 0;
  const { client } = await startWithClient({ handler: turns });
  for (let n = 1; n <= 40; n++) {
    client.send(get());
    const { head, body } = await client.response();
    const status = n % 4 === 0 ? 404 : 200;
    const reason = n % 7 === 0 ? 'Fine' : status === 200 ? 'OK' : 'Not Found';
    expect(head).toMatch(/^Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r?$/m);
    expect(withoutDate(head).trim().split(/\r?\n/)).toEqual([
      `HTTP/1.1 ${status} ${reason}`,
      `X-Turn: ${Math.floor((n - 1) / 3) % 2 === 0 ? 'one' : 'two'}`,
      ...(n % 5 === 0 ? ['X-Other: x'] : []),
      'Connection: keep-alive',
      'Keep-Alive: timeout=65',
      `Content-Length: ${n}`,
    ]);
    expect(body.length).toBe(n);
  }
});

test('what a request asks for holds behind heads from memory: HEAD, HTTP/1.0, close', async () => {
  const { client } = await startWithClient({
    handler: (_req, res) => {
      res.setHeader('X-Again', 'yes');
      res.end('body');
    },
  });
  for (let n = 0; n < 4; n++) {
    client.send(get());
    expect((await client.response()).body.toString()).toBe('body');
    client.send(request('HEAD', '/'));
    const { headers } = await client.response('HEAD');
    expect([headers['x-again'], headers['content-length']]).toEqual([['yes'], ['4']]);
  }
  client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  expect((await client.response()).headers.connection).toEqual(['keep-alive']);
  client.send(get('/', 'Connection: close'));
  const last = await client.response();
  expect([last.headers.connection, last.headers['keep-alive']]).toEqual([['close'], undefined]);
  await client.closed();
});

test('a Response of the fetch form with one constant field is remembered like a handler’s', async () => {
  const { client } = await startWithClient({
    fetch: (req) =>
      req.url.endsWith('/text')
        ? new Response('text')
        : new Response('html', { status: 201, headers: { 'content-type': 'text/html' } }),
  });
  for (let n = 0; n < 4; n++) {
    client.send(get('/'));
    const html = await client.response();
    expect([html.status, html.headers['content-type'], html.body.toString()]).toEqual([201, ['text/html'], 'html']);
    client.send(get('/text'));
    const text = await client.response();
    expect([text.status, text.headers['content-type']]).toEqual([200, ['text/plain;charset=UTF-8']]);
  }
});

test('the core remembers valid heads alone, each once, and not without end', () => {
  const number = native.rememberHead('x-once\0v\0');
  expect(number).toBeGreaterThan(0);
  expect(native.rememberHead('x-once\0v\0')).toBe(number);
  for (const bad of ['x\0v', 'x y\0v\0', 'x\0v\r\ny: z\0', `x\0${'v'.repeat(1024)}\0`]) {
    expect(native.rememberHead(bad)).toBe(-1);
  }
  const numbers = Array.from({ length: 300 }, (_, n) => native.rememberHead(`x-${n}\0v\0`));
  expect(numbers.at(-1)).toBe(-1);
  expect(Math.max(...numbers)).toBeLessThan(256);
});
