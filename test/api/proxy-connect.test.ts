// Handshakes with scripted proxies: authentication, ends and resets in every state, and what is asked of them.
import { createHash } from 'node:crypto';
import type { LookupFunction } from 'node:net';

import type { ConnectOptions, MillraceError } from '../../ts/index.js';
import { HttpAgent, HttpsAgent } from '../../ts/compat/agent.js';
import { Client, connect, createProxyServer, TlsContext } from '../../ts/index.js';
import { Authority } from '../support/pki.js';
import type { RawClient } from '../support/raw-client.js';
import type { Script } from '../support/scripted-proxy.js';
import { httpReply, inTurn, ScriptedProxy, scriptedProxiesEndWithTheirTest } from '../support/scripted-proxy.js';
import { socks4Reply, socks5Reply } from '../support/scripted-proxy.js';
import { rest } from '../support/test-listener.js';
import { endsWithItsTest } from '../support/test-server.js';

scriptedProxiesEndWithTheirTest();
endsWithItsTest();

const TARGET = { host: '192.0.2.9', port: 443 };
const BASIC = 'Proxy-Authenticate: Basic realm="r"';
const SECRET = 'open sesame';
const USER = 'al%40ice:open%20sesame';

async function failureOf(options: Partial<ConnectOptions>): Promise<MillraceError> {
  return connect({ ...TARGET, ...options }).then(
    () => Promise.reject(new Error('it is open')),
    (error: MillraceError) => error,
  );
}

/** The head that comes next, its fields by their names in lower case. */
async function headOf(peer: RawClient): Promise<{ line: string; fields: Record<string, string> }> {
  const [line, ...rows] = (await peer.until('\r\n\r\n')).trimEnd().split('\r\n');
  const pairs = rows.map((row) => /^([^:]+): (.*)$/.exec(row)?.slice(1) as [string, string]);
  return { line, fields: Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value])) };
}

describe('each reply has its code', () => {
  test.each([
    [1, 'SOCKS_GENERAL_FAILURE', true],
    [2, 'SOCKS_FORBIDDEN', false],
    [3, 'SOCKS_NETWORK_UNREACHABLE', true],
    [4, 'SOCKS_HOST_UNREACHABLE', true],
    [5, 'SOCKS_CONNECTION_REFUSED', true],
    [6, 'SOCKS_TTL_EXPIRED', true],
    [7, 'SOCKS_COMMAND_UNSUPPORTED', false],
    [8, 'SOCKS_ADDRESS_UNSUPPORTED', false],
  ])('SOCKS5 reply %i: %s', async (reply, code, retryable) => {
    const proxy = await ScriptedProxy.start((peer) => inTurn(peer, ['\x05\0', socks5Reply(reply)]));
    const error = await failureOf({ proxy: proxy.url('socks5') });
    expect(error).toMatchObject({ code: `MILLRACE_${code}`, phase: 'proxy', retryable });
    expect(error.message).toContain(`at the proxy ${proxy.url('socks5')}`);
  });

  test.each([
    [91, 'SOCKS4_REJECTED', true],
    [92, 'SOCKS4_IDENTD_UNREACHABLE', false],
    [93, 'SOCKS4_USER_REJECTED', false],
  ])('SOCKS4 reply %i: %s', async (reply, code, retryable) => {
    const proxy = await ScriptedProxy.start((peer) => inTurn(peer, [socks4Reply(reply)]));
    const error = await failureOf({ proxy: proxy.url('socks4') });
    expect(error).toMatchObject({ code: `MILLRACE_${code}`, phase: 'proxy', retryable });
  });

  test('of a chain, the message names the proxy that refused', async () => {
    const proxy = await ScriptedProxy.start((peer) => inTurn(peer, ['\x05\0', socks5Reply(0), httpReply(503)]));
    const error = await failureOf({ proxy: [proxy.url('socks5h'), 'http://ann:secret@second.test:8080'] });
    expect(error).toMatchObject({ code: 'MILLRACE_PROXY_STATUS', phase: 'proxy' });
    expect(error.message).toContain('at the proxy http://second.test:8080: 503 Because');
  });

  test('an address for which the proxy closes, as ssh does, is followed by the next of the name', async () => {
    const asked: string[] = [];
    const proxy = await ScriptedProxy.start(async (peer, number) => {
      await inTurn(peer, ['\x05\0']);
      asked.push((await peer.more()).toString('hex', 4, 8));
      if (number < 2) peer.end();
      else peer.send(socks5Reply(0));
    });
    const addresses = [1, 2, 3, 4].map((at) => ({ address: `192.0.2.${at}`, family: 4 }));
    const resolver: LookupFunction = (_host, _options, callback) => callback(null, addresses);
    const socket = await connect({ host: 'far.test', port: 443, proxy: proxy.url('socks5'), resolver });
    expect(asked).toEqual(['c0000201', 'c0000202', 'c0000203']);
    socket.destroy();
  });

  test('an address that cannot be reached is followed by the next of the name', async () => {
    const asked: string[] = [];
    const proxy = await ScriptedProxy.start(async (peer, number) => {
      await inTurn(peer, ['\x05\0']);
      asked.push((await peer.more()).toString('hex', 3, 4));
      peer.send(socks5Reply(number === 0 ? 4 : 0));
    });
    const socket = await connect({ host: 'localhost', port: 443, proxy: proxy.url('socks5') }).catch(
      (error: MillraceError) => error,
    );
    // Where localhost has one address the one failure is told.
    if (asked.length === 1) expect(socket).toMatchObject({ code: 'MILLRACE_SOCKS_HOST_UNREACHABLE' });
    else expect(asked).toHaveLength(2);
    if ('destroy' in socket) socket.destroy();
  });
});

describe('what is asked', () => {
  test.each([
    ['socks4', 'ann', '192.0.2.9', '040101bb' + 'c0000209' + '616e6e00'],
    ['socks4a', '', 'far.test', '040101bb' + '00000001' + '00' + Buffer.from('far.test\0').toString('hex')],
    ['socks5h', '', 'far.test', '05010003' + '08' + Buffer.from('far.test').toString('hex') + '01bb'],
    ['socks5', '', '2001:db8::1', '05010004' + '20010db8000000000000000000000001' + '01bb'],
  ])('by %s, user %p, %s', async (kind, user, host, wanted) => {
    let request = '';
    const proxy = await ScriptedProxy.start(async (peer) => {
      if (kind.startsWith('socks5')) await inTurn(peer, ['\x05\0']);
      request = (await peer.more()).toString('hex');
      peer.send(kind.startsWith('socks5') ? socks5Reply(0) : socks4Reply(90)).end();
    });
    const socket = await connect({ host, port: 443, proxy: proxy.url(kind, user) });
    expect(request).toBe(wanted);
    await socket.close();
  });

  test('a password of SOCKS5 goes out once it is asked for, and an empty one has the length 0', async () => {
    const seen: string[] = [];
    const proxy = await ScriptedProxy.start(async (peer) => {
      for (const part of ['\x05\x02', '\x01\0', socks5Reply(0)]) {
        seen.push((await peer.more()).toString('latin1'));
        peer.send(part);
      }
      peer.end();
    });
    const socket = await connect({ ...TARGET, proxy: proxy.url('socks5', 'ann') });
    expect(seen.slice(0, 2)).toEqual(['\x05\x02\0\x02', '\x01\x03ann\0']);
    await socket.close();
  });

  test('a CONNECT carries the fields of the caller, and no credentials before they are asked for', async () => {
    const heads: Awaited<ReturnType<typeof headOf>>[] = [];
    const proxy = await ScriptedProxy.start(async (peer) => {
      heads.push(await headOf(peer));
      peer.send(httpReply(407, BASIC));
      heads.push(await headOf(peer));
      peer.send('HTTP/1.1 200 OK\r\n\r\nfirst words').end();
    });
    const url = proxy.url('http', USER);
    const socket = await connect({ host: '::1', port: 443, proxy: { url, headers: { 'x-trace': 'abc' } } });
    expect((await rest(socket)).toString()).toBe('first words');
    const common = { line: 'CONNECT [::1]:443 HTTP/1.1', fields: { host: '[::1]:443', 'x-trace': 'abc' } };
    expect(heads[0]).toEqual(common);
    const token = Buffer.from('al@ice:open sesame').toString('base64');
    expect(heads[1].fields).toEqual({ ...common.fields, 'proxy-authorization': `Basic ${token}` });
    await socket.close();
  });

  test.each(['MD5', 'SHA-256'])('Digest by %s is answered as RFC 7616 says, over a second connection', async (name) => {
    const hash = (text: string): string => createHash(name.replace('-', '').toLowerCase()).update(text).digest('hex');
    let shown: Record<string, string> = {};
    const challenge = `Proxy-Authenticate: Digest realm="r", nonce="n0", qop="auth", algorithm=${name}, opaque="o"`;
    const proxy = await ScriptedProxy.start(async (peer, number) => {
      const { fields } = await headOf(peer);
      if (number === 0) return peer.send(httpReply(407, BASIC, challenge, 'Connection: close')).end();
      const pairs = (fields['proxy-authorization'] ?? '').matchAll(/(\w+)="?([^",]*)"?/g);
      shown = Object.fromEntries([...pairs].map(([, key, value]) => [key, value]));
      return peer.send('HTTP/1.1 200 OK\r\n\r\n').end();
    });
    const socket = await connect({ ...TARGET, proxy: proxy.url('http', 'ann:open%20sesame') });
    const secret = hash(`ann:r:${SECRET}`);
    const { nc, cnonce } = shown;
    const response = hash(`${secret}:n0:${nc}:${cnonce}:auth:${hash('CONNECT:192.0.2.9:443')}`);
    expect(shown).toMatchObject({ username: 'ann', uri: '192.0.2.9:443', opaque: 'o', nc: '00000001', response });
    expect(proxy.peers).toHaveLength(2);
    await socket.close();
  });
});

describe('a proxy that wants other credentials for ever', () => {
  test.each([
    ['Basic, over one connection', [BASIC], 2, 1],
    ['Basic, over a new one each time', [BASIC, 'Connection: close'], 2, 2],
    ['a Digest that is stale each time', ['Proxy-Authenticate: Digest realm="r", nonce="n", stale=true'], 4, 1],
  ])('is told so after %s', async (_what, fields, requests, connections) => {
    let asked = 0;
    const proxy = await ScriptedProxy.start(async (peer) => {
      for (;;) {
        await headOf(peer);
        asked++;
        peer.send(httpReply(407, ...fields));
        if (fields.includes('Connection: close')) return peer.end();
      }
    });
    const error = await failureOf({ proxy: proxy.url('http', USER) });
    expect(error).toMatchObject({ code: 'MILLRACE_PROXY_AUTHENTICATION_REQUIRED', phase: 'proxy', retryable: false });
    expect(error.message).toContain('407 Because');
    expect({ asked, connections: proxy.peers.length }).toEqual({ asked: requests, connections });
  });

  test('a 407 whose body has no end is left for another connection', async () => {
    const proxy = await ScriptedProxy.start(async (peer, number) => {
      await headOf(peer);
      if (number > 0) return peer.send('HTTP/1.1 200 OK\r\n\r\n').end();
      peer.send(`HTTP/1.1 407 No\r\n${BASIC}\r\nTransfer-Encoding: chunked\r\n\r\n`);
      const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
      while (!peer.socket.destroyed) await peer.sent(chunk);
      return undefined;
    });
    const socket = await connect({ ...TARGET, proxy: proxy.url('http', USER) });
    expect(proxy.peers).toHaveLength(2);
    await socket.close();
  });

  test.each(['NTLM', 'Negotiate', 'Bearer realm="r"'])('%s alone is not answered', async (scheme) => {
    const proxy = await ScriptedProxy.start(async (peer) => {
      await headOf(peer);
      peer.send(httpReply(407, `Proxy-Authenticate: ${scheme}`));
    });
    expect(await failureOf({ proxy: proxy.url('http', USER) })).toMatchObject({
      ...{ code: 'MILLRACE_PROXY_AUTHENTICATION_UNSUPPORTED', phase: 'proxy', retryable: false },
    });
  });
});

/** All that a proxy says until a tunnel is open, by kind, in the parts in which it answers. */
const DIALOGUES: Record<string, string[]> = {
  socks4: [socks4Reply(90)],
  socks5: ['\x05\x02', '\x01\0', socks5Reply(0)],
  http: [httpReply(407, BASIC), 'HTTP/1.1 200 OK\r\nVia: a\r\n\r\n'],
};

describe.each(Object.entries(DIALOGUES))('a proxy by %s that goes away', (kind, parts) => {
  const whole = parts.join('');
  /** Says so many bytes of it, then leaves. */
  const until = (count: number, leave: (peer: RawClient) => unknown): Script => {
    let left = count;
    return async (peer) => {
      for (const part of parts) {
        await peer.more();
        await peer.sent(part.slice(0, left));
        if ((left -= part.length) < 0) break;
      }
      leave(peer);
    };
  };

  test('after each byte: the end is told as such', async () => {
    for (let count = 0; count < whole.length; count++) {
      const proxy = await ScriptedProxy.start(until(count, (peer) => peer.end()));
      const error = await failureOf({ proxy: proxy.url(kind, kind === 'socks4' ? 'ann' : USER) });
      expect([count, error.code, error.phase, error.retryable]).toEqual([
        count,
        'MILLRACE_PROXY_CLOSED',
        'proxy',
        true,
      ]);
    }
  });

  test('with a reset, after each part', async () => {
    for (let place = 0; place < parts.length; place++) {
      const count = parts.slice(0, place).join('').length;
      const proxy = await ScriptedProxy.start(until(count, (peer) => peer.reset()));
      const error = await failureOf({ proxy: proxy.url(kind, kind === 'socks4' ? 'ann' : USER) });
      expect([place, error.code, error.phase, error.retryable]).toEqual([
        place,
        'MILLRACE_CONNECTION_RESET',
        'proxy',
        true,
      ]);
    }
  });

  test('having said everything: the tunnel is open, byte by byte', async () => {
    const proxy = await ScriptedProxy.start(async (peer) => {
      for (const part of parts) {
        await peer.more();
        for (const byte of part) await peer.sent(byte);
      }
      peer.send('ok').end();
    });
    const socket = await connect({ ...TARGET, proxy: proxy.url(kind, kind === 'socks4' ? 'ann' : USER) });
    expect((await rest(socket)).toString()).toBe('ok');
    await socket.close();
  });
});

describe('TLS with the proxy comes first', () => {
  test('a certificate that is not trusted is of the proxy, in the phase tls', async () => {
    const { cert, key } = await (await Authority.root()).issue();
    const proxy = await ScriptedProxy.start(() => undefined, { cert, key });
    const error = await failureOf({ proxy: { url: `https://ann:secret@localhost:${proxy.port}` } });
    expect(error).toMatchObject({ phase: 'tls', retryable: false });
    expect(error.message).toContain(`at the proxy https://localhost:${proxy.port}`);
    expect(proxy.peers).toHaveLength(0);
  });

  test('the fields and the password are within it', async () => {
    const root = await Authority.root();
    const { cert, key } = await root.issue();
    const proxy = await ScriptedProxy.start(
      async (peer) => {
        await headOf(peer);
        peer.send(httpReply(407, BASIC));
        const { fields } = await headOf(peer);
        peer.send(`HTTP/1.1 200 OK\r\n\r\n${fields['proxy-authorization']}`).end();
      },
      { cert, key },
    );
    const tls = await TlsContext.client({ ca: root.cert });
    const socket = await connect({ ...TARGET, proxy: { url: `https://a:b@localhost:${proxy.port}`, tls } });
    expect((await rest(socket)).toString()).toBe(`Basic ${Buffer.from('a:b').toString('base64')}`);
    await socket.close();
  });

  test.each(['with it', 'later'])(
    'a 407 that ends the session has the proxy dialled again; its end comes %s',
    async (end) => {
      const root = await Authority.root();
      const { cert, key } = await root.issue();
      const proxy = await ScriptedProxy.start(
        async (peer, number) => {
          await headOf(peer);
          if (number > 0) return peer.send('HTTP/1.1 200 OK\r\n\r\nopen').end();
          await peer.sent(httpReply(407, BASIC, 'Connection: close'));
          if (end === 'later') await new Promise((resolve) => setTimeout(resolve, 30));
          return peer.end();
        },
        { cert, key },
      );
      const tls = await TlsContext.client({ ca: root.cert });
      const hop = { url: `https://a:b@localhost:${proxy.port}`, tls };
      const socket = await connect({ ...TARGET, proxy: hop, timeouts: { tls: 5_000 } });
      expect((await rest(socket)).toString()).toBe('open');
      expect(proxy.peers).toHaveLength(2);
      await socket.close();
    },
  );

  test('a proxy that does not speak it', async () => {
    const proxy = await ScriptedProxy.start((peer) => inTurn(peer, [httpReply(400)]));
    expect(await failureOf({ proxy: proxy.url('https') })).toMatchObject({ phase: 'tls' });
  });
});

describe('what this kind of proxy cannot be asked is refused before it is', () => {
  test.each<[string, Partial<ConnectOptions>, string]>([
    ['IPv6 of SOCKS4', { host: '2001:db8::1', proxy: 'socks4://127.0.0.1:1' }, 'MILLRACE_PROXY_TARGET_UNSUPPORTED'],
    ['a name of 256 bytes', { host: 'x'.repeat(256), proxy: 'socks5h://127.0.0.1:1' }, 'MILLRACE_PROXY_TARGET_INVALID'],
    [
      'a password of 256 bytes',
      { proxy: { url: 'socks5://127.0.0.1:1', username: 'a', password: 'x'.repeat(256) } },
      'MILLRACE_PROXY_CREDENTIALS_INVALID',
    ],
    [
      'a line end in a name of Basic',
      { proxy: { url: 'http://127.0.0.1:1', username: 'a\r\nb', password: '' } },
      'MILLRACE_PROXY_CREDENTIALS_INVALID',
    ],
    ...[
      'http://a%3Ab:c@127.0.0.1:1',
      'https://a:c%00@127.0.0.1:1',
      'socks5://:c@127.0.0.1:1',
      `socks5h://${'a'.repeat(256)}@127.0.0.1:1`,
      'socks4://a:c@127.0.0.1:1',
      'socks4a://a%00b@127.0.0.1:1',
      `socks4a://${'a'.repeat(256)}@127.0.0.1:1`,
      { url: 'http://127.0.0.1:1', password: 'c' },
      { url: 'socks5://127.0.0.1:1', username: 'a\udc00' },
      ['http://127.0.0.1:1', 'socks5://:c@127.0.0.1:1'],
    ].map((proxy): [string, Partial<ConnectOptions>, string] => [
      `what cannot be sent: ${JSON.stringify(proxy).slice(0, 60)}`,
      { proxy },
      'MILLRACE_PROXY_CREDENTIALS_INVALID',
    ]),
  ])('%s', async (_what, options, code) => {
    expect(await failureOf(options)).toMatchObject({ code });
  });

  test('and what holds to 255 bytes is sent whole', async () => {
    const name = 'n'.repeat(255);
    const proxy = await createProxyServer({ auth: { username: name, password: name } });
    const refused = await failureOf({
      host: '127.0.0.1',
      port: 1,
      proxy: `socks5h://${name}:${name}@127.0.0.1:${proxy.port}`,
    });
    expect(refused).toMatchObject({ code: 'MILLRACE_SOCKS_CONNECTION_REFUSED' });
    expect(proxy.stats().unauthenticated).toBe(0);
    proxy.destroy();
  });

  test('by a client and by agents when they are made, and no message has the words', () => {
    const proxy = 'http://some%3Abody:s3cret@127.0.0.1:1';
    for (const make of [
      () => new Client({ proxy }),
      () => new Client({ origins: { 'a.test': { proxy } } }),
      () => new HttpAgent({ proxy }),
      () => new HttpsAgent({ proxy: ['http://127.0.0.1:1', proxy] }),
    ]) {
      const code = 'MILLRACE_PROXY_CREDENTIALS_INVALID';
      expect(make).toThrow(expect.objectContaining({ code }) as Error);
      expect(make).not.toThrow(/some|body|s3cret/);
    }
  });
});
