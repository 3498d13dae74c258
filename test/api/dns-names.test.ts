// What counts as a host, and what is known of it without asking.
import { isFilesThenDns } from '../../ts/dns/nsswitch.js';
import { parseHost } from '../../ts/dns/host-name.js';
import { parseHosts } from '../../ts/dns/hosts-file.js';
import { candidates, NO_RESOLV_CONF, parseResolvConf } from '../../ts/dns/resolv-conf.js';
import { MillraceError, Resolver, setLogger } from '../../ts/index.js';
import type { LogRecord } from '../../ts/index.js';
import { fromZone } from '../support/dns-server.js';
import { endsNamesWithTheTest, fakeTime, namesOver, nameService, systemFiles } from '../support/name-service.js';

endsNamesWithTheTest();

const label = 'x'.repeat(63);
const long = `${`${label}.`.repeat(3)}${'x'.repeat(61)}`;

describe('a host', () => {
  test.each([
    ['Example.COM', 'example.com', false],
    ['example.com.', 'example.com', true],
    ['_srv._tcp.example', '_srv._tcp.example', false],
    ['bücher.example', 'xn--bcher-kva.example', false],
    ['Ｅｘａｍｐｌｅ。com', 'example.com', false],
    ['1.2.3.4.example', '1.2.3.4.example', false],
    ['x-.-y', 'x-.-y', false],
    [`${label}.test`, `${label}.test`, false],
    [long, long, false],
    [`${long}.`, long, true],
  ])('%s is the name %s', (given, name, absolute) => {
    expect(parseHost(given)).toEqual({ literal: 0, name, absolute });
  });

  test.each([
    ['127.0.0.1', 4],
    ['::1', 6],
    ['fe80::1%eth0', 6],
    ['::ffff:1.2.3.4', 6],
  ])('%s is an address', (given, literal) => {
    expect(parseHost(given)).toMatchObject({ literal, name: given });
  });

  test.each([
    ['', 'empty'],
    ['.', 'empty label'],
    ['a..b', 'empty label'],
    ['.a', 'empty label'],
    ['a b', '" "'],
    ['a\0b', '\\x00'],
    ['a\nb', '\\n'],
    ['a\x7fb', '\\x7f'],
    ['a\r\nHost: b', '\\r'],
    ['http://a', '":"'],
    ['a:80', '":"'],
    ['[::1]', '"["'],
    ['user@a', '"@"'],
    ['a/b', '"/"'],
    ['a%00b', '"%"'],
    ['1::2::3', '":"'],
    // Spellings that one side takes for an address and the other for a name.
    ['127.1', 'ends in a number'],
    ['2130706433', 'ends in a number'],
    ['0x7f.0.0.1', 'ends in a number'],
    ['0x7f000001', 'ends in a number'],
    ['0177.0.0.01', 'ends in a number'],
    ['1.2.3.4.5', 'ends in a number'],
    ['127.0.0.1.', 'ends in a number'],
    ['256.256.256.256', 'ends in a number'],
    ['a.0x', 'ends in a number'],
    ['１２７.０.０.１', 'ends in a number'],
    ['①②⑦.0.0.1', 'ends in a number'],
    ['a\u2100b', 'internationalized'],
    ['\u{1F600}'.repeat(70), 'at most 63'],
    ['\u{1F600}'.repeat(1_000), 'at most 253'],
    [`${label}x.test`, 'at most 63'],
    [`${long}x`, 'at most 253'],
    [undefined, 'must be a string'],
    [null, 'must be a string'],
    [['a'], 'must be a string'],
  ])('%j is none', async (given, why) => {
    let thrown: unknown;
    try {
      parseHost(given);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TypeError);
    expect(thrown).toBeInstanceOf(MillraceError);
    expect(thrown).toMatchObject({ code: 'MILLRACE_DNS_NAME_INVALID', kind: 'misuse', phase: 'dns', retryable: false });
    expect((thrown as Error).message).toContain(why);
    await expect(new Resolver().resolve(given as string)).rejects.toMatchObject({ code: 'MILLRACE_DNS_NAME_INVALID' });
  });
});

describe('without asking anybody', () => {
  const never = async (options = {}, texts = {}) => {
    const { names, server } = await namesOver(fromZone({}), options, systemFiles(texts).files);
    return { names, server };
  };
  const day = 86_400_000;

  test('a literal is its own answer, whatever the family', async () => {
    const { names, server } = await never();
    expect(await names.resolve('::1', { family: 4 })).toEqual([{ address: '::1', family: 6, ttl: day }]);
    expect(await names.resolve('192.0.2.1')).toEqual([{ address: '192.0.2.1', family: 4, ttl: day }]);
    expect(server.questions).toEqual([]);
    expect(names.stats()).toMatchObject({ lookups: 2, local: 2, queries: 0 });
  });

  test.each(['localhost', 'LOCALHOST.', 'a.localhost', 'a.b.localhost.'])('%s is loopback', async (host) => {
    const { names, server } = await never({}, { hosts: '192.0.2.1 localhost a.localhost' });
    expect(await names.resolve(host)).toEqual([
      { address: '::1', family: 6, ttl: day },
      { address: '127.0.0.1', family: 4, ttl: day },
    ]);
    expect(await names.resolve(host, { family: 4 })).toEqual([{ address: '127.0.0.1', family: 4, ttl: day }]);
    expect(server.questions).toEqual([]);
  });

  test.each(['a.onion', 'onion', 'a.invalid'])('%s is not there, unless the hosts file has it', async (host) => {
    const { names, server } = await never();
    await expect(names.resolve(host)).rejects.toMatchObject({ code: 'MILLRACE_DNS_NOT_FOUND' });
    expect(server.questions).toEqual([]);
    const { names: other } = await never({}, { hosts: `192.0.2.1 ${host}` });
    expect(await other.resolve(host)).toHaveLength(1);
  });

  test('a name of the hosts file has the addresses of all its lines, and a family that is not there is asked for', async () => {
    const hosts =
      '192.0.2.1 A.test. b.test # c.test\n# 192.0.2.9 a.test\n2001:db8::1\ta.test\r\n192.0.2.2 a.test\nnot-an-address d.test\n';
    const { names, server } = await never({}, { hosts });
    expect(await names.resolve('a.TEST')).toEqual([
      { address: '2001:db8::1', family: 6, ttl: 1_000 },
      { address: '192.0.2.1', family: 4, ttl: 1_000 },
      { address: '192.0.2.2', family: 4, ttl: 1_000 },
    ]);
    expect(await names.resolve('b.test')).toHaveLength(1);
    expect(server.questions).toEqual([]);
    for (const [host, family] of [
      ['b.test', 6],
      ['c.test', 4],
      ['d.test', 4],
    ] as const) {
      await expect(names.resolve(host, { family })).rejects.toMatchObject({ code: 'MILLRACE_DNS_NOT_FOUND' });
    }
    expect(server.asked).toEqual(['b.test/AAAA', 'c.test/A', 'd.test/A']);
  });

  test('the hosts file is read again when it has changed, is made or is gone', async () => {
    const time = fakeTime();
    const { files, write } = systemFiles();
    const { names } = await namesOver(fromZone({ 'a.test': ['192.0.2.9'] }), { maxEntries: 0 }, files);
    const address = async (): Promise<string | undefined> => (await names.resolve('a.test', { family: 4 }))[0]?.address;
    expect(await address()).toBe('192.0.2.9');
    write('hosts', '192.0.2.1 a.test');
    // It is looked at once a second.
    expect(await address()).toBe('192.0.2.9');
    time.pass(1_000);
    expect(await address()).toBe('192.0.2.1');
    write('hosts', '192.0.2.22 a.test');
    time.pass(1_000);
    expect(await address()).toBe('192.0.2.22');
    write('hosts', '');
    time.pass(1_000);
    expect(await address()).toBe('192.0.2.9');
  });

  test('a file that cannot be read counts as absent and is told of', async () => {
    const said: LogRecord[] = [];
    setLogger((record) => said.push(record));
    try {
      const { files, write } = systemFiles();
      write('hosts', 'x'.repeat((16 << 20) + 1));
      const { names } = await namesOver(fromZone({ 'a.test': ['192.0.2.9'] }), {}, files);
      expect(await names.resolve('a.test', { family: 4 })).toHaveLength(1);
    } finally {
      setLogger(null);
    }
    expect(said).toEqual([expect.objectContaining({ level: 'warn', component: 'dns' })]);
  });
});

describe('the files of the system', () => {
  test('resolv.conf names servers, a search list and options', () => {
    const text = [
      '# made by hand',
      'nameserver 192.0.2.53 ; the first',
      'nameserver fe80::1%eth0',
      'nameserver not-an-address',
      'domain one.test',
      'search Two.test. three.test .',
      'options ndots:2 timeout:1 rotate edns0 attempts:2',
    ].join('\n');
    expect(parseResolvConf(text)).toEqual({
      servers: ['192.0.2.53', 'fe80::1%eth0'],
      search: ['two.test', 'three.test'],
      ndots: 2,
      timeout: 1_000,
      rotate: true,
    });
    expect(parseResolvConf('search a.test\ndomain b.test c.test')).toEqual({ ...NO_RESOLV_CONF, search: ['b.test'] });
    expect(parseResolvConf('options ndots:99 timeout:0\noptions timeout:x')).toEqual({
      ...NO_RESOLV_CONF,
      ndots: 15,
      timeout: 1_000,
    });
    expect(parseResolvConf('\0\xff\n  \nnameserver')).toEqual(NO_RESOLV_CONF);
  });

  test.each([
    ['a', 1, ['a.x.test', 'a.y.test', 'a']],
    ['a.b', 1, ['a.b', 'a.b.x.test', 'a.b.y.test']],
    ['a.b', 2, ['a.b.x.test', 'a.b.y.test', 'a.b']],
    ['a', 0, ['a', 'a.x.test', 'a.y.test']],
    ['x'.repeat(60) + `.${label}.${label}.${label}`, 1, ['x'.repeat(60) + `.${label}.${label}.${label}`]],
  ])('%s with ndots:%d is asked for as %j', (name, ndots, wanted) => {
    const conf = { ...NO_RESOLV_CONF, ndots, search: ['x.test', 'y.test'] };
    expect(candidates(name, false, conf)).toEqual(wanted);
    expect(candidates(name, true, conf)).toEqual([name]);
  });

  test.each([
    ['passwd: files\nhosts: files dns\n', true],
    ['hosts:\tfiles   dns # as ever', true],
    ['passwd: files', true],
    ['# hosts: ldap', true],
    ['hosts: files mdns4_minimal [NOTFOUND=return] dns', false],
    ['hosts: dns files', false],
    ['hosts: files', false],
    ['hosts: files [!UNAVAIL=return] dns', false],
  ])('nsswitch.conf with %j leaves it to us: %s', (text, wanted) => {
    expect(isFilesThenDns(text)).toBe(wanted);
  });

  test('hosts with thousands of addresses for a name keeps 64', () => {
    const lines = Array.from({ length: 5_000 }, (_, at) => `10.0.${at >> 8}.${at & 255} a.test`);
    expect(parseHosts(lines.join('\n')).get('a.test')).toHaveLength(64);
  });
});

test('options are checked', () => {
  const refused = (options: object): unknown => {
    try {
      return new Resolver(options);
    } catch (error) {
      return (error as MillraceError).code;
    }
  };
  for (const servers of [
    ['a.test'],
    ['127.0.0.1:0'],
    ['127.0.0.1:65536'],
    ['::1:53:'],
    [],
    ['[127.0.0.1]:53'],
    [''],
    '127.0.0.1',
  ]) {
    expect([servers, refused({ servers })]).toEqual([servers, 'MILLRACE_INVALID_ARGUMENT']);
  }
  expect(refused({ mode: 'system', servers: ['127.0.0.1'] })).toBe('MILLRACE_INVALID_ARGUMENT');
  expect(refused({ minTtl: 2, maxTtl: 1 })).toBe('MILLRACE_INVALID_ARGUMENT');
  expect(refused({ mode: 'fast' })).toBe('MILLRACE_INVALID_ARGUMENT');
  expect(refused({ server: [] })).toBe('MILLRACE_UNKNOWN_OPTION');
  expect(new Resolver({ servers: ['127.0.0.1', '127.0.0.1:53', '::1', '[::1]:5353', '[::1]'] }).stats().lookups).toBe(
    0,
  );
});

test('a call is checked', async () => {
  const resolver = new Resolver();
  await expect(resolver.resolve('a.test', { family: 5 as 4 })).rejects.toMatchObject({
    code: 'MILLRACE_INVALID_ARGUMENT',
  });
  await expect(resolver.resolve('a.test', { signal: {} as AbortSignal })).rejects.toMatchObject({
    code: 'MILLRACE_INVALID_ARGUMENT',
  });
  expect(() => resolver.flush('a b')).toThrow(TypeError);
  expect(nameService([]).stats()).toMatchObject({ lookups: 0, entries: 0, pending: 0 });
});
