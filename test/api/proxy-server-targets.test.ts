import { isIP } from 'node:net';

import type { Listener, ProxyRule, ProxyServer } from '../../ts/index.js';
import type { GatewayOptions, ProxyRequest, Way as Route } from '../../ts/proxy-server/gateway.js';
import { Gateway } from '../../ts/proxy-server/gateway.js';
import { isOwn, isReserved, sameAddress } from '../../ts/proxy-server/reserved-addresses.js';
import { Rules } from '../../ts/proxy-server/rules.js';
import { routeOf } from '../../ts/proxy/route.js';
import { listenersEndWithTheirTest, startListener } from '../support/test-listener.js';
import type { Way } from '../support/test-proxy.js';
import { ask, connectHead, proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest } from '../support/test-server.js';
import { networkInterfaces } from 'node:os';

listenersEndWithTheirTest();
proxiesEndWithTheirTest();
endsWithItsTest();

/** Addresses that are not of the public internet. */
const IPV4 = [
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '0.1.2.3',
  '10.1.2.3',
  '100.64.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
];
const IPV6 = [
  '::1',
  '::',
  '0:0:0:0:0:0:0:1',
  'fe80::1',
  'febf::1',
  'fc00::1',
  'fd00:ec2::254',
  'fec0::1',
  'ff02::1',
  '2001:db8::1',
  '2001:2::1',
  '2001:10::1',
  '2001:20::1',
  '3fff::1',
  '5f00::1',
  '100::1',
  '64:ff9b:1::808:808',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:0:127.0.0.1',
  '::127.0.0.1',
  '::10.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '2002:7f00:1::',
  '2002:a9fe:a9fe::1',
  '2001:0:0:0:0:0:80ff:fefe',
  '2a00:1450::5efe:10.0.0.1',
  '2a00:1450::200:5efe:10.0.0.1',
];
/** Addresses of it that look much like them. */
const PUBLIC = [
  '1.1.1.1',
  '11.0.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '126.255.255.255',
  '128.0.0.1',
  '169.253.1.1',
  '172.15.255.255',
  '172.32.0.1',
  '192.167.1.1',
  '192.169.1.1',
  '223.255.255.255',
  '2606:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
  '2002:808:808::1',
  '2a00:1450::1',
  'fbff::1',
];
/** Other spellings of 127.0.0.1, which resolvers read as addresses, and names of this host. */
const SPELLED = [
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '017700000001',
  '127.0.0.1.',
  '0',
  'localhost',
  'LOCALHOST',
  'localhost.',
];

test.each([...IPV4, ...IPV6])('%s is reserved', (address) => expect(isReserved(address)).toBe(true));
test.each(PUBLIC)('%s is not reserved', (address) => expect(isReserved(address)).toBe(false));
test('a zone changes nothing', () => {
  expect(isReserved('fe80::1%lo')).toBe(true);
  expect(isReserved('::1%lo')).toBe(true);
  expect(isReserved('2606:4700::1111%lo')).toBe(false);
});

test('this host’s own addresses are known, in each spelling, and others are not', () => {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  expect(own.length).toBeGreaterThan(0);
  for (const { address, family } of own) {
    expect(isOwn(address)).toBe(true);
    if (family === 'IPv4') expect(isOwn(`::ffff:${address}`)).toBe(true);
  }
  expect(isOwn('8.8.8.8')).toBe(false);
  expect(isOwn('2606:4700::1111')).toBe(false);
  expect(sameAddress('1.1.1.1', '1.0.0.1')).toBe(false);
  expect(sameAddress('::ffff:1.1.1.1', '1.1.1.1')).toBe(true);
  expect(sameAddress('2606:4700:0:0::1111', '2606:4700::1111')).toBe(true);
});

describe('a proxy without allowPrivate', () => {
  const ways: [string, Way, string, boolean][] = [
    ...IPV4.filter((address) => !address.startsWith('0.')).map(
      (address) => ['SOCKS4', 'socks4', address, false] as never,
    ),
    ...IPV4.map((address) => ['SOCKS5, type 1,', 'socks5', address, false] as never),
    ...IPV6.map((address) => ['SOCKS5, type 4,', 'socks5', address, false] as never),
    ...[...IPV4, ...IPV6].map((address) => ['SOCKS5, type 3,', 'socks5', address, true] as never),
    ...SPELLED.map((name) => ['SOCKS5, type 3,', 'socks5', name, true] as never),
    ...SPELLED.map((name) => ['SOCKS4a', 'socks4a', name, true] as never),
    ...[...IPV4, ...IPV6, ...SPELLED].map((host) => ['CONNECT', 'connect', host, false] as never),
    ...[...IPV4, ...IPV6, ...SPELLED].map((host) => ['GET http:', 'forward', host, false] as never),
  ];

  test('reaches none of them, by SOCKS4, 4a, 5 with each type of address, CONNECT, or in absolute form', async () => {
    const canary = jest.fn();
    const { port } = await startListener(canary, { host: '::' });
    const proxy = await startProxy({ allowPrivate: false });
    const reached: string[] = [];
    for (const [label, way, host, asName] of ways) {
      const { client, opened, reply, head } = await ask(proxy, way, host, port, { asName });
      const isPlain = isIP(host) !== 0 || host.toLowerCase().startsWith('localhost');
      // What reads as no address may not resolve either, which is as good.
      const wanted = {
        socks4: [91],
        socks4a: [91],
        socks5: isPlain ? [2] : [2, 4],
        connect: isPlain ? [403] : [403, 502],
        forward: [403],
      };
      if (opened || !wanted[way].includes(reply)) reached.push(`${label} ${host}: ${reply}`);
      if (reply === 403) expect(head).toContain('Proxy-Status: millrace; error=destination_ip_prohibited\r\n');
      await client.closed();
      client.destroy();
    }
    expect(reached).toEqual([]);
    expect(canary).not.toHaveBeenCalled();
    const forwards = ways.filter(([, way]) => way === 'forward').length;
    expect(proxy.stats()).toMatchObject({
      forwarded: 0,
      tunnels: { active: 0, ended: 0, failed: ways.length - forwards },
    });
  });

  test.each([
    ['a zone in brackets', '[fe80::1%25lo]'],
    ['a zone as it is', '[::1%lo]'],
    ['half a bracket', '[::1'],
    ['brackets round a name', '[localhost]'],
    ['an escaped name', 'local%68ost'],
    ['a user in front', 'a@localhost'],
  ])('opens no tunnel to %s', async (_, host) => {
    const canary = jest.fn();
    const { port } = await startListener(canary, { host: '::' });
    const proxy = await startProxy({ allowPrivate: false });
    const client = await RawClient.connect(proxy);
    client.send(connectHead(host, port));
    expect(await client.until('\r\n')).toMatch(/^HTTP\/1\.1 (400|403|502) /);
    expect(canary).not.toHaveBeenCalled();
  });

  test('does not connect to a zone that SOCKS names', async () => {
    const canary = jest.fn();
    const { port } = await startListener(canary, { host: '::' });
    const proxy = await startProxy({ allowPrivate: false });
    for (const host of ['::1%lo', 'fe80::1%lo', '::1%1', '[::1]']) {
      const client = await RawClient.connect(proxy);
      const name = Buffer.from(host);
      client.send(
        Buffer.concat([Buffer.from([5, 1, 0, 5, 1, 0, 3, name.length]), name, Buffer.from([port >> 8, port & 255])]),
      );
      await client.exactly(2);
      expect((await client.exactly(4))[1]).not.toBe(0);
    }
    expect(canary).not.toHaveBeenCalled();
  });
});

describe('a proxy on the loopback', () => {
  test('reaches the loopback', async () => {
    const { port } = await startListener((socket) => void socket.end('hello'), { host: '::' });
    const proxy = await startProxy();
    for (const host of ['127.0.0.1', '::1', 'localhost']) {
      const { client, opened } = await ask(proxy, 'socks5', host, port);
      expect(opened).toBe(true);
      expect((await client.rest()).toString()).toBe('hello');
    }
  });

  test('does not reach itself, however it is spelt', async () => {
    const proxy = await startProxy();
    for (const host of ['127.0.0.1', '0.0.0.0', '::', '::ffff:127.0.0.1', '127.1', '0', 'localhost']) {
      const { opened } = await ask(proxy, 'socks5', host, proxy.port);
      expect([host, opened]).toEqual([host, false]);
    }
    expect(proxy.stats().connections.accepted).toBe(7);
  });

  test('does not reach itself where it listens on every address', async () => {
    const proxy = await startProxy({ host: '::', open: true, allowPrivate: true });
    const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
    for (const host of ['127.0.0.1', '127.3.3.3', '::1', '0.0.0.0', ...own]) {
      const { opened, reply } = await ask({ port: proxy.port }, 'socks5', host, proxy.port);
      expect([host, opened, reply]).toEqual([host, false, 2]);
    }
  });
});

/** A gateway that resolves by a script and opens nothing: where it would go. */
class Scripted {
  readonly asked: string[] = [];
  readonly opened: Route[] = [];
  readonly gateway: Gateway;

  constructor(answers: Record<string, string[][]>, rules: ProxyRule[] | null, options: Partial<GatewayOptions> = {}) {
    const stop = new Error('it would go there');
    this.gateway = new Gateway({
      rules: rules === null ? null : new Rules(rules),
      authorize: null,
      allowPrivate: false,
      upstream: () => [],
      isFixed: true,
      handshakeTimeout: 1_000,
      resolve: (host) => {
        this.asked.push(host);
        return Promise.resolve(answers[host].shift() ?? []);
      },
      open: (way) => {
        this.opened.push(way);
        return Promise.reject(stop);
      },
      own: () => null,
      ...options,
    });
  }

  /** The addresses that it would go to; or why it would not. */
  async to(host: string, port = 443): Promise<string[] | string> {
    const request: ProxyRequest = { protocol: 'connect', host, port, username: null, remoteAddress: '', remotePort: 0 };
    const error = (await this.gateway
      .open(request, new AbortController().signal)
      .then(undefined, (thrown: unknown) => thrown)) as { code?: string };
    return error.code ?? this.opened.flatMap(({ addresses }) => addresses);
  }
}

const PROHIBITED = 'MILLRACE_PROXY_TARGET_PROHIBITED';
const FORBIDDEN = 'MILLRACE_PROXY_TARGET_FORBIDDEN';

describe('a name', () => {
  test.each(['10.0.0.1', '127.0.0.1', '169.254.169.254', '::1', 'fd00:ec2::254', '::ffff:10.0.0.1', '64:ff9b::a00:1'])(
    'that resolves to %s is refused',
    async (address) => {
      expect(await new Scripted({ 'a.test': [[address]] }, null).to('a.test')).toBe(PROHIBITED);
    },
  );

  test('that resolves to a private and a public address leads to the public one alone', async () => {
    const scripted = new Scripted({ 'a.test': [['10.0.0.1', '8.8.8.8', '::1']] }, null);
    expect(await scripted.to('a.test')).toEqual(['8.8.8.8']);
  });

  test('that would resolve to a private address when it is asked again leads to what was judged', async () => {
    const scripted = new Scripted({ 'a.test': [['8.8.8.8'], ['10.0.0.1']] }, null);
    expect(await scripted.to('a.test')).toEqual(['8.8.8.8']);
    expect(scripted.asked).toEqual(['a.test']);
    // The next request is judged by the next answer.
    expect(await scripted.to('a.test')).toBe(PROHIBITED);
  });

  test('that resolves to nothing is refused', async () => {
    expect(await new Scripted({ 'a.test': [[]] }, null).to('a.test')).toBe(PROHIBITED);
  });
});

describe('rules', () => {
  const MIXED: ProxyRule[] = [
    { action: 'deny', cidr: '8.8.4.0/24' },
    { action: 'deny', host: 'not.example.com' },
    { action: 'allow', host: '.example.com', ports: [443, [8000, 8100]] },
    { action: 'allow', cidr: '8.8.0.0/16' },
    { action: 'deny', host: '9.9.9.9' },
    { action: 'allow', host: 'any.test' },
  ];
  test.each<[string, string, number, string[], string[] | string]>([
    ['an address of an allowed block', '8.8.8.8', 1, [], ['8.8.8.8']],
    ['an address of a denied block within it', '8.8.4.4', 443, [], FORBIDDEN],
    ['the same, mapped', '::ffff:8.8.4.4', 443, [], FORBIDDEN],
    ['the same behind NAT64', '64:ff9b::8.8.4.4', 443, [], FORBIDDEN],
    ['a name that resolves to it', 'any.test', 443, ['8.8.4.4'], FORBIDDEN],
    ['a name under an allowed one that resolves to it', 'a.example.com', 443, ['8.8.4.4'], FORBIDDEN],
    ['a name that resolves to it and to another', 'any.test', 443, ['8.8.4.4', '1.1.1.1'], ['1.1.1.1']],
    ['a name under an allowed one', 'a.example.com', 443, ['1.1.1.1'], ['1.1.1.1']],
    ['a name two under an allowed one', 'b.a.example.com', 8000, ['1.1.1.1'], ['1.1.1.1']],
    ['the same in upper case, with its dot', 'B.A.EXAMPLE.COM.', 8100, ['1.1.1.1'], ['1.1.1.1']],
    ['the allowed name itself, which is not under it', 'example.com', 443, ['1.1.1.1'], FORBIDDEN],
    ['a name that only ends like it', 'badexample.com', 443, ['1.1.1.1'], FORBIDDEN],
    ['a denied name under it', 'not.example.com', 443, ['1.1.1.1'], FORBIDDEN],
    ['a denied name in upper case', 'NOT.Example.com.', 443, ['1.1.1.1'], FORBIDDEN],
    ['a port below the range', 'a.example.com', 7999, ['1.1.1.1'], FORBIDDEN],
    ['a port above the range', 'a.example.com', 8101, ['1.1.1.1'], FORBIDDEN],
    ['a name that no rule has', 'b.test', 443, ['1.1.1.1'], FORBIDDEN],
    ['a name that resolves to an allowed block', 'b.test', 443, ['8.8.8.8'], ['8.8.8.8']],
    ['a name that resolves to a denied address', 'any.test', 443, ['9.9.9.9'], FORBIDDEN],
    ['a name that resolves to a private address, though allowed', 'any.test', 443, ['10.0.0.1'], PROHIBITED],
  ])('%s', async (_, host, port, addresses, wanted) => {
    expect(await new Scripted({ [host]: [addresses] }, MIXED).to(host, port)).toEqual(wanted);
  });

  test.each([
    ['bücher.test', 'xn--bcher-kva.test'],
    ['xn--bcher-kva.test', 'BÜCHER.test.'],
    ['*.bücher.test', 'www.xn--bcher-kva.test'],
    ['.xn--bcher-kva.test', 'www.bücher.test'],
  ])('a name of another script is denied by %s, and asked for as %s', async (pattern, host) => {
    const rules: ProxyRule[] = [{ action: 'deny', host: pattern }, { action: 'allow' }];
    expect(await new Scripted({ [host]: [['1.1.1.1']] }, rules).to(host)).toBe(FORBIDDEN);
    expect(await new Scripted({ 'b.test': [['1.1.1.1']] }, rules).to('b.test')).toEqual(['1.1.1.1']);
  });

  test('the first that matches decides', async () => {
    const [deny, allow] = [
      { action: 'deny' as const, host: 'a.test' },
      { action: 'allow' as const, host: '*' },
    ];
    expect(await new Scripted({ 'a.test': [['1.1.1.1']] }, [deny, allow]).to('a.test')).toBe(FORBIDDEN);
    expect(await new Scripted({ 'a.test': [['1.1.1.1']] }, [allow, deny]).to('a.test')).toEqual(['1.1.1.1']);
  });

  test('a block that is allowed does not allow what only carries its addresses', async () => {
    const rules: ProxyRule[] = [{ action: 'allow', cidr: '8.8.0.0/16' }];
    expect(await new Scripted({}, rules).to('64:ff9b::8.8.8.8')).toBe(FORBIDDEN);
    expect(await new Scripted({}, rules).to('::ffff:8.8.8.8')).toEqual(['::ffff:8.8.8.8']);
  });

  test('a block of IPv6, with a zone in the address', async () => {
    const rules: ProxyRule[] = [{ action: 'allow', cidr: '2606:4700::/32' }];
    expect(await new Scripted({}, rules).to('2606:4700::1%lo')).toEqual(['2606:4700::1%lo']);
    expect(await new Scripted({}, rules).to('2606:4701::1')).toBe(FORBIDDEN);
  });
});

describe('with an upstream that takes names', () => {
  const upstream = (): ReturnType<typeof routeOf> =>
    routeOf('t', 'http://proxy.test:3128', { scheme: 'tcp', host: '', port: 0 });

  test('a name goes to it as it is, where rules are of names', async () => {
    const rules: ProxyRule[] = [{ action: 'allow', host: 'a.test' }];
    const scripted = new Scripted({}, rules, { upstream });
    expect(await scripted.to('a.test')).toEqual([]);
    expect(scripted.opened).toMatchObject([{ host: 'a.test', addresses: [] }]);
    expect(scripted.asked).toEqual([]);
    expect(await scripted.to('b.test')).toBe(FORBIDDEN);
  });

  test('a name does not walk round a rule of addresses: it goes as the address that was judged', async () => {
    const rules: ProxyRule[] = [{ action: 'deny', cidr: '8.8.4.0/24' }, { action: 'allow' }];
    const scripted = new Scripted({ 'a.test': [['8.8.4.4']], 'b.test': [['8.8.4.4', '1.1.1.1', '1.0.0.1']] }, rules, {
      upstream,
    });
    expect(await scripted.to('a.test')).toBe(FORBIDDEN);
    expect(await scripted.to('b.test')).toEqual(['1.1.1.1', '1.0.0.1']);
    expect(scripted.opened.map(({ host }) => host)).toEqual(['1.1.1.1', '1.0.0.1']);
  });

  test('names of this host are refused, whoever would resolve them', async () => {
    for (const host of ['localhost', 'LOCALHOST.', 'a.localhost']) {
      expect(await new Scripted({}, null, { upstream }).to(host)).toBe(PROHIBITED);
    }
  });

  test.each([
    '127.1',
    '2130706433',
    '0x7f000001',
    '0',
    '[::1]',
    '[127.0.0.1]',
    '[localhost]',
    'local%68ost',
    '[::1',
    '::1]',
  ])('what is no name, such as %s, is not left to it', async (host) => {
    for (const allowPrivate of [false, true]) {
      const scripted = new Scripted({}, null, { upstream, allowPrivate });
      expect(await scripted.to(host)).toBe('MILLRACE_DNS_NAME_INVALID');
      expect(scripted.opened).toEqual([]);
    }
  });

  test('addresses are judged as without', async () => {
    expect(await new Scripted({}, null, { upstream }).to('10.0.0.1')).toBe(PROHIBITED);
    expect(await new Scripted({}, null, { upstream }).to('8.8.8.8')).toEqual(['8.8.8.8']);
  });
});

test('a rule reaches through each protocol', async () => {
  const { port } = await startListener((socket) => void socket.end('hello'), { host: '::' });
  const proxy: ProxyServer = await startProxy({ rules: [{ action: 'allow', cidr: '127.0.0.1', ports: [port] }] });
  const other: Listener = await startListener((socket) => socket.destroy());
  for (const way of ['socks4', 'socks4a', 'socks5', 'connect'] as const) {
    const host = way === 'socks4' ? '127.0.0.1' : 'localhost';
    const { client, opened } = await ask(proxy, way, host, port);
    expect([way, opened]).toEqual([way, true]);
    expect((await client.rest()).toString()).toBe('hello');
    const denied = await ask(proxy, way, host, other.port);
    expect([way, denied.opened, denied.reply]).toEqual([
      way,
      false,
      { socks4: 91, socks4a: 91, socks5: 2, connect: 403 }[way],
    ]);
    if (way === 'connect') expect(denied.head).toContain('error=http_request_denied');
  }
});
