// Who is asked, in which order and how often: search lists, several servers, silent ones, and getaddrinfo.
import { readdirSync } from 'node:fs';

import { connect, Resolver } from '../../ts/index.js';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { MillraceError } from '../../ts/index.js';
import type { DnsScript } from '../support/dns-server.js';
import { fromZone, RCODE } from '../support/dns-server.js';
import {
  dnsServer,
  endsNamesWithTheTest,
  fakeTime,
  namesOver,
  nameService,
  systemFiles,
  untilTurned,
} from '../support/name-service.js';

endsNamesWithTheTest();

const four = { family: 4 } as const;
const silent: DnsScript = () => null;
const descriptors = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);
const one = fromZone({ 'a.test': ['192.0.2.1'] });

describe('a search list', () => {
  const over = (zone: Record<string, string[]>, conf = 'search x.test y.test') =>
    namesOver(fromZone(zone), {}, systemFiles({ resolvConf: conf }).files);

  test('is tried in its order for a name with few dots, and the name itself last', async () => {
    const { names, server } = await over({ 'a.y.test': ['192.0.2.1'], b: ['192.0.2.2'] });
    expect(await names.resolve('a', four)).toEqual([{ address: '192.0.2.1', family: 4, ttl: 300_000 }]);
    expect(server.asked).toEqual(['a.x.test/A', 'a.y.test/A']);
    await names.resolve('b', four);
    expect(server.asked.slice(2)).toEqual(['b.x.test/A', 'b.y.test/A', 'b/A']);
  });

  test('is tried after the name itself with enough dots, and not at all with a final dot', async () => {
    const { names, server } = await over({ 'a.b.y.test': ['192.0.2.1'] }, 'search x.test y.test\noptions ndots:1');
    await names.resolve('a.b', four);
    expect(server.asked).toEqual(['a.b/A', 'a.b.x.test/A', 'a.b.y.test/A']);
    await expect(names.resolve('a.b.', four)).rejects.toMatchObject({ code: 'MILLRACE_DNS_NOT_FOUND' });
    expect(server.asked.slice(3)).toEqual(['a.b/A']);
  });

  test('never mixes the addresses of two names', async () => {
    const { names } = await over({ 'a.x.test': ['192.0.2.1'], 'a.y.test': ['2001:db8::1'] });
    expect((await names.resolve('a')).map(({ address }) => address)).toEqual(['192.0.2.1']);
  });

  test('goes on past a domain that the server fails on, and does not call a name absent that it could not ask for', async () => {
    const { names, server } = await over({ 'a.y.test': ['192.0.2.1'] });
    const { script } = server;
    server.script = (question) => (question.name.endsWith('x.test') ? { rcode: RCODE.SERVFAIL } : script(question));
    expect(await names.resolve('a', four)).toHaveLength(1);
    await expect(names.resolve('b', four)).rejects.toMatchObject({ code: 'MILLRACE_DNS_FAILED' });
  });

  test('follows resolv.conf when that changes', async () => {
    const time = fakeTime();
    const { files, write } = systemFiles({ resolvConf: 'search x.test' });
    const { names, server } = await namesOver(fromZone({}), { maxEntries: 0 }, files);
    await expect(names.resolve('a', four)).rejects.toThrow();
    write('resolvConf', 'search other.test\noptions ndots:0');
    time.pass(1_000);
    await expect(names.resolve('a', four)).rejects.toThrow();
    expect(server.asked).toEqual(['a.x.test/A', 'a/A', 'a/A', 'a.other.test/A']);
  });
});

describe('of several servers', () => {
  test.each([
    ['fails', { rcode: RCODE.SERVFAIL }],
    ['refuses', { rcode: RCODE.REFUSED }],
    ['does not do it', { rcode: RCODE.NOTIMP }],
    ['sends garbage', [Buffer.from('nothing like it at all')]],
  ])('the next one is asked when one %s, and then asked first', async (_what, reply) => {
    const [bad, good] = [await dnsServer(() => reply), await dnsServer(one)];
    const names = nameService([bad, good], { maxEntries: 0 });
    for (let count = 0; count < 3; count++) expect(await names.resolve('a.test', four)).toHaveLength(1);
    expect([bad.questions.length, good.questions.length]).toEqual([1, 3]);
  });

  test('the next one is asked when nobody listens at one', async () => {
    const [gone, good] = [await dnsServer(silent), await dnsServer(one)];
    const names = nameService([gone, good]);
    await gone.close();
    gone.close = () => Promise.resolve();
    expect(await names.resolve('a.test', four)).toHaveLength(1);
  });

  test('the next one is asked when one is silent; the first has its turn again half a minute later', async () => {
    const [mute, good] = [await dnsServer(silent), await dnsServer(one)];
    const time = fakeTime();
    const names = nameService([mute, good], { maxEntries: 0, timeout: 600 });
    const first = names.resolve('a.test', four);
    await untilTurned(() => mute.questions.length === 1);
    time.pass(99);
    expect(good.questions).toHaveLength(0);
    // A third of the time is for the first round: half of that for each.
    time.pass(1);
    expect(await first).toHaveLength(1);
    for (let count = 0; count < 2; count++) expect(await names.resolve('a.test', four)).toHaveLength(1);
    expect([mute.questions.length, good.questions.length]).toEqual([1, 3]);
    mute.script = one;
    time.pass(30_000);
    await names.resolve('a.test', four);
    expect([mute.questions.length, good.questions.length]).toEqual([2, 3]);
  });

  test('each has its turn with rotate', async () => {
    const servers = [await dnsServer(one), await dnsServer(one), await dnsServer(one)];
    const names = nameService(servers, { maxEntries: 0 }, systemFiles({ resolvConf: 'options rotate' }).files);
    for (let count = 0; count < 6; count++) await names.resolve('a.test', four);
    expect(servers.map(({ questions }) => questions.length)).toEqual([2, 2, 2]);
  });

  test('that a name is not there is believed at once', async () => {
    const [first, second] = [await dnsServer(fromZone({})), await dnsServer(one)];
    await expect(nameService([first, second]).resolve('a.test')).rejects.toMatchObject({
      code: 'MILLRACE_DNS_NOT_FOUND',
    });
    expect(second.questions).toEqual([]);
  });

  test('the failure of all is the failure of the lookup', async () => {
    const servers = [
      await dnsServer(() => ({ rcode: RCODE.REFUSED })),
      await dnsServer(() => ({ rcode: RCODE.SERVFAIL })),
    ];
    await expect(nameService(servers).resolve('a.test', four)).rejects.toMatchObject({
      code: 'MILLRACE_DNS_FAILED',
      cause: { code: 'ESERVFAIL' },
      message: expect.stringContaining('ESERVFAIL'),
    });
  });
});

describe('a silent server', () => {
  test('is asked again until the time is over, which it really is', async () => {
    const { names, server } = await namesOver(silent, { timeout: 300 });
    const began = performance.now();
    await expect(names.resolve('a.test', four)).rejects.toMatchObject({
      code: 'MILLRACE_DNS_TIMEOUT',
      limit: { option: 'timeout', value: 300 },
    });
    expect(performance.now() - began).toBeGreaterThanOrEqual(300);
    // At once and a third later; whether a third one was sent at the last moment is chance.
    expect(server.questions.length).toBeGreaterThanOrEqual(2);
    expect(names.stats()).toMatchObject({ timeouts: 1, pending: 0 });
  });

  test('that answers the second time is not missed', async () => {
    const { names, server } = await namesOver((question) => (server.questions.length < 2 ? null : one(question)), {
      timeout: 300,
    });
    expect(await names.resolve('a.test', four)).toHaveLength(1);
  });

  test('for one family leaves the other: what there is is given when the time is over', async () => {
    const { names, server } = await namesOver((question) => (question.type === 28 ? null : one(question)));
    const time = fakeTime();
    const call = names.resolve('a.test');
    await untilTurned(() => server.questions.length === 2);
    // The answer for IPv4 is there; nothing shows it but that it is given in the end.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    time.pass(5_000);
    expect((await call).map(({ address }) => address)).toEqual(['192.0.2.1']);
    expect((await names.resolve('a.test')).map(({ address, ttl }) => [address, ttl])).toEqual([['192.0.2.1', 5_000]]);
  });

  test('is a timeout of connect, by its own limit', async () => {
    const server = await dnsServer(silent);
    const resolver = new Resolver({ servers: [server.address] });
    const failure = await connect({ host: 'a.test', port: 1, resolver, timeouts: { dns: 50 } }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: 'MILLRACE_DNS_TIMEOUT',
      phase: 'dns',
      limit: { option: 'timeouts.dns', value: 50 },
    });
  });
});

describe('a crowd of names', () => {
  // Nothing is asked twice because the machine is busy.
  const PATIENT = { timeout: 60_000 };
  const crowd = Array.from({ length: 600 }, (_, at) => `n${at}.test`);

  test('has 256 questions under way at once, and all of them are answered', async () => {
    let held: (() => void)[] = [];
    const answer = fromZone(Object.fromEntries(crowd.map((name) => [name, ['192.0.2.1']])));
    const { names, server } = await namesOver(async (question) => {
      await new Promise<void>((resolve) => held.push(resolve));
      return answer(question);
    }, PATIENT);
    const calls = crowd.map((name) => names.resolve(name, four));
    await untilTurned(() => held.length === 256);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(server.questions).toHaveLength(256);
    const rest = setInterval(() => {
      for (const give of held) give();
      held = [];
    }, 1);
    try {
      for (const list of await Promise.all(calls)) expect(list).toHaveLength(1);
    } finally {
      clearInterval(rest);
    }
    expect(names.stats()).toMatchObject({ misses: 600, queries: 600, pending: 0, entries: 600 });
  });

  test('that is given up while it waits leaves room for others, and no descriptor', async () => {
    const { names, server } = await namesOver(silent);
    const before = descriptors();
    const aborts = crowd.map(() => new AbortController());
    const calls = crowd.map((name, at) =>
      names.resolve(name, { family: 4, signal: aborts[at]?.signal ?? null }).catch(() => 'given up'),
    );
    await untilTurned(() => server.questions.length === 256);
    if (process.platform === 'linux') expect(descriptors()).toBeGreaterThanOrEqual(before + 256);
    for (const abort of aborts) abort.abort();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['given up']));
    await untilTurned(() => descriptors() <= before);
    server.script = one;
    expect(await names.resolve('a.test', four)).toHaveLength(1);
    expect(server.questions).toHaveLength(257);
  });
});

test('name servers are asked off the thread pool: a full one holds up nobody', async () => {
  const { names } = await namesOver(fromZone({ 'a.test': ['192.0.2.1'], 'b.test': ['192.0.2.2'] }));
  // The files of the system are read now, which is work for the pool.
  await names.resolve('a.test');
  const folder = mkdtempSync(join(tmpdir(), 'millrace-pool-'));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  // Each holds a thread until somebody opens the other end; there are four, unless the environment says otherwise.
  const threads = Number(process.env.UV_THREADPOOL_SIZE) || 4;
  const held = Array.from({ length: threads }, () => open(pipe, 'r'));
  let isFull = true;
  const next = stat(folder).then(() => (isFull = false));
  expect((await names.resolve('b.test')).map(({ address }) => address)).toEqual(['192.0.2.2']);
  expect(isFull).toBe(true);
  const other = openSync(pipe, 'r+');
  await next;
  for (const file of await Promise.all(held)) await file.close();
  closeSync(other);
  rmSync(folder, { recursive: true });
});

describe('getaddrinfo', () => {
  // No name server is needed: it finds this machine's own name, or does not find it, by libc alone.
  const outcome = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => 'found',
      (error: MillraceError) => error.code,
    );

  test('is asked in the mode system, and where nsswitch.conf names more than files and dns', async () => {
    const files = systemFiles({
      nsswitch: 'hosts: files mdns4_minimal [NOTFOUND=return] dns',
      resolvConf: 'nameserver 127.0.0.1',
    });
    for (const names of [nameService([], {}, files.files), nameService([], { mode: 'system' })]) {
      // libc has this name in its own hosts file or makes it up: not an answer of ours.
      await outcome(names.resolve('ip6-localhost', { timeout: 10_000 }));
      expect(names.stats()).toMatchObject({ misses: 1, queries: 1 });
    }
  });

  test('is not asked in the mode dns, nor where servers were given', async () => {
    const nsswitch = 'hosts: files myhostname dns';
    const server = await dnsServer(fromZone({}));
    for (const mode of ['dns', 'auto'] as const) {
      const names = nameService([server], { mode }, systemFiles({ nsswitch }).files);
      await expect(names.resolve('single')).rejects.toMatchObject({ code: 'MILLRACE_DNS_NOT_FOUND' });
      expect(names.stats()).toMatchObject({ queries: 2 });
    }
    expect(server.asked.sort()).toEqual(['single/A', 'single/A', 'single/AAAA', 'single/AAAA']);
  });
});
