// Our resolver against unbound, which answers from zones of its own and asks a scripted server for others.
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Resolver } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { findTool, requireTool } from '../support/debian.js';
import type { DnsScript } from '../support/dns-server.js';
import { alias, DnsServer, RCODE, record, TYPE } from '../support/dns-server.js';
import { freeUdpPort } from '../support/free-port.js';
import { lacking, where } from '../support/where.js';

const unbound = requireTool('unbound');
const control = findTool('unbound-control');
const ZONE = [
  'both.test. 60 IN A 192.0.2.1',
  'both.test. 90 IN AAAA 2001:db8::1',
  'six.test. 90 IN AAAA 2001:db8::6',
  'four.test. 3600 IN A 192.0.2.4',
  // What a datagram of 512 bytes holds, and what not even one of EDNS does.
  ...Array.from({ length: 25 }, (_, at) => `large.test. 30 IN A 10.1.0.${at}`),
  ...Array.from({ length: 250 }, (_, at) => `huge.test. 30 IN A 10.2.0.${at}`),
];

const CHAIN = ['chain.outside', ...Array.from({ length: 8 }, (_, at) => `${'x'.repeat(60)}.${at}.outside`)];

/** The names that unbound has to ask for. */
const script: DnsScript = (question) => {
  const { name, type } = question;
  if (name === 'silent.outside') return null;
  if (name === 'broken.outside') return { rcode: RCODE.SERVFAIL };
  if (name === 'refused.outside') return { rcode: RCODE.REFUSED };
  if (type !== TYPE.A) return {};
  if (name === 'short.outside') return { records: [record('192.0.2.50', 2)] };
  // unbound asks for each alias of the chain, and answers with all of it: large, with one address at its end.
  const at = CHAIN.indexOf(name);
  if (at === CHAIN.length - 1) return { records: [record('192.0.2.60', 50)] };
  if (at >= 0) return { records: [alias(name, CHAIN[at + 1], 40)] };
  return { rcode: RCODE.NXDOMAIN };
};

let folder: string;
let server: DnsServer;
let child: ChildProcess | undefined;
let port: number;

beforeAll(async () => {
  if (unbound === undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'millrace-unbound-'));
  server = await DnsServer.start(script);
  for (;;) {
    port = await freeUdpPort();
    writeFileSync(join(folder, 'conf'), configuration());
    const started = spawn(unbound, ['-d', '-c', join(folder, 'conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    started.stderr.on('data', (text: Buffer) => (said += String(text)));
    await until(
      () => said.includes('start of service') || started.exitCode !== null,
      () => said,
    );
    child = started;
    if (started.exitCode === null) return;
    // Somebody has its port meanwhile, or has it in TCP: another one.
    if (!said.includes('Address already in use')) throw new Error(said);
  }
});
afterAll(async () => {
  if (unbound === undefined) return;
  child?.kill('SIGKILL');
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function configuration(): string {
  const [address, at] = server.address.split(':');
  return `
server:
  interface: 127.0.0.1
  port: ${port}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  verbosity: 1
  num-threads: 1
  do-ip6: no
  module-config: "iterator"
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  cache-min-ttl: 0
  minimal-responses: yes
  edns-buffer-size: 1232
  max-udp-size: 1232
  qname-minimisation: no
  extended-statistics: yes
  local-zone: "test." static
  local-data: 'test. 300 IN SOA ns.test. nobody.test. 1 3600 1200 604800 10'
${ZONE.map((line) => `  local-data: '${line}'`).join('\n')}
remote-control:
  control-enable: yes
  control-interface: ${folder}/control
  control-use-cert: no
forward-zone:
  name: "outside."
  forward-addr: ${address}@${at}
`;
}

const resolver = (options = {}): Resolver => new Resolver({ servers: [`127.0.0.1:${port}`], ...options });
const outcome = (call: Promise<{ address: string; ttl: number }[]>): Promise<unknown> =>
  call.then(
    (list) => list.map(({ address, ttl }) => [address, ttl]),
    (error: { code: string }) => error.code,
  );

/** A count of unbound's own. */
function counted(name: string): number {
  const said = execFileSync(control as string, ['-c', join(folder, 'conf'), 'stats_noreset']).toString();
  return Number(new RegExp(`^total\\.${name.replaceAll('.', '\\.')}=(\\d+)$`, 'm').exec(said)?.[1]);
}

where('unbound', lacking({ unbound, 'unbound-control': control })).describe('against unbound', () => {
  test('addresses of both families with their TTLs, what is not there and what has no address', async () => {
    const one = resolver();
    // Both families are kept together, for as long as the one that is kept less long.
    const both = [
      ['2001:db8::1', 60_000],
      ['192.0.2.1', 60_000],
    ];
    expect(await outcome(one.resolve('both.test'))).toEqual(both);
    expect(await outcome(one.resolve('six.test', { family: 6 }))).toEqual([['2001:db8::6', 90_000]]);
    expect(await outcome(one.resolve('four.test'))).toEqual([['192.0.2.4', 3_600_000]]);
    expect(await outcome(one.resolve('four.test', { family: 6 }))).toBe('MILLRACE_DNS_NOT_FOUND');
    expect(await outcome(one.resolve('gone.test'))).toBe('MILLRACE_DNS_NOT_FOUND');
    expect(await outcome(one.resolve('gone.test'))).toBe('MILLRACE_DNS_NOT_FOUND');
    expect(one.stats()).toMatchObject({ lookups: 6, misses: 5, negativeHits: 1, notFound: 3, failures: 0 });
  });

  test('a large answer comes in one datagram, a larger one over TCP, and both are whole up to the limit', async () => {
    const [udp, tcp] = [counted('num.queries'), tcpQueries()];
    const large = await resolver().resolve('large.test', { family: 4 });
    expect(new Set(large.map(({ address }) => address)).size).toBe(25);
    expect([counted('num.queries') - udp, tcpQueries() - tcp]).toEqual([1, 0]);
    const huge = await resolver().resolve('huge.test', { family: 4 });
    // No more addresses than 64 are kept of an answer.
    expect(huge).toHaveLength(64);
    expect([counted('num.queries') - udp, tcpQueries() - tcp]).toEqual([3, 1]);
  });

  test('what it asks others for: a chain of long names, a TTL that runs down, failures, and silence', async () => {
    // The shortest TTL of a chain holds for all of it. unbound's clock has whole seconds: one may tick meanwhile.
    const [end, ...more] = await resolver().resolve('CHAIN.outside', { family: 4 });
    expect([end.address, Math.ceil(end.ttl / 2_000), more]).toEqual(['192.0.2.60', 20, []]);
    const short = { minTtl: 0, maxTtl: 60_000 };
    const [fresh] = await resolver(short).resolve('short.outside', { family: 4 });
    expect(fresh.address).toBe('192.0.2.50');
    // It has the answer now, and gives what is left of its time: less, until it asks again.
    const asked = (): number => server.asked.filter((each) => each === 'short.outside/A').length;
    const left: number[] = [];
    const deadline = performance.now() + 10_000;
    while (asked() < 2 && performance.now() < deadline) {
      const [answer] = await resolver(short).resolve('short.outside', { family: 4 });
      left.push(answer.ttl);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(asked()).toBe(2);
    expect(Math.max(...left)).toBeLessThanOrEqual(2_000);
    expect(Math.min(...left)).toBeLessThan(2_000);
    for (const name of ['broken.outside', 'refused.outside']) {
      expect([name, await outcome(resolver().resolve(name))]).toEqual([name, 'MILLRACE_DNS_FAILED']);
    }
    expect(await outcome(resolver({ timeout: 200 }).resolve('silent.outside'))).toBe('MILLRACE_DNS_TIMEOUT');
    expect(await outcome(resolver().resolve('gone.outside'))).toBe('MILLRACE_DNS_NOT_FOUND');
  });

  test('a thousand calls at once are one question', async () => {
    const before = counted('num.queries');
    const one = resolver();
    const all = await Promise.all(
      Array.from({ length: 1_000 }, () => outcome(one.resolve('both.test', { family: 4 }))),
    );
    expect(new Set(all.map((each) => JSON.stringify(each)))).toEqual(new Set(['[["192.0.2.1",60000]]']));
    expect(counted('num.queries') - before).toBe(1);
    expect(one.stats()).toMatchObject({ lookups: 1_000, misses: 1, merged: 999 });
  });
});

function tcpQueries(): number {
  const said = execFileSync(control as string, ['-c', join(folder, 'conf'), 'stats_noreset']).toString();
  return Number(/^num\.query\.tcp=(\d+)$/m.exec(said)?.[1]);
}
