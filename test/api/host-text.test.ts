import { comparableHost, withoutBrackets } from '../../ts/dns/host-text.js';
import { connect } from '../../ts/index.js';
import { NoProxy } from '../../ts/proxy/no-proxy.js';
import { Rules } from '../../ts/proxy-server/rules.js';
import { listenersEndWithTheirTest, startListener } from '../support/test-listener.js';
import { ask, connectHead, proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { Authority } from '../support/pki.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest } from '../support/test-server.js';

listenersEndWithTheirTest();
proxiesEndWithTheirTest();
endsWithItsTest();

test.each([
  ['[::1]', '::1', '::1'],
  ['[2001:DB8::1]', '2001:DB8::1', '2001:db8::1'],
  ['[fe80::1%lo]', 'fe80::1%lo', 'fe80::1%lo'],
  ['::1', '::1', '::1'],
  ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
  ['Example.COM.', 'Example.COM.', 'example.com'],
  ['localhost..', 'localhost..', 'localhost.'],
  ['', '', ''],
  // Brackets are of IPv6 alone, and both of them.
  ['[localhost]', '[localhost]', '[localhost]'],
  ['[127.0.0.1]', '[127.0.0.1]', '[127.0.0.1]'],
  ['[]', '[]', '[]'],
  ['[::1', '[::1', '[::1'],
  ['::1]', '::1]', '::1]'],
  ['[::1].', '[::1].', '[::1]'],
  ['[[::1]]', '[[::1]]', '[[::1]]'],
])('%s is %s without brackets, and compared as %s', (host, plain, compared) => {
  expect(withoutBrackets(host)).toBe(plain);
  expect(comparableHost(host)).toBe(compared);
});

test('NO_PROXY and the rules of a proxy compare a host alike', () => {
  const spellings: [string, string, boolean][] = [
    ['example.com', 'EXAMPLE.com.', true],
    ['Example.com.', 'example.com', true],
    ['[2001:db8::1]', '2001:db8:0::1', true],
    ['2001:db8::1', '2001:DB8::1', true],
    ['.example.com', 'a.Example.com.', true],
    ['.example.com', 'example.com', false],
    ['[example.com]', 'example.com', false],
    ['example.com', '[example.com]', false],
  ];
  for (const [pattern, host, matches] of spellings) {
    const address = host.includes(':') ? host : '192.0.2.1';
    const rules = new Rules([{ action: 'allow', host: pattern }]);
    expect([pattern, host, new NoProxy(pattern).matches(host, 1)]).toEqual([pattern, host, matches]);
    expect([pattern, host, rules.allows({ host, address, port: 1 })]).toEqual([pattern, host, matches]);
  }
});

test('connect takes an address of IPv6 in brackets, also through a proxy, and nothing else in them', async () => {
  const { port } = await startListener((socket) => void socket.end('hello'), { host: '::1' });
  const { port: mapped } = await startListener((socket) => socket.destroy(), { host: '127.0.0.1' });
  const proxy = await startProxy();
  for (const kind of [null, 'socks5', 'socks5h', 'http']) {
    const way = kind === null ? null : `${kind}://127.0.0.1:${proxy.port}`;
    const socket = await connect({ host: '[::1]', port, proxy: way });
    let text = '';
    for await (const chunk of socket) text += Buffer.from(chunk).toString();
    socket.destroy();
    expect([kind, text]).toEqual([kind, 'hello']);
  }
  for (const host of ['[127.0.0.1]', '[localhost]', '[::1', '::1]']) {
    await expect(connect({ host, port: mapped })).rejects.toMatchObject({ code: 'MILLRACE_DNS_NAME_INVALID' });
  }
});

test('the certificate of an address in brackets is that of the address', async () => {
  const root = await Authority.root();
  const { cert, key } = await root.issue({ names: ['::1'] });
  const listener = await startListener((socket) => void socket.end('hello'), { host: '::1', tls: { cert, key } });
  const socket = await connect({ host: '[::1]', port: listener.port, tls: { ca: root.cert } });
  expect(socket.tls).toMatchObject({ authorizationError: null });
  socket.destroy();
});

test('a proxy listens on an address in brackets, and is asked for one; half a bracket is none', async () => {
  const { port } = await startListener((socket) => void socket.end('hello'), { host: '::1' });
  const proxy = await startProxy({ host: '[::1]' });
  const place = { host: '::1', port: proxy.port };
  for (const way of ['connect', 'socks5'] as const) {
    const { client, opened } = await ask(place, way, '::1', port);
    expect([way, opened]).toEqual([way, true]);
    expect((await client.rest()).toString()).toBe('hello');
  }
  for (const host of ['[::1', '[localhost]', '[127.0.0.1]']) {
    const client = await RawClient.connect(place);
    client.send(connectHead(host, port));
    expect(await client.until('\r\n')).toMatch(/^HTTP\/1\.1 (400|502) /);
  }
  await expect(startProxy({ host: '[localhost]' })).rejects.toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT' });
});
