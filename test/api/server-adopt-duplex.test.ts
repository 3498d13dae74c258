import { Duplex, PassThrough } from 'node:stream';

import { connect, serve } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { endsWithItsTest, get, post, start } from '../support/test-server.js';

endsWithItsTest();

/** Two streams, each of which reads what the other writes. */
function pair(): [Duplex, Duplex] {
  const [there, back] = [new PassThrough(), new PassThrough()];
  const end = (readable: PassThrough, writable: PassThrough): Duplex => {
    const stream = Duplex.from({ readable, writable });
    stream.on('error', () => undefined);
    return stream;
  };
  return [end(back, there), end(there, back)];
}

async function all(stream: Duplex): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

test('a request over any Duplex is answered over it', async () => {
  const server = await start({ handler: async (req, res) => res.end(`${req.path} ${await req.text()}`) });
  const [ours, theirs] = pair();
  server.adopt(theirs);
  ours.write(post('/first', 'one'));
  ours.write(get('/last', 'Connection: close'));
  expect(await all(ours)).toMatch(/\/first one[^]*\/last $/);
});

test('a large body over a Duplex waits for a slow reader and arrives whole', async () => {
  const server = await start({ handler: (_req, res) => res.send(Buffer.alloc(4 << 20, 'x')) });
  const [ours, theirs] = pair();
  server.adopt(theirs);
  ours.write(get('/', 'Connection: close'));
  await until(() => server.stats().bytes.sent > 0);
  const text = await all(ours);
  expect(text.length - text.indexOf('\r\n\r\n') - 4).toBe(4 << 20);
});

test('a Duplex that is destroyed aborts its request', async () => {
  let aborted = false;
  const server = await start({
    handler: (req) => new Promise((resolve) => req.signal.addEventListener('abort', () => resolve((aborted = true)))),
  });
  const [ours, theirs] = pair();
  server.adopt(theirs);
  ours.write(get());
  await until(() => server.stats().requests.active === 1);
  theirs.destroy();
  await until(() => aborted);
  ours.destroy();
});

test('a closing server ends its Duplexes, and adopts none', async () => {
  const server = await start({ handler: (_req, res) => res.end() });
  const [ours, theirs] = pair();
  server.adopt(theirs);
  ours.write(get());
  await until(() => server.stats().requests.total === 1);
  const rest = all(ours);
  await server.close({ timeout: 5_000 });
  expect(await rest).toMatch(/^HTTP\/1.1 200 OK/);
  expect(() => server.adopt(pair()[0])).toThrow(expect.objectContaining({ code: 'MILLRACE_SERVER_CLOSED' }));
});

test('a socket over a Duplex speaks with a server over the other end', async () => {
  const server = await serve({ host: '127.0.0.1', port: 0, handler: (_req, res) => res.end('through') });
  const [ours, theirs] = pair();
  server.adopt(theirs);
  const socket = await connect({ over: ours });
  socket.write(get('/', 'Connection: close'));
  let text = '';
  for await (const chunk of socket) text += Buffer.from(chunk).toString();
  expect(text).toMatch(/through$/);
  await socket.close();
  await server.close();
});

test('what is neither a descriptor nor a Duplex is refused', async () => {
  const server = await start({ handler: (_req, res) => res.end() });
  for (const wrong of [-1, 1.5]) expect(() => server.adopt(wrong)).toThrow(RangeError);
  for (const wrong of ['socket', {}, null]) expect(() => server.adopt(wrong as never)).toThrow(TypeError);
});
