import { deferred } from '../support/condition.js';
import { endsWithItsTest, get, request, startWithClient } from '../support/test-server.js';

endsWithItsTest();

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';

test('an upgrade gives the handler the connection and the bytes that came behind the head', async () => {
  const left = deferred<string>();
  const { client } = await startWithClient({
    handler: (_req, res) => res.end(),
    onUpgrade: async (req, socket, head) => {
      left.resolve(`${req.headers.get('upgrade')} ${Buffer.from(head).toString()}`);
      socket.write(SWITCH);
      for await (const chunk of socket) socket.write(chunk);
      await socket.end('bye');
    },
  });
  client.send(`${request('GET', '/', ['Connection: upgrade', 'Upgrade: echo'])}early`);
  expect(await left.promise).toBe('echo early');
  await client.until(SWITCH);
  client.send('hello');
  expect((await client.exactly(5)).toString()).toBe('hello');
  client.end();
  expect((await client.rest()).toString()).toBe('bye');
});

test('without onUpgrade the field is ignored and the request served', async () => {
  const { client } = await startWithClient({ handler: (_req, res) => res.end('plain') });
  client.send(request('GET', '/', ['Connection: upgrade', 'Upgrade: echo']) + get('/'));
  expect((await client.response()).body.toString()).toBe('plain');
  expect((await client.response()).body.toString()).toBe('plain');
});

test('CONNECT gives a tunnel, half-close kept both ways', async () => {
  const { client } = await startWithClient({
    handler: (_req, res) => res.end(),
    onConnect: async (req, socket) => {
      socket.write(`HTTP/1.1 200 ${req.url}\r\n\r\n`);
      await socket.end('first half');
      let got = '';
      for await (const chunk of socket) got += Buffer.from(chunk).toString();
      done.resolve(got);
    },
  });
  const done = deferred<string>();
  client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
  expect(await client.until('\r\n\r\n')).toContain('200 example.com:443');
  await client.until('first half');
  client.send('still open').end();
  expect(await done.promise).toBe('still open');
});

test('CONNECT without onConnect is answered with 405 and Allow', async () => {
  const { client } = await startWithClient({ handler: (_req, res) => res.end() });
  client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
  const { status, headers } = await client.response();
  expect([status, headers.allow?.[0]]).toEqual([405, expect.stringContaining('GET')]);
  await client.closed();
});

test('a tunnel is a Duplex on demand', async () => {
  const { client } = await startWithClient({
    handler: (_req, res) => res.end(),
    onUpgrade: (_req, socket) => {
      socket.write(SWITCH);
      const duplex = socket.asDuplex();
      duplex.pipe(duplex);
    },
  });
  client.send(request('GET', '/', ['Connection: upgrade', 'Upgrade: echo']));
  await client.until(SWITCH);
  const big = Buffer.alloc(1_000_000, 'x');
  client.send(big).end();
  expect((await client.rest()).equals(big)).toBe(true);
});

test('socket.memory says what is held for the connection, and 0 once it has closed', async () => {
  const seen = deferred<number[]>();
  const closed = deferred<number>();
  const { client } = await startWithClient({
    handler: (_req, res) => res.end(),
    onConnect: (_req, socket) => {
      const before = socket.memory;
      socket.on('close', () => closed.resolve(socket.memory)).on('error', () => undefined);
      // More than the system takes for a client that does not read.
      for (let count = 0; count < 16; count++) socket.write(Buffer.alloc(1 << 20));
      const look = (): void => {
        if (socket.memory > 1 << 20) seen.resolve([before, socket.memory]);
        else setImmediate(look);
      };
      look();
    },
  });
  client.socket.pause();
  client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
  const [before, held] = await seen.promise;
  expect(before).toBeLessThan(1 << 16);
  expect(held).toBeLessThanOrEqual(17 << 20);
  client.reset();
  expect(await closed.promise).toBe(0);
});

test('a client that resets ends the tunnel with an error for its reader', async () => {
  const failed = deferred<unknown>();
  const { client } = await startWithClient({
    handler: (_req, res) => res.end(),
    onUpgrade: async (_req, socket) => {
      socket.write(SWITCH);
      try {
        for await (const chunk of socket) void chunk;
      } catch (error) {
        failed.resolve((error as { code: string }).code);
      }
    },
  });
  client.send(request('GET', '/', ['Connection: upgrade', 'Upgrade: echo']));
  await client.until(SWITCH);
  client.reset();
  expect(await failed.promise).toMatch(/^MILLRACE_CONNECTION_(RESET|CLOSED)$/);
});
