import { spawn } from 'node:child_process';
import { once } from 'node:events';

import type { ProxyServerStats } from '../../ts/index.js';
import { Counters, countersText } from '../../ts/cli/proxy-counters.js';
import { ruleOf } from '../../ts/cli/proxy-rules.js';
import { openProxy } from '../../ts/cli/open-proxy.js';
import { readProxyArguments } from '../../ts/cli/proxy.js';
import { Rules } from '../../ts/proxy-server/rules.js';
import { buildCommandLine, CommandLine } from '../support/command-line.js';
import { until } from '../support/condition.js';
import { findTool } from '../support/debian.js';
import { echo, listenersEndWithTheirTest, startListener } from '../support/test-listener.js';
import { ask } from '../support/test-proxy.js';
import { cutClients } from '../support/raw-client.js';
import { lacking, where } from '../support/where.js';

jest.setTimeout(30_000);

const running: CommandLine[] = [];
beforeAll(buildCommandLine);
listenersEndWithTheirTest();
afterEach(async () => {
  cutClients();
  for (const line of running.splice(0)) {
    line.kill('SIGKILL');
    await line.status();
  }
});

function run(...args: string[]): CommandLine {
  const line = new CommandLine(['proxy', ...args]);
  running.push(line);
  return line;
}

async function portOf(line: CommandLine): Promise<number> {
  return Number((await line.says('out', /a proxy listens at \S+:(\d+)/))[1]);
}

describe('the command line of a proxy', () => {
  test.each<[string[], number, RegExp]>([
    [['--help'], 0, /--upstream URL/],
    [['--auth', 'S3CRET'], 2, /must be user:password/],
    [
      ['--host', '0.0.0.0', '--port', '0', '--deny', 'a.test'],
      2,
      /reached by others: give --auth or --allow; or --open/,
    ],
    [['--host', '0.0.0.0', '--port', '0', '--workers', '1'], 1, /reached by others: give --auth or --allow; or --open/],
    [['--port', '0', '--allow', '192.0.2.1/99'], 2, /^millrace: rule 0 must have a cidr/],
    [['--port', '0', '--upstream', 'S3CRET:x@proxy.test:1080'], 2, /got none of these schemes/],
  ])('%j ends with status %d', async (args, status, said) => {
    const line = run(...args);
    expect(await line.status()).toBe(status);
    expect(status === 0 ? line.out : line.err).toMatch(said);
    expect(line.err).not.toMatch(/\n\s+at |S3CRET/);
  });

  test.each<[string[], RegExp]>([
    [['--wings'], /--wings/],
    [['somewhere'], /positional/],
    [['--port', '65536'], /--port must be an integer from 0 to 65535/],
    [['--idle-timeout', '0'], /--idle-timeout must be/],
    [['--allow', ''], /--allow must be a name/],
    [['--allow', 'a:b'], /--allow must be a name/],
    [['--log', 'loud'], /--log must be one of/],
  ])('%j is a wrong one', (args, said) => {
    expect(() => readProxyArguments(args, {})).toThrow(expect.objectContaining({ status: 2 }));
    expect(() => readProxyArguments(args, {})).toThrow(said);
  });

  test.each<[string[], string]>([
    [['--allow', '10.0.0.0/99'], 'MILLRACE_INVALID_ARGUMENT'],
    [['--upstream', 'ftp://a'], 'MILLRACE_PROXY_URL_INVALID'],
    [['--host', '0.0.0.0'], 'MILLRACE_PROXY_OPEN'],
  ])('%j starts no proxy', async (args, code) => {
    await expect(openProxy(readProxyArguments([...args, '--port', '0'], {}).options)).rejects.toMatchObject({ code });
  });

  test('arguments become options, rules in their order', () => {
    const args =
      '--port 1 --host ::1 --deny 10.0.0.0/8 --allow .example.com:443 --deny a.test --allow *:80,8000-8100 --upstream socks5://a --upstream http://b --open --allow-private --handshake-timeout 1 --connect-timeout 2 --idle-timeout 3 --total-timeout 4 --max-connections 5 --max-connections-per-ip 6 --log debug --interval 100 --workers 3';
    expect(readProxyArguments(args.split(' '), { MILLRACE_PROXY_AUTH: 'a:b:c' })).toEqual({
      options: {
        port: 1,
        host: '::1',
        auth: { username: 'a', password: 'b:c' },
        rules: [
          { action: 'deny', cidr: '10.0.0.0/8' },
          { action: 'allow', host: '.example.com', ports: [443] },
          { action: 'deny', host: 'a.test' },
          { action: 'allow', ports: [80, [8000, 8100]] },
        ],
        upstream: ['socks5://a', 'http://b'],
        open: true,
        allowPrivate: true,
        handshakeTimeout: 1,
        connectTimeout: 2,
        idleTimeout: 3,
        totalTimeout: 4,
        maxConnections: 5,
        maxConnectionsPerIp: 6,
      },
      level: 'debug',
      interval: 100,
      workers: 3,
    });
    expect(readProxyArguments(['--upstream', 'env', '--auth', 'x:'], { MILLRACE_PROXY_AUTH: 'a:b' }).options).toEqual({
      upstream: 'env',
      auth: { username: 'x', password: '' },
    });
    expect(readProxyArguments([], {}).options).toEqual({});
  });

  test.each<[string, object]>([
    ['a.test', { host: 'a.test' }],
    ['a.test:1', { host: 'a.test', ports: [1] }],
    ['.a.test:1-2,3', { host: '.a.test', ports: [[1, 2], 3] }],
    ['*', {}],
    ['192.0.2.1', { host: '192.0.2.1' }],
    ['192.0.2.0/24:80', { cidr: '192.0.2.0/24', ports: [80] }],
    ['2001:db8::1', { host: '2001:db8::1' }],
    ['2001:db8::/32', { cidr: '2001:db8::/32' }],
    ['[2001:db8::1]:80', { host: '2001:db8::1', ports: [80] }],
    ['[2001:db8::]/32:80', { cidr: '2001:db8::/32', ports: [80] }],
  ])('the rule %s is read', (text, wanted) => {
    const rule = ruleOf('allow', text);
    expect(rule).toEqual({ action: 'allow', ...wanted });
    expect(new Rules([rule]).allowsAny).toBe(true);
  });

  test.each(['', ':80', 'a.test:', 'a.test:x', 'a.test:1-', '[::1', 'a:b:c:d]'])('the rule %j is refused', (text) => {
    expect(() => ruleOf('deny', text)).toThrow(/--deny must be/);
  });
});

describe('a running proxy', () => {
  test('serves by its rules, says what it does, and stops with its tunnels ended', async () => {
    const { port } = await startListener(echo);
    const line = run('--port', '0', '--allow', `127.0.0.1:${port}`, '--interval', '50', '--log', 'debug');
    const place = { port: await portOf(line) };
    const tunnel = await ask(place, 'socks5', 'localhost', port);
    expect(tunnel.opened).toBe(true);
    expect((await ask(place, 'connect', '127.0.0.1', port + 1)).reply).toBe(403);
    tunnel.client.send('x'.repeat(100_000));
    await tunnel.client.exactly(100_000);
    await line.says(
      'out',
      /connections \d of 2 · tunnels 1 open, 0 ended, 1 failed, 1 denied · \S+ \w+\/s in, \S+ \w+\/s out\n/,
    );
    await line.says('err', /a tunnel has failed/);
    line.kill('SIGTERM');
    await line.says('err', /SIGTERM: finishing what is under way/);
    tunnel.client.send('still').end();
    expect((await tunnel.client.rest()).toString()).toBe('still');
    expect(await line.status()).toBe(0);
    expect(line.out).toMatch(/tunnels 0 open, 1 ended, 1 failed/);
    expect(line.out).toMatch(/stopped; 1 finished meanwhile, 0 cut\n$/);
    // A line is not said twice.
    const lines = line.out.split('\n').filter((each) => each.includes('tunnels'));
    expect(lines.filter((each, place) => place > 0 && each === lines[place - 1])).toEqual([]);
  });

  test('takes its password from the environment, and says it nowhere', async () => {
    const { port } = await startListener(echo);
    const args = ['proxy', '--port', '0', '--interval', '50', '--log', 'trace'];
    const line = new CommandLine(args, { env: { ...process.env, MILLRACE_PROXY_AUTH: 'someone:S3CRET' } });
    running.push(line);
    const place = { port: await portOf(line) };
    expect((await ask(place, 'connect', '127.0.0.1', port)).reply).toBe(407);
    const { opened, client } = await ask(place, 'socks5', '127.0.0.1', port, { user: 'someone', password: 'S3CRET' });
    expect(opened).toBe(true);
    await line.says('out', /1 unauthenticated · tunnels 1 open/);
    client.end();
    await client.rest();
    line.kill('SIGINT');
    expect(await line.status()).toBe(0);
    expect(line.out + line.err).not.toContain('S3CRET');
  });

  test('several threads share a port, and their counts are one', async () => {
    const { port } = await startListener(echo);
    const line = run('--port', '0', '--workers', '2', '--interval', '50');
    const place = { port: Number((await line.says('out', /listens at \S+:(\d+) on 2 threads/))[1]) };
    const tunnels = await Promise.all(Array.from({ length: 16 }, () => ask(place, 'socks5', '127.0.0.1', port)));
    for (const { client } of tunnels) {
      client.send('x').end();
      expect((await client.rest()).toString()).toBe('x');
    }
    await line.says('out', /of 16 · tunnels 0 open, 16 ended, 0 failed/);
    line.kill('SIGTERM');
    expect(await line.status()).toBe(0);
    expect(line.out).toMatch(/stopped; 0 finished meanwhile, 0 cut\n$/);
  });

  test('a port that was asked for and is taken is an error', async () => {
    const { port } = await startListener(echo);
    const line = run('--port', String(port));
    expect(await line.status()).toBe(1);
    expect(line.err).toMatch(/^millrace: port \d+ of 127\.0\.0\.1 is taken/);
  });

  const curl = findTool('curl');
  where('curl through the proxy of the command line', lacking({ curl })).test(
    'curl goes through it by each protocol',
    async () => {
      const { port } = await startListener((socket) => void socket.end('HTTP/1.0 200 OK\r\n\r\nhello'));
      const line = run('--port', '0');
      const proxy = `127.0.0.1:${await portOf(line)}`;
      for (const way of ['--socks4', '--socks4a', '--socks5', '--socks5-hostname', '--proxytunnel --proxy']) {
        const args = ['--silent', '--max-time', '10', ...way.split(' '), proxy, `http://localhost:${port}/`];
        const child = spawn(curl!, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH } });
        let out = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
        await once(child, 'close');
        expect([way, out]).toEqual([way, 'hello']);
      }
    },
  );
});

describe('the counters', () => {
  const stats = (sent: number, open: number): ProxyServerStats => ({
    connections: { active: open, accepted: 9, refused: 2 },
    handshakes: { late: 1, malformed: 2 },
    tunnels: { active: open, ended: 4, failed: 1 },
    denied: { forbidden: 1, prohibited: 2, loops: 3 },
    forwarded: 0,
    unauthenticated: 0,
    bytes: { sent: 0, received: 0 },
    wire: { received: 0, sent },
  });

  test('are one line, with what moved since the one before', () => {
    expect(countersText(stats(3_145_728, 5), stats(1_048_576, 1), 0.5)).toBe(
      'connections 5 of 9, 2 refused, 3 broken · tunnels 5 open, 4 ended, 1 failed, 6 denied · 0 B/s in, 4.0 MiB/s out',
    );
  });

  test('on a terminal are one line that changes', async () => {
    let written = '';
    let open = 0;
    const counters = new Counters(() => stats(0, ++open), { isTTY: true, write: (text) => (written += text) }, 5);
    await until(() => written.includes('tunnels 4 open'), 'three lines');
    counters.stop();
    expect(written).toMatch(/^(\r\x1b\[Kconnections [^\n\r]*)+\n$/);
  });
});
