// Our proxy under clients that others wrote.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener, Server as NodeServer } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ProxyServer, ProxyServerOptions } from '../../ts/index.js';
import { createProxyServer } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { requireTool } from '../support/debian.js';
import { runOthers } from '../support/others.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { endsWithItsTest } from '../support/test-server.js';
import { testWith } from '../support/where.js';

const curl = requireTool('curl');
const proxychains = requireTool('proxychains4');
const chromium = requireTool('chromium');

const AUTH = { username: 'alice', password: 'open sesame' };
let folder: string;
let target: NodeServer;
let secureTarget: NodeServer;
let port: number;
let securePort: number;
let identity: Issued;
const proxies = new Set<ProxyServer>();
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-clients-'));
  const root = await Authority.root();
  identity = await root.issue();
  writeFileSync(at('ca.pem'), root.cert);
  const page: RequestListener = (req, res) => {
    // What a page asks for by TLS writes into it.
    const script = `document.body.append('and GET ${req.url} of ${req.headers.host}')`;
    if (req.url === '/script.js') res.setHeader('content-type', 'text/javascript').end(script);
    else if (req.url === '/both')
      res.end(`<body><script src="https://localhost:${securePort}/script.js"></script></body>`);
    else res.end(`<p>${req.method} ${req.url} of ${req.headers.host}</p>`);
  };
  target = createServer(page);
  secureTarget = createSecureServer({ cert: identity.cert, key: identity.key }, page);
  const servers = [target, secureTarget];
  await Promise.all(servers.map((server) => once(server.listen(0, '::'), 'listening')));
  [port, securePort] = servers.map((server) => (server.address() as AddressInfo).port);
});
afterAll(() => {
  for (const server of [target, secureTarget]) server.close().closeAllConnections();
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

const ran = (program: string, args: readonly string[]): ReturnType<typeof runOthers> =>
  runOthers(program, args, {}, folder);

/** Exit codes of curl: 97 is the proxy's, 56 a failed CONNECT or the end of a tunnel. */
const asks = (...args: string[]): Promise<{ code: number; out: string }> =>
  ran(curl as string, ['--silent', '--show-error', '--max-time', '20', '--noproxy', '', ...args]);

describe('curl', () => {
  testWith(curl).each([
    ['--socks4', '127.0.0.1', 'socks4'],
    ['--socks4a', 'localhost', 'socks4'],
    ['--socks5', '127.0.0.1', 'socks5'],
    ['--socks5', '::1', 'socks5'],
    ['--socks5-hostname', 'localhost', 'socks5'],
    ['--socks5-hostname', '::1', 'socks5'],
    ['--proxytunnel --proxy', 'localhost', 'connect'],
    ['--proxytunnel --proxy', '::1', 'connect'],
  ])('%s to %s', async (option, host, protocol) => {
    const onClose = jest.fn();
    const proxy = await proxyOf({ onClose });
    const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const answer = await asks(...option.split(' '), `127.0.0.1:${proxy.port}`, `http://${authority}/there`);
    expect(answer).toEqual({ code: 0, out: `<p>GET /there of ${authority}</p>` });
    await until(() => onClose.mock.calls.length === 1);
    expect(onClose.mock.calls[0]).toMatchObject([{ request: { protocol, host, port }, error: null }]);
  });

  testWith(curl)('--proxy alone: in absolute form to http, by a tunnel to https', async () => {
    const proxy = await proxyOf({ auth: AUTH });
    const through = ['--proxy', `http://127.0.0.1:${proxy.port}`, '--proxy-user', 'alice:open sesame'];
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      const out = `<p>GET /there of ${host}:${port}</p>`;
      expect(await asks(...through, `http://${host}:${port}/there`)).toEqual({ code: 0, out });
    }
    const secure = await asks(...through, '--cacert', at('ca.pem'), `https://localhost:${securePort}/there`);
    expect(secure).toEqual({ code: 0, out: `<p>GET /there of localhost:${securePort}</p>` });
    expect(proxy.stats()).toMatchObject({ forwarded: 3, unauthenticated: 0 });
  });

  // Who may use a proxy of ours is shown by Basic (RFC 7617), which it says: curl chooses it, or gives up.
  testWith(curl).each([
    ['--proxy-anyauth', 200],
    ['--proxy-digest', 407],
    ['--proxy-ntlm', 407],
  ])('%s, in absolute form and for a tunnel, is answered %i', async (scheme, status) => {
    const proxy = await proxyOf({ auth: AUTH });
    const through = [scheme, '--proxy', `http://127.0.0.1:${proxy.port}`, '--proxy-user', 'alice:open sesame'];
    const url = `http://localhost:${port}/there`;
    const told = ['--output', at('body'), '--write-out'];
    const plain = await asks(...through, ...told, '%{http_code}', url);
    expect(plain).toEqual({ code: 0, out: String(status) });
    const tunnel = await asks(...through, ...told, '%{http_connect}', '--proxytunnel', url);
    expect(tunnel.code).toBe(status === 200 ? 0 : 56);
    expect(tunnel.out).toMatch(new RegExp(`^${status}`));
    expect(proxy.stats().unauthenticated).toBeGreaterThan(1);
  });

  testWith(curl)('--preproxy: SOCKS to a proxy that is asked for a tunnel', async () => {
    const [first, second] = await Promise.all([proxyOf({ auth: AUTH }), proxyOf()]);
    const chain = ['--preproxy', `socks5h://alice:open%20sesame@127.0.0.1:${first.port}`];
    const through = [...chain, '--proxytunnel', '--proxy', `http://127.0.0.1:${second.port}`];
    const answer = await asks(...through, `http://localhost:${port}/there`);
    expect(answer).toEqual({ code: 0, out: `<p>GET /there of localhost:${port}</p>` });
    await until(() => first.stats().tunnels.ended === 1 && second.stats().tunnels.ended === 1, 'both had their tunnel');
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
  testWith(chromium).each([
    ['socks5', 0],
    // The page in absolute form, its script by a tunnel.
    ['http', 1],
  ])(
    'shows a page and runs a script that comes by TLS, through %s',
    async (kind, least) => {
      const proxy = await proxyOf();
      const server = `--proxy-server=${kind}://127.0.0.1:${proxy.port}`;
      const own = ['--no-sandbox', '--ignore-certificate-errors', `--user-data-dir=${at(`chromium-${kind}`)}`];
      // It reaches the loopback directly unless it is told not to.
      const flags = ['--headless', '--disable-gpu', ...own, server, '--proxy-bypass-list=<-loopback>'];
      const { out } = await ran(chromium as string, [...flags, '--dump-dom', `http://127.0.0.1:${port}/both`]);
      expect(out).toContain(`and GET /script.js of localhost:${securePort}</body>`);
      const { tunnels, forwarded } = proxy.stats();
      expect(tunnels.active + tunnels.ended).toBeGreaterThan(0);
      expect(forwarded).toBeGreaterThanOrEqual(least);
    },
    60_000,
  );
});
