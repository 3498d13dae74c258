import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parseExposition } from '../support/exposition.js';
import type { ProxyState } from '../../ts/cli/demo/proxy-watch.js';
import { buildCommandLine, CommandLine } from '../support/command-line.js';
import type { Asked } from '../support/test-proxy.js';
import { ask } from '../support/test-proxy.js';

jest.setTimeout(30_000);

let scratch: string;
let root: string;
const running: CommandLine[] = [];

beforeAll(() => {
  buildCommandLine();
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-cli-')));
  root = join(scratch, 'site');
  mkdirSync(join(root, 'deep/empty'), { recursive: true });
  mkdirSync(join(root, 'with-index'));
  mkdirSync(join(root, '.git'));
  writeFileSync(join(scratch, 'secret.txt'), 'secret');
  writeFileSync(join(root, '.env'), 'secret');
  writeFileSync(join(root, '.git/config'), 'secret');
  writeFileSync(join(root, 'a.txt'), 'plain');
  writeFileSync(join(root, 'empty.css'), '');
  writeFileSync(join(root, 'deep/page.html'), '<p>deep');
  writeFileSync(join(root, 'with-index/index.html'), '<p>index');
  writeFileSync(join(root, 'large.bin'), Buffer.alloc(9_000_001, 'millrace'));
  writeFileSync(join(root, `<b>&"'.txt`), 'escaped');
  writeFileSync(join(root, 'a b%20?#.txt'), 'odd name');
  writeFileSync(join(root, 'javascript:x'), 'colon');
  symlinkSync(join(scratch, 'secret.txt'), join(root, 'out.txt'));
  symlinkSync(scratch, join(root, 'up'));
  symlinkSync('.env', join(root, 'to-dot'));
  symlinkSync('a.txt', join(root, 'inside.txt'));
});

afterEach(async () => {
  for (const line of running.splice(0)) {
    line.kill('SIGKILL');
    await line.status();
  }
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function run(...args: string[]): CommandLine {
  const line = new CommandLine(args, { cwd: scratch });
  running.push(line);
  return line;
}

function serveIt(...args: string[]): CommandLine {
  return run('serve', ...args, '--port', '0');
}

/** The request as it is written, which fetch would tidy up. */
async function raw(url: string, target: string, method = 'GET'): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket.setEncoding('latin1')) text += chunk as string;
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text };
}

async function takenPort(): Promise<{ port: number; free: () => void }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, free: () => server.close() };
}

describe('the command line', () => {
  test.each([
    [['--version'], 0],
    [['--help'], 0],
    [['serve', '--help'], 0],
    [[], 2],
    [['fly'], 2],
    [['serve', '--wings'], 2],
    [['serve', '--port', 'many'], 2],
    [['serve', '--port', '65536'], 2],
    [['serve', '--workers', '0'], 2],
    [['serve', 'one', 'two'], 2],
    [['serve', 'not-there'], 1],
  ])('%j ends with status %d', async (args, status) => {
    const line = run(...args);
    expect(await line.status()).toBe(status);
    if (status === 0) expect(line.out).toMatch(/0\.|Usage/);
    else expect(line.err).toMatch(/^millrace: /);
    expect(line.err).not.toMatch(/\n\s+at /);
  });
});

describe('serving a folder', () => {
  let line: CommandLine;
  let url: string;
  beforeEach(async () => {
    line = serveIt(root);
    url = await line.url();
  });

  test.each([
    ['/a.txt', 'plain', 'text/plain; charset=utf-8'],
    ['/inside.txt', 'plain', 'text/plain; charset=utf-8'],
    ['/deep/page.html', '<p>deep', 'text/html; charset=utf-8'],
    ['/with-index/', '<p>index', 'text/html; charset=utf-8'],
    ['/empty.css', '', 'text/css; charset=utf-8'],
    ['/a%20b%2520%3F%23.txt?query', 'odd name', 'text/plain; charset=utf-8'],
    ['/javascript:x', 'colon', 'application/octet-stream'],
  ])('answers %s with the file', async (path, body, type) => {
    const answer = await fetch(new URL(path, url));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await answer.text()).toBe(body);
  });

  const REFUSED = [
    '/../secret.txt',
    '/deep/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/deep/..%2f..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%5csecret.txt',
    '/%252e%252e/secret.txt',
    '/./a.txt',
    '//secret.txt',
    '//etc/passwd',
    '/deep//page.html',
    '/.env',
    '/%2eenv',
    '/.git/config',
    '/deep/../.env',
    '/out.txt',
    '/up/secret.txt',
    '/up/',
    '/to-dot',
    '/a.txt/',
    '/a.txt%00.html',
    '/a.txt/more',
    '/%ff',
    '/%',
    '/nothing',
    'http://x/../secret.txt',
    `/${'a'.repeat(5000)}`,
  ];
  test.each(REFUSED)('has nothing at %s', async (target) => {
    const { status, text } = await raw(url, target);
    expect(status).toBe(404);
    expect(text).not.toMatch(/secret|root:/);
  });

  test('lists what can be asked for, escaped, and nothing else', async () => {
    const page = await (await fetch(url)).text();
    expect(page).toContain('<a href="./a.txt">a.txt</a>');
    expect(page).toContain('<a href="./deep/">deep/</a>');
    expect(page).toContain('<a href="./javascript%3Ax">');
    expect(page).toContain('&#60;b&#62;&#38;&#34;&#39;.txt</a>');
    for (const hidden of ['<b>', '.env', '.git', 'out.txt', 'up/', 'to-dot']) expect(page).not.toContain(hidden);
    const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, link]) => new URL(link.replace(/&#39;/g, "'"), url));
    expect(links.length).toBeGreaterThan(8);
    for (const link of links) expect((await fetch(link, { method: 'HEAD' })).status).toBe(200);
  });

  test('sends a folder without its slash to the address with it, on this host', async () => {
    const answer = await fetch(new URL('/deep?x=1', url), { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([308, '/deep/?x=1']);
  });

  test('answers HEAD with the length and no body, and other methods with 405', async () => {
    const { text } = await raw(url, '/large.bin', 'HEAD');
    expect(text).toMatch(/content-length: 9000001\r\n/i);
    expect(text.endsWith('\r\n\r\n')).toBe(true);
    const post = await fetch(new URL('/a.txt', url), { method: 'POST', body: 'x' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  test('sends a large file whole after another reader has left in the middle of it', async () => {
    const { hostname, port } = new URL(url);
    const leaver = connect(Number(port), hostname);
    leaver.write('GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(leaver, 'readable');
    leaver.destroy();
    const bytes = Buffer.from(await (await fetch(new URL('/large.bin', url))).arrayBuffer());
    expect(bytes.equals(Buffer.alloc(9_000_001, 'millrace'))).toBe(true);
    expect(line.err).toBe('');
  });

  test('reads no more of a file than its reader takes', async () => {
    const size = 400 * 1024 * 1024;
    writeFileSync(join(root, 'sparse.bin'), '');
    truncateSync(join(root, 'sparse.bin'), size);
    const answer = await fetch(new URL('/sparse.bin', url));
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    // While the first reader takes nothing, another request is served, again and again.
    for (let request = 0; request < 200; request++) await (await fetch(new URL('/a.txt', url))).text();
    if (process.platform === 'linux') {
      const status = readFileSync(`/proc/${line.child.pid}/status`, 'utf8');
      expect(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1])).toBeLessThan(200 * 1024);
    }
    let received = 0;
    await reader.cancel();
    const whole = await fetch(new URL('/sparse.bin', url));
    for await (const chunk of whole.body as unknown as AsyncIterable<Uint8Array>) received += chunk.byteLength;
    expect(received).toBe(size);
  });
});

describe('serving a module', () => {
  const MODULES: [string, string, string][] = [
    ['handler.cjs', 'exports.handler = (req, res) => res.end("it answers");', 'it answers'],
    ['function.cjs', 'module.exports = () => new Response("it answers");', 'it answers'],
    [
      'object.cjs',
      'module.exports = { text: "it answers", fetch() { return new Response(this.text); } };',
      'it answers',
    ],
    ['compiled.cjs', 'exports.__esModule = true; exports.default = () => new Response("it answers");', 'it answers'],
    ['handler.mjs', 'export function handler(req, res) { res.end("it answers"); }', 'it answers'],
    ['fetch.mjs', 'export const fetch = async () => new Response("it answers");', 'it answers'],
    ['default.mjs', 'export default () => new Response("it answers");', 'it answers'],
    ['object.mjs', 'export default { handler(req, res) { res.end("it answers"); } };', 'it answers'],
    [
      'options.mjs',
      'export const options = { maxUrlSize: 64 }; export const handler = (req, res) => res.end("it answers");',
      'it answers',
    ],
  ];
  test.each(MODULES)('%s answers', async (name, source, text) => {
    writeFileSync(join(scratch, name), source);
    const url = await serveIt(name).url();
    expect(await (await fetch(url)).text()).toBe(text);
    if (name === 'options.mjs') expect((await fetch(`${url}${'a'.repeat(80)}`)).status).toBe(414);
  });

  test.each([
    ['none.mjs', 'export const other = 1;', /exports no handler/],
    ['both.mjs', 'export const handler = () => {}; export const fetch = () => {};', /exports both/],
    ['throws.mjs', 'throw new Error("not today");', /not today/],
    ['wrong.mjs', 'export const options = { prot: 1 }; export const handler = () => {};', /prot/],
  ])('%s is refused with the reason', async (name, source, reason) => {
    writeFileSync(join(scratch, name), source);
    for (const workers of [[], ['--workers', '2']]) {
      const line = serveIt(name, ...workers);
      expect(await line.status()).toBe(1);
      expect(line.err).toMatch(reason);
    }
  });
});

describe('the port', () => {
  test('that was asked for and is taken is refused, for one thread and for several', async () => {
    const { port, free } = await takenPort();
    for (const workers of [[], ['--workers', '2']]) {
      const line = run('serve', root, '--port', `${port}`, ...workers);
      expect(await line.status()).toBe(1);
      expect(line.err).toContain(`port ${port} of 127.0.0.1 is taken`);
    }
    free();
  });

  test('that nobody asked for gives way to a free one when it is taken', async () => {
    // Whether 3000 is free here or not, the second of the two cannot have it.
    const first = run('serve', root);
    await first.url();
    const second = run('serve', root);
    const url = await second.url();
    expect(second.out).toContain('(port 3000 is taken)');
    expect((await fetch(url)).status).toBe(200);
  });
});

describe('signals', () => {
  const SLOW = `export function handler(req, res) {
    if (req.path === '/never') return console.log('in flight');
    console.log('in flight');
    process.once('SIGTERM', () => setTimeout(() => res.end('served'), 50));
  }`;

  test('the first one lets what is in flight finish, and the status is 0', async () => {
    writeFileSync(join(scratch, 'slow.mjs'), SLOW);
    const line = serveIt('slow.mjs');
    const answer = fetch(await line.url());
    await line.says('out', /in flight/);
    line.kill('SIGTERM');
    expect(await (await answer).text()).toBe('served');
    expect(await line.status()).toBe(0);
  });

  test.each([[[]], [['--workers', '2']]])('the second one ends it at once %j', async (workers: string[]) => {
    writeFileSync(join(scratch, 'slow.mjs'), SLOW);
    const line = serveIt('slow.mjs', ...workers);
    const answer = fetch(`${await line.url()}never`).then(
      () => 'answered',
      () => 'cut',
    );
    await line.says('out', /in flight/);
    line.kill('SIGINT');
    await line.says('err', /SIGINT/);
    line.kill('SIGINT');
    expect(await line.status()).toBe(130);
    expect(await answer).toBe('cut');
  });
});

describe('workers', () => {
  const THREADS = `import { threadId } from 'node:worker_threads';
    export function handler(req, res) {
      res.setHeader('connection', 'close');
      if (req.path === '/crash') setImmediate(() => { throw new Error('on purpose'); });
      res.end(String(threadId));
    }`;

  test('serve one port together, and close together', async () => {
    writeFileSync(join(scratch, 'threads.mjs'), THREADS);
    const line = serveIt('threads.mjs', '--workers', '2');
    const url = await line.url();
    expect(line.out).toContain('on 2 threads');
    const seen = new Set<string>();
    for (let request = 0; request < 200 && seen.size < 2; request++) seen.add(await (await fetch(url)).text());
    expect(seen.size).toBe(2);
    line.kill('SIGTERM');
    expect(await line.status()).toBe(0);
  });

  test('one that crashes is replaced', async () => {
    writeFileSync(join(scratch, 'threads.mjs'), THREADS);
    const line = serveIt('threads.mjs', '--workers', '1');
    const url = await line.url();
    const before = await (await fetch(url)).text();
    await fetch(`${url}crash`).catch(() => undefined);
    await line.says('err', /a worker thread died.*on purpose/s);
    let after = before;
    // Refused while the port has no thread.
    while (after === before)
      after = await fetch(url).then(
        (answer) => answer.text(),
        () => before,
      );
    expect(Number(after)).toBeGreaterThan(Number(before));
  });
});

describe('the demo', () => {
  test.each([[[]], [['--workers', '2']]])('answers on all its routes %j', async (workers: string[]) => {
    const line = serveIt('--demo', ...workers);
    const url = await line.url();
    const page = await fetch(url);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const html = await page.text();
    expect(html).toContain('new EventSource');
    expect(html).toContain('prefers-color-scheme');
    expect(html).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(await (await fetch(`${url}json`)).json()).toMatchObject({ hello: 'world' });
    const echo = await fetch(`${url}echo`, { method: 'POST', body: 'x'.repeat(300_000) });
    expect((await echo.text()).length).toBe(300_000);
    expect((await fetch(`${url}echo`)).status).toBe(405);
    expect((await fetch(`${url}nothing`)).status).toBe(404);
    const metrics = await fetch(`${url}metrics`);
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    // Of the whole process: the thread that answers may not be the one that served the rest.
    const requests = parseExposition(await metrics.text(), 'prometheus').get('millrace_http_server_requests_total');
    expect(requests?.samples[0].value).toBeGreaterThanOrEqual(5);
    const open = await fetch(`${url}metrics`, { headers: { accept: 'application/openmetrics-text; version=1.0.0' } });
    expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    parseExposition(await open.text(), 'openMetrics');
    const stream = await fetch(`${url}stream`);
    expect(stream.headers.get('transfer-encoding')).toBe('chunked');
    const reader = stream.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('line 1 of 25\n');
    await reader?.cancel();
  });

  test.each([[[]], [['--workers', '2']]])('feeds the page with what the process does %j', async (workers: string[]) => {
    const line = serveIt('--demo', ...workers);
    const url = await line.url();
    const feed = await fetch(`${url}stats`);
    expect(feed.headers.get('content-type')).toBe('text/event-stream');
    const load = (async () => {
      for (let request = 0; request < 100; request++) await (await fetch(`${url}json`)).text();
    })();
    let text = '';
    const samples = (): { totals: { requests: number } }[] =>
      [...text.matchAll(/event: sample\ndata: (.*)\n\n/g)].map(([, data]) => JSON.parse(data) as never);
    for await (const chunk of feed.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if ((samples().at(-1)?.totals.requests ?? 0) >= 101) break;
    }
    await load;
    const history: unknown = JSON.parse(/event: history\ndata: (.*)\n\n/.exec(text)?.[1] ?? '');
    expect(history).toMatchObject({
      facts: {
        version: '0.1.0',
        node: process.version,
        poller: expect.stringMatching(/nested|uv/),
        pid: line.child.pid,
      },
      samples: expect.any(Array),
    });
    const busy = samples().find((sample) => 'cpu' in sample && sample.cpu !== null);
    expect(busy).toMatchObject({
      time: expect.any(Number),
      requestsPerSecond: expect.any(Number),
      cpu: { user: expect.any(Number), system: expect.any(Number) },
      connections: expect.any(Number),
      latency: { p50: expect.any(Number), p90: expect.any(Number), p99: expect.any(Number) },
      bytesPerSecond: { received: expect.any(Number), sent: expect.any(Number) },
      totals: { connections: expect.any(Number), errors: 0 },
      memory: expect.any(Number),
    });
  });

  test.each([[[]], [['--workers', '2']]])('shows the tunnels of a proxy beside it %j', async (workers: string[]) => {
    const line = serveIt('--demo', ...workers);
    const url = new URL(await line.url());
    const feed = await fetch(new URL('stats', url));
    let text = '';
    const states = (): ProxyState[] =>
      [...text.matchAll(/event: proxy\ndata: (.*)\n\n/g)].map(([, data]) => JSON.parse(data) as ProxyState);
    let tunnel: Promise<Asked> | undefined;
    for await (const chunk of feed.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      const state = states().at(-1);
      if (state === undefined) continue;
      tunnel ??= ask({ port: state.port }, 'socks5', 'localhost', Number(url.port));
      const { client, opened } = await tunnel;
      expect(opened).toBe(true);
      // Seen open first, and then as one that has ended.
      if (state.open.length > 0) client.end();
      if (state.over.length > 0) break;
    }
    const target = `localhost:${url.port}`;
    expect(states().find(({ open }) => open.length > 0)?.open).toMatchObject([
      { target, protocol: 'socks5', over: null },
    ]);
    expect(states().at(-1)).toMatchObject({
      tunnels: { active: 0, ended: 1, failed: 0 },
      open: [],
      over: [{ target, over: { sent: 0, received: 0, failed: false } }],
    });
  });

  test('shows beside a folder, at an address of its own, and lets go of its viewers when it ends', async () => {
    const line = serveIt(root, '--demo');
    expect(await (await fetch(`${await line.url()}a.txt`)).text()).toBe('plain');
    const [, page] = await line.says('out', /shows at (http:\S+)/);
    const feed = await fetch(`${page}stats`);
    line.kill('SIGTERM');
    expect(await feed.text()).toContain('event: history');
    expect(await line.status()).toBe(0);
  });
});
