import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

import type { ProxyServerOptions } from '../../ts/index.js';
import { createProxyServer } from '../../ts/index.js';
import { proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest } from '../support/test-server.js';

proxiesEndWithTheirTest();
endsWithItsTest();

const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .filter(({ internal, address }) => !internal && !address.startsWith('fe80'));

describe('a proxy that others can reach and that nobody guards is not started', () => {
  const places: [string, ProxyServerOptions][] = [
    ['0.0.0.0', { host: '0.0.0.0' }],
    ['::', { host: '::' }],
    ['[::]', { host: '[::]' }],
    ['all zeros, in full', { host: '0:0:0:0:0:0:0:0' }],
    ['0, which is 0.0.0.0', { host: '0' }],
    ['0x0', { host: '0x0' }],
    ['0.0', { host: '0.0' }],
    ['IPv4-mapped 0.0.0.0', { host: '::ffff:0.0.0.0' }],
    ['an address that only looks like loopback: 6to4', { host: '2002:7f00:1::1' }],
    ['an address that only looks like loopback: IPv4-compatible', { host: '::127.0.0.1' }],
    ['an address of a private network', { host: '10.0.0.1' }],
    ['a link-local address', { host: '169.254.1.1' }],
    ['a public address', { host: '8.8.8.8' }],
    ['no rule at all', { host: '0.0.0.0', rules: [] }],
    ['rules that only deny', { host: '0.0.0.0', rules: [{ action: 'deny', cidr: '10.0.0.0/8' }] }],
    ['an upstream alone', { host: '0.0.0.0', upstream: 'socks5://127.0.0.1:1' }],
    ['allowPrivate alone', { host: '0.0.0.0', allowPrivate: true }],
    ['limits alone', { host: '0.0.0.0', maxConnections: 1, maxConnectionsPerIp: 1 }],
    ['a balancer in front of the loopback, by PROXY heads', { proxyProtocol: 'required' }],
    ['a balancer in front of the loopback, by Forwarded', { trustProxy: ['127.0.0.1'] }],
    ['open: false', { host: '0.0.0.0', open: false }],
  ];
  for (const { address } of own.slice(0, 2)) places.push([`this host’s own ${address}`, { host: address }]);

  test.each(places)('%s', async (_, options) => {
    await expect(createProxyServer(options)).rejects.toMatchObject({ code: 'MILLRACE_PROXY_OPEN' });
  });

  test('a descriptor, of which nobody knows who can reach it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const error = await createProxyServer({ fd }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'MILLRACE_PROXY_OPEN', message: expect.stringContaining(`descriptor ${fd}`) });
    // It is still its owner's.
    expect((server.address() as AddressInfo).port).toBeGreaterThan(0);
    server.close();
  });

  test('the message says what it needs', async () => {
    await expect(createProxyServer({ host: '0.0.0.0' })).rejects.toThrow(
      'createProxyServer: "0.0.0.0" can be reached by others, so it needs auth, rules or authorize; or open: true',
    );
    await expect(createProxyServer({ host: '0.0.0.0', rules: [{ action: 'deny' }] })).rejects.toThrow(
      'a rule that allows something',
    );
  });
});

describe('a proxy is started', () => {
  test.each<[string, ProxyServerOptions]>([
    ['without a word, on 127.0.0.1', {}],
    ['on another loopback address', { host: '127.9.9.9' }],
    ['on localhost', { host: 'localhost' }],
    ['on IPv4-mapped 127.0.0.1', { host: '::ffff:127.0.0.1' }],
    ['on 127.1', { host: '127.1' }],
    ['for everybody with auth', { host: '0.0.0.0', auth: { username: 'a', password: 'b' } }],
    ['for everybody with a rule that allows', { host: '0.0.0.0', rules: [{ action: 'allow', host: 'a.test' }] }],
    ['for everybody with authorize', { host: '0.0.0.0', authorize: () => false }],
    ['for everybody with open: true', { host: '0.0.0.0', open: true }],
    ['behind a balancer with open: true', { proxyProtocol: 'required', open: true }],
  ])('%s', async (_, options) => {
    const proxy = await startProxy(options);
    expect(proxy.port).toBeGreaterThan(0);
  });

  test('on the path of a Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-proxy-'));
    try {
      const path = join(folder, 'socket');
      expect((await startProxy({ path })).address()).toBe(path);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('without a word, where nobody else can reach it', async () => {
    expect((await startProxy()).address()).toMatchObject({ address: '127.0.0.1' });
  });
});

describe('what is no proxy is not started', () => {
  test.each<[string, object, string, RegExp]>([
    ['an empty host', { host: '' }, 'MILLRACE_INVALID_ARGUMENT', /host/],
    ['an empty host in brackets', { host: '[]' }, 'MILLRACE_INVALID_ARGUMENT', /'host'/],
    ['a rule without an action', { rules: [{ host: 'a' }] }, 'MILLRACE_INVALID_ARGUMENT', /rule 0 must have an action/],
    [
      'a rule with a word of its own',
      { rules: [{ action: 'allow', hots: 'a' }] },
      'MILLRACE_INVALID_ARGUMENT',
      /"hots"/,
    ],
    [
      'a rule with half a block',
      { rules: [{ action: 'allow', cidr: '10.0.0.0/33' }] },
      'MILLRACE_INVALID_ARGUMENT',
      /cidr/,
    ],
    [
      'a rule with a name for a block',
      { rules: [{ action: 'allow', cidr: 'a.test' }] },
      'MILLRACE_INVALID_ARGUMENT',
      /cidr/,
    ],
    [
      'a rule with a star inside',
      { rules: [{ action: 'allow', host: 'a.*.test' }] },
      'MILLRACE_INVALID_ARGUMENT',
      /host/,
    ],
    ['a rule with port 0', { rules: [{ action: 'allow', ports: [0] }] }, 'MILLRACE_INVALID_ARGUMENT', /ports/],
    [
      'a rule with ports backwards',
      { rules: [{ action: 'allow', ports: [[9, 8]] }] },
      'MILLRACE_INVALID_ARGUMENT',
      /ports/,
    ],
    ['a rule with no ports', { rules: [{ action: 'allow', ports: [] }] }, 'MILLRACE_INVALID_ARGUMENT', /ports/],
    ...(
      [
        ['a colon in the name', { username: 'a:b', password: 'c' }, /by Basic: the user name has a colon/],
        ['a line end in the name', { username: 'a\r\nb', password: 'c' }, /by Basic: there are control characters/],
        ['a DEL in the password', { username: 'a', password: 'c\x7f' }, /by Basic: there are control characters/],
        ['a name of 256 bytes', { username: 'é'.repeat(128), password: 'c' }, /by SOCKS5: the user name is longer/],
        ['a password of 256', { username: 'a', password: 'p'.repeat(256) }, /by SOCKS5: the password is longer/],
        ['half a character', { username: 'a\ud800', password: 'c' }, /half of a surrogate pair/],
      ] as const
    ).map(([what, auth, message]): [string, object, string, RegExp] => [
      `auth with ${what}`,
      { auth },
      'MILLRACE_PROXY_CREDENTIALS_INVALID',
      message,
    ]),
    ['auth with no name', { auth: { username: '', password: 'c' } }, 'MILLRACE_INVALID_ARGUMENT', /"auth" must be/],
    [
      'an upstream’s name with a colon',
      { upstream: 'http://a%3Ab:c@proxy.test' },
      'MILLRACE_PROXY_CREDENTIALS_INVALID',
      /colon/,
    ],
    ['an upstream of no kind', { upstream: 'ftp://a' }, 'MILLRACE_PROXY_URL_INVALID', /ftp/],
    ['a port and a path', { port: 1, path: '/x' }, 'MILLRACE_INVALID_ARGUMENT', /port.*path|path.*port/],
    ['a misspelt option', { alowPrivate: true }, 'MILLRACE_UNKNOWN_OPTION', /allowPrivate/],
  ])('%s', async (_, options, code, message) => {
    const error = (await createProxyServer(options as ProxyServerOptions).catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(message);
  });

  test('one whose upstream is itself', async () => {
    const first = await startProxy();
    const { port } = first;
    first.destroy();
    await once(first, 'close');
    for (const upstream of [
      `socks5://127.0.0.1:${port}`,
      `http://localhost:${port}`,
      [`http://127.0.0.1:${port}`, 'socks5://a'],
    ]) {
      const error = await createProxyServer({ port, upstream }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'MILLRACE_PROXY_LOOP' });
    }
  });
});
