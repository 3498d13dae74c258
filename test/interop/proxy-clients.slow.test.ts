// Our proxy under clients that others wrote.
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server as NodeServer } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ProxyServer, ProxyServerOptions } from '../../ts/index.js';
import { createProxyServer } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { requireTool } from '../support/debian.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { endsWithItsTest } from '../support/test-server.js';

const curl = requireTool('curl');
const git = requireTool('git');
const proxychains = requireTool('proxychains4');
const chromium = requireTool('chromium');
const testWith = (tool: string | undefined): jest.It => (tool === undefined ? test.skip : test);

const AUTH = { username: 'alice', password: 'open sesame' };
let folder: string;
let target: NodeServer;
let port: number;
let identity: Issued;
const proxies = new Set<ProxyServer>();
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-clients-'));
  const root = await Authority.root();
  identity = await root.issue();
  writeFileSync(at('ca.pem'), root.cert);
  target = createServer((req, res) => void res.end(`<p>${req.method} ${req.url} of ${req.headers.host}</p>`));
  await once(target.listen(0, '127.0.0.1'), 'listening');
  port = (target.address() as AddressInfo).port;
});
afterAll(() => {
  target.close().closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  for (const proxy of proxies) proxy.destroy();
  proxies.clear();
});
endsWithItsTest();

async function proxyOf(options: ProxyServerOptions = {}): Promise<ProxyServer> {
  const proxy = await createProxyServer(options);
  proxies.add(proxy);
  return proxy;
}

/** A program to its end, with nothing of our own environment that has to do with proxies. */
function ran(program: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<{ code: number; out: string }> {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/_proxy$/i.test(name)));
  return new Promise((resolve) => {
    const options = { env: { ...clean, ...env }, timeout: 40_000, cwd: folder };
    execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? -1);
      resolve({ code, out: stdout + (code === 0 ? '' : stderr) });
    });
  });
}

/** Exit codes of curl: 97 is the proxy's, 56 a failed CONNECT or the end of a tunnel. */
const asks = (...args: string[]): Promise<{ code: number; out: string }> =>
  ran(curl as string, ['--silent', '--show-error', '--max-time', '20', '--noproxy', '', ...args]);

describe('curl', () => {
  testWith(curl).each([
    ['--socks4', '127.0.0.1', 'socks4'],
    ['--socks4a', 'localhost', 'socks4'],
    ['--socks5', '127.0.0.1', 'socks5'],
    ['--socks5-hostname', 'localhost', 'socks5'],
  ])('%s to %s', async (option, host, protocol) => {
    const onClose = jest.fn();
    const proxy = await proxyOf({ onClose });
    const answer = await asks(option, `127.0.0.1:${proxy.port}`, `http://${host}:${port}/there`);
    expect(answer).toEqual({ code: 0, out: `<p>GET /there of ${host}:${port}</p>` });
    await until(() => onClose.mock.calls.length === 1);
    expect(onClose.mock.calls[0]).toMatchObject([{ request: { protocol, host, port }, error: null }]);
  });

  testWith(curl)('--proxy with --proxytunnel, by http and by https', async () => {
    const [plain, secure] = await Promise.all([
      proxyOf(),
      proxyOf({ tls: { cert: identity.cert, key: identity.key } }),
    ]);
    const url = `http://localhost:${port}/there`;
    const answer = { code: 0, out: `<p>GET /there of localhost:${port}</p>` };
    expect(await asks('--proxytunnel', '--proxy', `http://127.0.0.1:${plain.port}`, url)).toEqual(answer);
    const trust = ['--proxy-cacert', at('ca.pem')];
    expect(await asks('--proxytunnel', ...trust, '--proxy', `https://localhost:${secure.port}`, url)).toEqual(answer);
    expect((await asks('--proxytunnel', '--proxy', `https://localhost:${secure.port}`, url)).code).toBe(60);
  });

  testWith(curl).each([
    ['socks5h', 97, /User was rejected/],
    ['http', 56, /407/],
  ])('--proxy-user right, wrong and missing, by %s', async (kind, code, says) => {
    const proxy = await proxyOf({ auth: AUTH });
    const url = `http://localhost:${port}/`;
    const through = ['--proxytunnel', '--proxy', `${kind}://127.0.0.1:${proxy.port}`];
    expect(await asks(...through, '--proxy-user', 'alice:open sesame', url)).toMatchObject({ code: 0 });
    const wrong = await asks(...through, '--proxy-user', 'alice:wrong', url);
    expect(wrong).toMatchObject({ code, out: expect.stringMatching(says) });
    expect(await asks(...through, url)).toMatchObject({ code });
    expect(proxy.stats().tunnels.active).toBe(0);
  });

  testWith(curl).each([
    ['--socks4', 97],
    ['--socks5', 97],
    ['--proxytunnel --proxy', 56],
  ])('%s to a port that refuses', async (options, code) => {
    const proxy = await proxyOf();
    const args = [...options.split(' '), `127.0.0.1:${proxy.port}`, 'http://127.0.0.1:1/'];
    expect(await asks(...args)).toMatchObject({ code });
    await until(() => proxy.stats().tunnels.failed === 1);
  });
});

describe('git', () => {
  testWith(git)('clones through SOCKS, by http.proxy and by ALL_PROXY, and not with a wrong password', async () => {
    const bare = at('repositories/one.git');
    mkdirSync(bare, { recursive: true });
    const inside = (...args: string[]): void => void execFileSync(git as string, args, { cwd: bare, stdio: 'pipe' });
    inside('init', '--bare', '--initial-branch=main');
    const tree = execFileSync(git as string, ['mktree'], { cwd: bare, input: '' })
      .toString()
      .trim();
    const author = ['-c', 'user.name=a', '-c', 'user.email=a@b.test'];
    const commit = execFileSync(git as string, [...author, 'commit-tree', '-m', 'first', tree], { cwd: bare });
    inside('update-ref', 'refs/heads/main', commit.toString().trim());
    inside('update-server-info');

    const files = createServer((req, res) => {
      const name = join(at('repositories'), decodeURIComponent(new URL(req.url ?? '/', 'http://a').pathname));
      try {
        res.end(execFileSync('cat', [name], { stdio: ['ignore', 'pipe', 'ignore'] }));
      } catch {
        res.writeHead(404).end();
      }
    });
    await once(files.listen(0, '127.0.0.1'), 'listening');
    const url = `http://localhost:${(files.address() as AddressInfo).port}/one.git`;
    const proxy = await proxyOf({ auth: AUTH });
    try {
      const socks = `socks5h://alice:open%20sesame@127.0.0.1:${proxy.port}`;
      expect(await ran(git as string, ['-c', `http.proxy=${socks}`, 'clone', '-q', url, 'by-option'])).toMatchObject({
        code: 0,
      });
      expect(await ran(git as string, ['clone', '-q', url, 'by-variable'], { ALL_PROXY: socks })).toMatchObject({
        code: 0,
      });
      const wrong = socks.replace('sesame', 'wrong');
      expect((await ran(git as string, ['clone', '-q', url, 'never'], { ALL_PROXY: wrong })).code).toBe(128);
      for (const clone of ['by-option', 'by-variable']) {
        const log = execFileSync(git as string, ['log', '--format=%s'], { cwd: at(clone) }).toString();
        expect(log.trim()).toBe('first');
      }
      expect(proxy.stats().unauthenticated).toBeGreaterThan(0);
    } finally {
      files.close().closeAllConnections();
    }
  });
});

describe('proxychains4', () => {
  testWith(proxychains && curl)('leads a curl that knows nothing of proxies through a chain of three', async () => {
    // Its configuration knows no space in a password.
    const auth = { username: 'alice', password: 'sesame' };
    const three = await Promise.all([proxyOf({ auth }), proxyOf(), proxyOf()]);
    const through = (password: string): Promise<{ code: number; out: string }> => {
      const kinds = [`socks5 127.0.0.1 ${three[0].port} alice ${password}`, 'http', 'socks4'];
      const lines = kinds.map((kind, place) => (place === 0 ? kind : `${kind} 127.0.0.1 ${three[place].port}`));
      writeFileSync(at('chain.conf'), `strict_chain\nquiet_mode\n[ProxyList]\n${lines.join('\n')}\n`);
      const url = `http://127.0.0.1:${port}/chained`;
      return ran(proxychains as string, ['-f', at('chain.conf'), curl as string, '-s', '--max-time', '20', url]);
    };
    expect((await through('wrong')).code).not.toBe(0);
    expect(await through('sesame')).toEqual({ code: 0, out: `<p>GET /chained of 127.0.0.1:${port}</p>` });
    await until(() => three.every((proxy) => proxy.stats().tunnels.ended === 1), 'each has had its tunnel');
  });
});

describe('chromium', () => {
  testWith(chromium)(
    'shows a page through SOCKS5',
    async () => {
      const proxy = await proxyOf();
      const server = `--proxy-server=socks5://127.0.0.1:${proxy.port}`;
      const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${at('chromium')}`, server];
      // It reaches the loopback directly unless it is told not to.
      const bypass = '--proxy-bypass-list=<-loopback>';
      const { out } = await ran(chromium as string, [...flags, bypass, '--dump-dom', `http://127.0.0.1:${port}/page`]);
      expect(out).toContain(`<p>GET /page of 127.0.0.1:${port}</p>`);
      expect(proxy.stats().tunnels.active + proxy.stats().tunnels.ended).toBeGreaterThan(0);
    },
    60_000,
  );
});
