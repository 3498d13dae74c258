import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Resolver } from '../../ts/index.js';
import { buildCommandLine } from '../support/command-line.js';
import { until } from '../support/condition.js';
import { requireTool } from '../support/debian.js';
import { freeUdpPort } from '../support/free-port.js';
import { runProgram } from '../support/program.js';
import { lacking, where } from '../support/where.js';

const dnsmasq = requireTool('dnsmasq', 'dnsmasq-base');
const ZONE = [
  '--local=/test/',
  // Nor is a single label a name of somebody else's.
  '--domain-needed',
  '--host-record=both.lan.test,192.0.2.1,2001:db8::1,60',
  '--host-record=four.test,192.0.2.4,60',
  '--cname=alias.test,both.lan.test,20',
];
const children: ChildProcess[] = [];
let folder: string;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-dnsmasq-'))));
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const argumentsOf = (port: number): string[] => [
  ...[
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
    '--pid-file=',
    '--user=',
    '--cache-size=0',
  ],
  ...[
    '--listen-address=127.0.0.1',
    '--bind-interfaces',
    `--port=${port}`,
    '--log-facility=-',
    '--local-ttl=60',
    ...ZONE,
  ],
  `--addn-hosts=${join(folder, 'names')}`,
];

/** A dnsmasq that answers; `say` writes the names that it has besides its zone, and has it read them. */
async function startDnsmasq(
  names = '',
): Promise<{ address: string; process: ChildProcess; say: (text: string) => Promise<void> }> {
  for (;;) {
    writeFileSync(join(folder, 'names'), names);
    const port = await freeUdpPort();
    const child = spawn(dnsmasq as string, argumentsOf(port), { stdio: ['ignore', 'ignore', 'pipe'] });
    children.push(child);
    let said = '';
    child.stderr?.on('data', (text: Buffer) => (said += String(text)));
    const isTaken = (): boolean => said.includes('Address already in use');
    await until(
      () => said.includes('read ') || isTaken(),
      () => said,
    );
    // Somebody has it meanwhile, or has it in TCP: another one.
    if (isTaken()) {
      child.kill('SIGKILL');
      continue;
    }
    const say = async (text: string): Promise<void> => {
      writeFileSync(join(folder, 'names'), text);
      said = '';
      child.kill('SIGHUP');
      await until(
        () => said.includes('read '),
        () => said,
      );
    };
    return { address: `127.0.0.1:${port}`, process: child, say };
  }
}

const outcome = (call: Promise<{ address: string; ttl: number }[]>): Promise<unknown> =>
  call.then(
    (list) => list.map(({ address, ttl }) => [address, ttl]),
    (error: { code: string }) => error.code,
  );

where('dnsmasq', lacking({ dnsmasq })).describe('against dnsmasq', () => {
  test('addresses, aliases, TTLs, families, names that are not there, and answers too large for a datagram', async () => {
    const many = Array.from({ length: 200 }, (_, at) => `10.1.0.${at} many.test`);
    const { address } = await startDnsmasq(many.join('\n'));
    const resolver = new Resolver({ servers: [address] });
    const both = [
      ['2001:db8::1', 60_000],
      ['192.0.2.1', 60_000],
    ];
    expect(await outcome(resolver.resolve('both.lan.test'))).toEqual(both);
    expect(await outcome(resolver.resolve('Alias.test.', { family: 4 }))).toEqual([['192.0.2.1', 20_000]]);
    expect(await outcome(resolver.resolve('four.test'))).toEqual([['192.0.2.4', 60_000]]);
    expect(await outcome(resolver.resolve('four.test', { family: 6 }))).toBe('MILLRACE_DNS_NOT_FOUND');
    expect(await outcome(resolver.resolve('gone.test'))).toBe('MILLRACE_DNS_NOT_FOUND');
    // There is nobody whom it could ask for others.
    expect(await outcome(resolver.resolve('elsewhere.example'))).toBe('MILLRACE_DNS_FAILED');
    expect(await resolver.resolve('many.test', { family: 4 })).toHaveLength(64);
    const lists = await Promise.all(
      Array.from({ length: 1_000 }, () => outcome(resolver.resolve('both.lan.test', { family: 4 }))),
    );
    expect(new Set(lists.map((list) => JSON.stringify(list)))).toEqual(new Set(['[["192.0.2.1",60000]]']));
    expect(resolver.stats()).toMatchObject({ lookups: 1_007, misses: 8, merged: 999, failures: 1, notFound: 2 });
  });

  test('a name that goes and comes, a server that falls silent, dies and is there again', async () => {
    const { address, process: server, say } = await startDnsmasq('192.0.2.7 moves.test');
    const fresh = (options = {}): Resolver => new Resolver({ servers: [address], timeout: 300, ...options });
    const resolver = fresh({ minTtl: 0, maxTtl: 0, negativeTtl: 0 });
    const resolved = (): Promise<unknown> => outcome(resolver.resolve('moves.test', { family: 4 }));
    expect(await resolved()).toEqual([['192.0.2.7', 0]]);
    await say('');
    expect(await resolved()).toBe('MILLRACE_DNS_NOT_FOUND');
    await say('192.0.2.8 moves.test');
    expect(await resolved()).toEqual([['192.0.2.8', 0]]);
    server.kill('SIGSTOP');
    // What was known is given; who knows nothing is told that the time is over.
    expect(await resolved()).toEqual([['192.0.2.8', 30_000]]);
    expect(await outcome(fresh().resolve('moves.test'))).toBe('MILLRACE_DNS_TIMEOUT');
    server.kill('SIGCONT');
    expect(await outcome(fresh({ timeout: 5_000 }).resolve('moves.test', { family: 4 }))).toEqual([
      ['192.0.2.8', 60_000],
    ]);
    server.kill('SIGKILL');
    await once(server, 'exit');
    expect(await outcome(fresh({ timeout: 5_000 }).resolve('moves.test'))).toBe('MILLRACE_DNS_FAILED');
    expect(await resolved()).toEqual([['192.0.2.8', 30_000]]);
  });
});

const mayUnshare = spawnSync('unshare', ['--net', '--mount', 'true']).status === 0;
const missing = mayUnshare ? lacking({ dnsmasq }) : 'namespaces of its own need root and util-linux';

where('the files of the system', missing).describe('by the files of the system, which are the test’s own', () => {
  beforeAll(() => buildCommandLine());

  test.each([
    // Of these names one is a single label that no server has: getaddrinfo is asked about it besides.
    ['files dns', 'nameserver 127.0.0.1', 'asks the server itself', 11, 1],
    ['files dns', '# no server', 'asks the server that c-ares takes for none', 11, 1],
    ['files myhostname dns', 'nameserver 127.0.0.1', 'has getaddrinfo ask', 4, 4],
  ])('with "hosts: %s" and "%s", %s', async (sources, servers, _what, queries, getaddrinfo) => {
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    file('names', '');
    const files = [
      file('resolv.conf', `${servers}\nsearch lan.test\noptions timeout:1 attempts:1\n`),
      file('nsswitch.conf', `hosts: ${sources}\n`),
      file('hosts', '127.0.0.1 localhost\n192.0.2.99 mine.test\n'),
    ];
    const { code, stdout, stderr } = await runProgram(
      'resolves.mjs',
      [...files, dnsmasq as string, ...argumentsOf(53)],
      {
        folder: 'interop',
        under: ['unshare', '--net', '--mount'],
      },
    );
    if (code !== 0) throw new Error(stderr);
    const { lingered, ...seen } = JSON.parse(stdout) as {
      lingered: number;
      queries: number;
      found: Record<string, unknown>;
    };
    const both = expect.arrayContaining(['192.0.2.1', '2001:db8::1']);
    expect(seen.found).toEqual({
      both,
      'both.lan.test': both,
      'both.lan.test.': both,
      'mine.test': ['192.0.2.99'],
      gone: 'MILLRACE_DNS_NOT_FOUND',
      localhost: ['::1', '127.0.0.1'],
    });
    expect(seen).toMatchObject({ queries, getaddrinfo, late: 'MILLRACE_DNS_TIMEOUT' });
    // getaddrinfo cannot be stopped: it ends in its own time.
    if (sources === 'files dns') expect(lingered).toBeLessThan(500);
  });
});
