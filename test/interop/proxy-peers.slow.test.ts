// Our client through proxies that others wrote, alone and in chains of three.
import { execFileSync } from 'node:child_process';

import { buildCommandLine } from '../support/command-line.js';
import { findTool, requireTool } from '../support/debian.js';
import { runProgram } from '../support/program.js';
import { tellSkipped } from '../support/where.js';

const tools: Record<string, string | undefined> = {
  danted: requireTool('danted', 'dante-server'),
  microsocks: requireTool('microsocks'),
  tinyproxy: requireTool('tinyproxy'),
  // The build with OpenSSL can be reached over TLS.
  squid: requireTool('squid', 'squid-openssl'),
  sshd: requireTool('sshd', 'openssh-server'),
  ssh: requireTool('ssh', 'openssh-client'),
  'ssh-keygen': requireTool('ssh-keygen', 'openssh-client'),
  openssl: requireTool('openssl'),
  ip: requireTool('ip', 'iproute2'),
  nft: requireTool('nft', 'nftables'),
};
const unshare = findTool('unshare');

/** Why nothing can be made unreachable here; undefined where it can. */
function whyNotIsolated(): string | undefined {
  if (unshare === undefined || ['ip', 'nft', 'openssl'].some((name) => tools[name] === undefined))
    return 'unshare, ip, nft or openssl are missing';
  try {
    execFileSync(unshare, ['--net', '--mount', tools.nft as string, 'list', 'ruleset'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return String((error as Error).message).split('\n')[0];
  }
}

type Outcome = string | boolean | { code: string; phase?: string; status?: number };

const OK = 'there and back';
const proxy = (code: string): Outcome => ({ code: `MILLRACE_${code}`, phase: 'proxy' });
const status = (code: number): Outcome => ({ code: 'MILLRACE_PROXY_STATUS', phase: 'proxy', status: code });
const REFUSED = proxy('SOCKS_CONNECTION_REFUSED');
const UNREACHABLE = proxy('SOCKS_HOST_UNREACHABLE');
const REJECTED = proxy('SOCKS4_REJECTED');
const CLOSED = proxy('PROXY_CLOSED');
const REQUIRED = proxy('PROXY_AUTHENTICATION_REQUIRED');
const LATE = proxy('PROXY_TIMEOUT');
const WRONG = proxy('SOCKS_AUTHENTICATION_REFUSED');
const NO_METHOD = proxy('SOCKS_NO_ACCEPTABLE_METHOD');
const REACHED = { IPv4: OK, IPv6: OK, name: OK };

/** `ip route` says of the unreachable host that it is. */
const socks5h = { ...REACHED, refused: REFUSED, unreachable: UNREACHABLE, filtered: LATE };
const socks5 = { ...socks5h, 'name of both families': OK };
const socks4 = { IPv4: OK, name: OK, refused: REJECTED, unreachable: REJECTED, filtered: LATE };
const guarded = { 'wrong password': WRONG, 'no password': NO_METHOD };
/** It refuses by closing: dynamic forwarding learns of the failure once the tunnel is begun. */
const ssh4 = { IPv4: OK, name: OK, refused: CLOSED, unreachable: CLOSED, filtered: LATE };
const ssh5h = { ...REACHED, refused: CLOSED, unreachable: CLOSED, filtered: LATE };
const squid = {
  ...{ ...REACHED, refused: status(503), unreachable: status(503), filtered: LATE },
  ...{ 'wrong password': REQUIRED, 'no password': REQUIRED },
};
const squidTls = { ...squid, 'untrusted certificate': { code: 'MILLRACE_TLS_SELF_SIGNED', phase: 'tls' } };

/** What HTTP clients of ours get over a chain; the connection that a proxy of it has opened is used again. */
const http = (refused: Outcome, wrong: Outcome): Record<string, Outcome> => ({
  ...{ 'request, http': OK, 'request, https': OK, 'request, refused': refused, 'request, wrong password': wrong },
  ...{ 'fetch, http': OK, 'fetch, https': OK, 'fetch, refused': refused },
  ...{ 'millrace/undici, http': OK, 'millrace/undici, https': OK, 'millrace/undici, refused': refused },
  ...{ 'millrace/undici, wrong password': wrong, reuse: true },
});

/** What each of them answers. */
const EXPECTED: Record<string, Record<string, Outcome>> = {
  'dante, socks5': socks5,
  'dante, socks5h': socks5h,
  'dante, socks4': socks4,
  // It knows SOCKS4 alone: what says that a name follows, 0.0.0.1, is an address to it.
  'dante, socks4a': { ...socks4, name: REJECTED },
  'dante with a password, socks5': { ...socks5, ...guarded, 'wrong user': WRONG },
  'dante with a password, socks5h': { ...socks5h, ...guarded, 'wrong user': WRONG },
  'dante with a password, socks4': { 'no password': REJECTED },
  'microsocks, socks5': { ...socks5, ...guarded },
  'microsocks, socks5h': { ...socks5h, ...guarded },
  tinyproxy: {
    ...{ ...REACHED, refused: status(500), unreachable: status(500), filtered: LATE },
    // It answers 401 where RFC 9110 has 407.
    'wrong password': status(401),
    'no password': REQUIRED,
  },
  'squid, basic': squid,
  'squid, digest': squid,
  'squid, basic, TLS': squidTls,
  'squid, digest, TLS': squidTls,
  'ssh -D, socks5': { ...ssh5h, 'name of both families': OK },
  'ssh -D, socks5h': ssh5h,
  'ssh -D, socks4': ssh4,
  'ssh -D, socks4a': ssh4,
  'dante > tinyproxy > ssh': { IPv4: OK, refused: CLOSED },
  'microsocks > squid-basic > dante': { IPv4: OK, refused: REFUSED },
  'squid-digest > ssh > microsocks': { IPv4: OK, refused: REFUSED },
  'ssh > microsocks > tinyproxy': { IPv4: OK, refused: status(500) },
  'squid-basic > dante > microsocks': http(REFUSED, WRONG),
  'ssh > squid-digest > dante-password': http(REFUSED, WRONG),
  'tinyproxy > microsocks > ssh': http(CLOSED, WRONG),
};

/** What is there in a network and over files of its own alone. */
const ISOLATED = new Set(['unreachable', 'filtered', 'name of both families']);

const seen: Record<string, Record<string, Outcome>> = {};
const present = Object.fromEntries(Object.entries(tools).filter(([, path]) => path !== undefined));
const why = whyNotIsolated();

beforeAll(async () => {
  buildCommandLine();
  const under = why === undefined ? [unshare as string, '--net', '--mount'] : [];
  const args = [JSON.stringify(present), why === undefined ? '--isolated' : ''];
  const { code, stdout, stderr } = await runProgram('through-proxies.mjs', args, {
    ...{ under, folder: 'interop', timeout: 100_000 },
  });
  if (code !== 0) throw new Error(`it ended with ${code}: ${stderr}`);
  for (const line of stdout.trim().split('\n')) {
    const { proxy: name, what, outcome } = JSON.parse(line) as { proxy: string; what: string; outcome: Outcome };
    (seen[name] ??= {})[what] = outcome;
  }
}, 120_000);

/** The tools that a row of the table needs. */
function needs(name: string): string[] {
  const found = ['dante', 'microsocks', 'tinyproxy', 'squid', 'ssh'].filter((each) => name.includes(each));
  return found.map((each) => ({ dante: 'danted', ssh: 'sshd' })[each] ?? each);
}

test.each(Object.entries(EXPECTED))('%s', (name, expected) => {
  const missing = needs(name).filter((tool) => present[tool] === undefined);
  if (missing.length > 0) return tellSkipped(` without ${missing.join(', ')}: ${name}`);
  if (why !== undefined)
    console.warn(`nothing is unreachable, filtered or behind a password of the system in this run: ${why}`);
  if (why !== undefined && name.includes('password')) return;
  const rows = Object.entries(expected);
  const wanted = why === undefined ? rows : rows.filter(([what]) => !ISOLATED.has(what));
  expect(seen[name]).toEqual(Object.fromEntries(wanted));
});
