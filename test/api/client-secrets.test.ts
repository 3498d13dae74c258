// Credentials, of proxies and of origins, are in nothing that a client or a proxy of ours says or shows, however a request
// ends: marked ones are shown to peers that fail in every way, while all is listened to.
import { request as undiciRequest } from 'undici';

import { Dispatcher } from '../../ts/compat/undici.js';
import type { ProxyHop, ProxyOption } from '../../ts/index.js';
import { Client, connect, createProxyServer } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { freeTcpPort } from '../support/free-port.js';
import { Authority } from '../support/pki.js';
import { httpReply, inTurn, ScriptedProxy, scriptedProxiesEndWithTheirTest } from '../support/scripted-proxy.js';
import type { Script } from '../support/scripted-proxy.js';
import { expectSilence, hearsEverything, PASSWORD, show, USER } from '../support/secrets.js';
import { proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest, start } from '../support/test-server.js';

scriptedProxiesEndWithTheirTest();
proxiesEndWithTheirTest();
endsWithItsTest();
hearsEverything();

const ENCODED = encodeURIComponent(PASSWORD);
const hop = (kind: string, port: number): ProxyHop => ({
  url: `${kind}://127.0.0.1:${port}`,
  username: USER,
  // SOCKS4 has none.
  ...(kind === 'socks4' ? null : { password: PASSWORD }),
});

/** The same request by each API; what came of it is shown, and so are those who made it. How many have failed. */
async function byAll(url: string, proxy: ProxyOption, signal?: AbortSignal, patience = 10_000): Promise<number> {
  const timeouts = { proxy: patience, connect: 10_000, total: 10_000 };
  const client = new Client({ proxy, timeouts, retry: false });
  const dispatcher = new Dispatcher(client);
  const { hostname, port } = new URL(url);
  let failed = 0;
  const outcome = async (call: () => Promise<unknown>): Promise<void> => {
    await call().then(show, (error: unknown) => {
      failed++;
      show(error);
    });
  };
  await outcome(async () => (await client.request(url, { signal })).text());
  await outcome(async () => (await client.fetch(url, { signal })).text());
  await outcome(async () => (await undiciRequest(url, { dispatcher: dispatcher as never, signal })).body.text());
  await outcome(async () => {
    const socket = await connect({ host: hostname, port: Number(port), proxy, timeouts, signal });
    show(socket);
    socket.destroy();
  });
  show(client);
  show(client.stats());
  show(dispatcher);
  client.destroy();
  return failed;
}

const SILENT: Script = () => undefined;
const CLOSES: Script = (peer) => peer.end();
const RESETS: Script = (peer) => peer.destroy();
/** It says back what it was told, in the place of its answer. */
const ECHOES: Script = async (peer) => {
  for (;;) peer.send(await peer.more());
};
const WAYS: [string, string, Script][] = [
  ...['http', 'socks5', 'socks4'].flatMap((kind): [string, string, Script][] => [
    ['is silent', kind, SILENT],
    ['closes', kind, CLOSES],
    ['resets', kind, RESETS],
    ['says back what it was told', kind, ECHOES],
  ]),
  ['takes no password', 'socks5', (peer) => inTurn(peer, ['\x05\xff'])],
  ['refuses a password', 'socks5', (peer) => inTurn(peer, ['\x05\x02', '\x01\x01'])],
  ['says a password for a status', 'http', (peer) => inTurn(peer, [`HTTP/1.1 ${PASSWORD}\r\n\r\n`])],
  ['says a password for a reason', 'http', (peer) => inTurn(peer, [`HTTP/1.1 503 x\r\nX: ${PASSWORD}\r\n\r\n`])],
  ['asks for Basic', 'http', (peer) => inTurn(peer, [challenge('Basic realm="r"'), challenge('Basic realm="r"')])],
  [
    'asks for Digest',
    'http',
    (peer) =>
      inTurn(
        peer,
        ['a', 'b'].map((nonce) => challenge(`Digest realm="r", nonce="${nonce}", qop="auth"`)),
      ),
  ],
  ['asks for what we do not know', 'http', (peer) => inTurn(peer, [challenge('NTLM')])],
];
const challenge = (scheme: string): string => httpReply(407, `Proxy-Authenticate: ${scheme}`);

describe('of a proxy', () => {
  test.each(WAYS)('that %s, by %s', async (_, kind, script) => {
    const proxy = await ScriptedProxy.start(script);
    expect(
      await byAll('http://127.0.0.1:1/', hop(kind, proxy.port), undefined, script === SILENT ? 60 : undefined),
    ).toBe(4);
    expectSilence(8);
  });

  test.each(['http', 'socks5', 'https'])('that is not there, or takes no certificate, or is left: %s', async (kind) => {
    const refused = await freeTcpPort();
    expect(await byAll('http://127.0.0.1:1/', hop(kind, refused))).toBe(4);
    const { cert, key } = await (await Authority.root()).issue();
    const silent = await ScriptedProxy.start(SILENT, kind === 'https' ? { cert, key } : undefined);
    expect(await byAll('http://127.0.0.1:1/', hop(kind, silent.port), AbortSignal.timeout(20))).toBe(4);
    expectSilence(8);
  });

  test('that is right, and of a chain behind it that is not', async () => {
    const { port } = await start({ handler: (_, res) => res.end('here') });
    const [one, other, wrong] = await Promise.all(
      [PASSWORD, PASSWORD, 'another'].map((password) =>
        startProxy({ auth: { username: USER, password }, onClose: show }),
      ),
    );
    const url = `http://127.0.0.1:${port}/`;
    expect(await byAll(url, [hop('socks5', one.port), hop('http', other.port)])).toBe(0);
    expect(await byAll(url, [hop('http', one.port), hop('socks5h', wrong.port)])).toBe(4);
    expect(
      await byAll(`http://127.0.0.1:${await freeTcpPort()}/`, [hop('http', one.port), hop('http', other.port)]),
    ).toBe(4);
    for (const proxy of [one, other, wrong]) {
      show(proxy);
      show(proxy.stats());
    }
    expect(wrong.stats().unauthenticated).toBeGreaterThan(0);
    expectSilence(20);
  });

  test('that a proxy of ours goes through, whatever becomes of it', async () => {
    const { port } = await start({ handler: (_, res) => res.end('here') });
    const right = await startProxy({ auth: { username: USER, password: PASSWORD } });
    const wrong = await startProxy({ auth: { username: USER, password: 'another' } });
    const echoing = await ScriptedProxy.start(ECHOES);
    const ports = [right.port, wrong.port, echoing.port, await freeTcpPort()];
    for (const kind of ['socks5h', 'http']) {
      for (const upstream of ports.map((each) => hop(kind, each))) {
        const proxy = await startProxy({ upstream, onClose: show, connectTimeout: 2_000 });
        await byAll(`http://127.0.0.1:${port}/`, `http://127.0.0.1:${proxy.port}`);
        await until(() => proxy.stats().tunnels.active === 0);
        show(proxy);
        show(proxy.stats());
        proxy.destroy();
      }
    }
    expectSilence(40);
  });

  test('whose judge fails, or whose options are wrong', async () => {
    const proxy = await startProxy({
      auth: () => {
        throw new Error('the judge is ill');
      },
    });
    for (const kind of ['socks5', 'http']) expect(await byAll('http://127.0.0.1:1/', hop(kind, proxy.port))).toBe(4);
    const options = [
      { auth: { username: USER, password: PASSWORD, more: 1 } },
      { auth: { username: 1, password: PASSWORD } },
      { auth: [USER, PASSWORD] },
      { upstream: `gopher://${USER}:${ENCODED}@127.0.0.1` },
      { upstream: [hop('socks5', 1), { url: 1, password: PASSWORD }] },
      { host: '0.0.0.0', upstream: hop('socks5', 1) },
    ];
    for (const each of options) await createProxyServer(each as never).then((made) => made.destroy(), show);
    expectSilence(10);
  });
});

describe('of an origin', () => {
  test.each(['basic', 'digest', 'any'] as const)('by %s, right, wrong, after a redirect and gone', async (type) => {
    const asked: string[] = [];
    const server = await start({
      handler: (req, res) => {
        asked.push(req.headers.get('authorization') ?? '');
        if (req.path === '/moved') return res.writeHead(302, { Location: '/page' }).end();
        if (req.path === '/cut') return res.destroy();
        if (req.path === '/page' && asked.at(-1) !== '') return res.end('here');
        return res
          .writeHead(401, { 'WWW-Authenticate': ['Digest realm="r", nonce="n", qop="auth"', 'Basic realm="r"'] })
          .end();
      },
    });
    const origin = `http://127.0.0.1:${server.port}`;
    const client = new Client({
      auth: { type, username: USER, password: PASSWORD },
      timeouts: { total: 2_000 },
      retry: false,
    });
    const dispatcher = new Dispatcher(client);
    for (const path of ['/page', '/moved', '/wrong']) {
      show(await client.get(`${origin}${path}`));
      show(await client.fetch(`${origin}${path}`));
      show(
        await undiciRequest(`${origin}${path}`, { dispatcher: dispatcher as never }).then(
          ({ statusCode }) => statusCode,
          show,
        ),
      );
    }
    await client.get(`http://127.0.0.1:${await freeTcpPort()}/`).catch(show);
    expect(asked.some((each) => each !== '')).toBe(true);
    show(client);
    show(client.stats());
    client.destroy();
    expectSilence(10);
  });

  test.each([
    ['is right', `http://${USER}:${ENCODED}@127.0.0.1:`],
    ['has no host', `http://${USER}:${ENCODED}@:`],
    ['has a scheme of others', `gopher://${USER}:${ENCODED}@127.0.0.1:`],
    ['has a port that is none', `http://${USER}:${ENCODED}@127.0.0.1:9`],
    ['has a space in its host', `http://${USER}:${PASSWORD}@a b:`],
    ['is no URL', `//${USER}:${PASSWORD}@127.0.0.1:`],
  ])('in a URL that %s', async (_, prefix) => {
    const { port } = await start({ handler: (_req, res) => res.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end() });
    const client = new Client({ timeouts: { total: 2_000 }, retry: false });
    const url = `${prefix}${port}/`;
    await client.get(url).then(show, show);
    await client.fetch(url).then(show, show);
    show(client.stats());
    client.destroy();
    expectSilence(3);
  });
});
