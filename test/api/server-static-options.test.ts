// The options, the place in a chain, and how a body leaves.
import fs from 'node:fs';
import { readFileSync, truncateSync, appendFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ServerRequest, ServerResponse, StaticOptions } from '../../ts/index.js';
import { serveStatic, setLogger } from '../../ts/index.js';
import { STATIC_OPTIONS } from '../../ts/server/static/options.js';
import { turns, until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { ask, field, servesASite, site } from '../support/static-site.js';
import { endsWithItsTest, get, request, start } from '../support/test-server.js';

endsWithItsTest();
servesASite();

describe('options', () => {
  test('prefix: only what is below it is answered, and redirects stay below it', async () => {
    const options = { prefix: '/assets/' };
    expect((await ask(options, get('/assets/a.txt'))).body.toString()).toBe('plain');
    expect((await ask(options, get('/a.txt'))).status).toBe(404);
    expect((await ask(options, get('/assetsa.txt'))).status).toBe(404);
    expect((await ask(options, get('/assets/../a.txt'))).status).toBe(404);
    expect(field(await ask(options, get('/assets/sub')), 'location')).toBe('/assets/sub/');
    expect(field(await ask(options, get('/assets')), 'location')).toBe('/assets/');
  });

  test('index: the first that is there; none when there are none', async () => {
    expect((await ask({ index: ['no.html', 'b.txt'] }, get('/sub/'))).body.toString()).toBe('below');
    expect((await ask({ index: [] }, get('/sub/'))).status).toBe(404);
  });

  test('extensions are tried where a path has no file', async () => {
    expect((await ask({ extensions: ['htm', 'html'] }, get('/page'))).body.toString()).toBe('<p>page');
    expect((await ask({ extensions: ['html'] }, get('/page/'))).status).toBe(404);
    expect((await ask({}, get('/page'))).status).toBe(404);
  });

  test.each([
    [{}, 'public, max-age=0'],
    [{ maxAge: 31_536_000, immutable: true }, 'public, max-age=31536000, immutable'],
    [{ maxAge: 60 }, 'public, max-age=60'],
    [{ maxAge: null }, undefined],
  ])('%j makes Cache-Control %p', async (options, value) => {
    expect(field(await ask(options, get('/a.txt')), 'cache-control')).toBe(value);
  });

  test('setHeaders is called for what is sent, and for a 304', async () => {
    const options: StaticOptions = {
      setHeaders: (res, path, stats) => {
        res.setHeader('X-File', `${path.slice(site.root.length)} ${stats.size}`);
        res.setHeader('Content-Type', 'text/x-own');
      },
    };
    const response = await ask(options, get('/a.txt'));
    expect([field(response, 'x-file'), field(response, 'content-type')]).toEqual(['/a.txt 5', 'text/x-own']);
    const same = await ask(options, get('/a.txt', `If-None-Match: ${field(response, 'etag')}`));
    expect([same.status, field(same, 'x-file')]).toEqual([304, '/a.txt 5']);
  });

  test('onFolder lists what can be asked for and nothing else', async () => {
    const names: string[] = [];
    const options: StaticOptions = {
      async onFolder(_req, res, folder) {
        expect(folder.path).toBe(site.root);
        for await (const entry of folder.entries()) names.push(entry.name);
        res.end('listed');
      },
    };
    expect((await ask(options, get('/'))).body.toString()).toBe('listed');
    expect(names).toEqual(expect.arrayContaining(['a.txt', 'sub', 'inside.txt', 'sub-link', '%2e%2e']));
    for (const hidden of ['.env', '.git', 'out.txt', 'chain', 'up', 'to-dot', 'loop', 'fifo']) {
      expect(names).not.toContain(hidden);
    }
  });

  test('a wrong option is refused at the call, and so is a folder that is none', () => {
    expect(() => serveStatic(site.root, { maxage: 3 } as never)).toThrow(/"maxage"; did you mean "maxAge"/);
    expect(() => serveStatic(site.root, { index: 'index.html' } as never)).toThrow(/"index" must be an array of/);
    expect(() => serveStatic(site.root, { precompressed: ['lzma'] } as never)).toThrow(/"br", "zstd" or "gzip"/);
    expect(() => serveStatic(join(site.root, 'a.txt'))).toThrow(/is not a folder/);
    expect(() => serveStatic(join(site.root, 'nothing'))).toThrow(/ENOENT/);
    expect(() => serveStatic('')).toThrow(/must be a path/);
  });

  test('the page about them says what the table says', () => {
    const page = readFileSync(join(__dirname, '../../docs/static-files.md'), 'utf8');
    for (const { name, default: value } of STATIC_OPTIONS.rows) {
      const text = value === null ? '' : `\`${JSON.stringify(value).replace(/"/g, "'")}\``;
      expect(page).toContain(`| \`${name}\` | ${text} |`.replace('|  |', '| |'));
    }
  });
});

describe('as a step of a chain', () => {
  const files = (options?: StaticOptions) => serveStatic(site.root, options);
  const after = (_req: ServerRequest, res: ServerResponse): unknown => res.end('after');

  test.each([
    [get('/a.txt'), 200, 'plain'],
    [get('/nothing'), 200, 'after'],
    [get('/../secret.txt'), 200, 'after'],
    [get('/'), 200, 'after'],
    [request('POST', '/a.txt'), 200, 'after'],
  ])('%j is answered with %d %j', async (raw, status, body) => {
    const server = await start({ middleware: [files()], handler: after });
    const response = await (await RawClient.connect(server)).send(raw).response();
    expect([response.status, response.body.toString()]).toEqual([status, body]);
  });

  test('with fallthrough off it answers for all', async () => {
    const server = await start({ middleware: [files({ fallthrough: false })], handler: after });
    const client = await RawClient.connect(server);
    expect((await client.send(get('/nothing')).response()).status).toBe(404);
    expect((await client.send(request('POST', '/a.txt')).response()).status).toBe(405);
  });

  test('it goes before a fetch handler', async () => {
    const server = await start({ middleware: [files()], fetch: () => new Response('fetched') });
    const client = await RawClient.connect(server);
    expect((await client.send(get('/a.txt')).response()).body.toString()).toBe('plain');
    expect((await client.send(get('/nothing')).response()).body.toString()).toBe('fetched');
  });
});

describe('bodies', () => {
  const LARGE = Buffer.alloc(3_000_001, 'millrace');
  beforeAll(() => site.write('large.bin', LARGE));

  test('arrive whole, in parts, and pipelined in order', async () => {
    const server = await start({ handler: serveStatic(site.root) });
    const client = await RawClient.connect(server);
    client.send(
      get('/large.bin') + get('/a.txt') + get('/large.bin', 'Range: bytes=1000000-2999999,0-99') + get('/empty.css'),
    );
    expect((await client.response()).body.equals(LARGE)).toBe(true);
    expect((await client.response()).body.toString()).toBe('plain');
    const parts = (await client.response()).body;
    expect(parts.includes(LARGE.subarray(1_000_000, 3_000_000))).toBe(true);
    expect((await client.response()).body.length).toBe(0);
  });

  test('arrive by inject', async () => {
    const server = await start({ handler: serveStatic(site.root) });
    const response = await server.inject({ url: '/large.bin' });
    expect(LARGE.equals(await response.bytes())).toBe(true);
  });

  test.each([
    ['whole', []],
    ['in parts', ['Range: bytes=0-1000000,1500000-']],
  ])('a client that goes away in the middle leaves no descriptor open (%s)', async (_name, fields) => {
    site.write('huge.bin', '');
    truncateSync(join(site.root, 'huge.bin'), 300 * 1024 * 1024);
    const errors: unknown[] = [];
    setLogger((record) => errors.push(record.message));
    const server = await start({ handler: serveStatic(site.root) });
    for (let round = 0; round < 10; round++) {
      const client = await RawClient.connect(server);
      client.send(get('/huge.bin', ...fields));
      await client.until('\r\n\r\n');
      expect(site.openFiles()).toBeGreaterThan(0);
      if (round % 2 === 0) client.reset();
      else client.destroy();
      await until(
        () => site.openFiles() === 0,
        () => `${site.openFiles()} files are open`,
      );
    }
    await turns(5);
    setLogger(null);
    expect(errors).toEqual([]);
  });

  test.each([
    ['whole', []],
    ['a part', ['Range: bytes=1-']],
  ])('a file that is being sent to a slow client holds one descriptor (%s)', async (_name, fields) => {
    site.write('huge.bin', '');
    truncateSync(join(site.root, 'huge.bin'), 64 * 1024 * 1024);
    const server = await start({ handler: serveStatic(site.root) });
    const client = await RawClient.connect(server);
    client.socket.pause();
    client.send(get('/huge.bin', ...fields));
    await until(() => server.stats().bytes.sent > 0 && site.openFiles() === 1);
    await turns(20);
    expect(site.openFiles()).toBe(1);
    expect(server.stats().connections.active).toBe(1);
  });

  test('a file that becomes shorter while it is sent cuts the exchange', async () => {
    const path = join(site.root, 'shrinks.bin');
    site.write('shrinks.bin', '');
    truncateSync(path, 64 * 1024 * 1024);
    setLogger(null);
    for (const fields of [[], ['Range: bytes=0-9,1000-67108000']]) {
      truncateSync(path, 64 * 1024 * 1024);
      const server = await start({ handler: serveStatic(site.root) });
      const client = await RawClient.connect(server);
      client.socket.pause();
      client.send(get('/shrinks.bin', ...fields));
      await until(() => site.openFiles() > 0);
      // More than a handshake: its head is out, and says how long it was.
      await until(() => server.stats().bytes.sent > 64 * 1024);
      truncateSync(path, 1024);
      client.socket.resume();
      await client.closed();
      expect(client.received).toBeLessThan(64 * 1024 * 1024);
    }
  });

  test('a file that cannot be opened for want of descriptors is an error of ours, 500, and not taken for absent', async () => {
    setLogger(null);
    const errors: unknown[] = [];
    const server = await start({
      handler: serveStatic(site.root),
      onError: (error) => void errors.push((error as NodeJS.ErrnoException).code),
    });
    const client = await RawClient.connect(server);
    jest
      .spyOn(fs, 'open')
      .mockImplementation(((_path: string, _flags: number, done: (error: Error) => void) =>
        done(Object.assign(new Error('too many open files'), { code: 'EMFILE' }))) as never);
    try {
      expect((await client.send(get('/a.txt')).response()).status).toBe(500);
    } finally {
      jest.restoreAllMocks();
    }
    expect(errors).toEqual(['EMFILE']);
    expect((await client.send(get('/a.txt')).response()).body.toString()).toBe('plain');
  });

  test('an HTTP/1.0 client gets the file and the end of the connection', async () => {
    const server = await start({ handler: serveStatic(site.root) });
    const client = await RawClient.connect(server);
    const response = await client.send('GET /large.bin HTTP/1.0\r\n\r\n').response();
    expect(response.body.equals(LARGE)).toBe(true);
    await client.closed();
  });

  test('a file that grows while it is sent is sent as long as it was', async () => {
    site.write('grows.bin', Buffer.alloc(8_000_000, 'a'));
    const server = await start({ handler: serveStatic(site.root) });
    const client = await RawClient.connect(server);
    client.send(get('/grows.bin'));
    const head = await client.until('\r\n\r\n');
    appendFileSync(join(site.root, 'grows.bin'), 'b'.repeat(1000));
    expect(head).toContain('8000000');
    expect((await client.exactly(8_000_000)).includes('b')).toBe(false);
    expect((await client.send(get('/a.txt')).response()).body.toString()).toBe('plain');
  });
});
