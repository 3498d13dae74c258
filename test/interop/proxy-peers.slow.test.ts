// Our client through proxies that others wrote, alone and in chains of three.
import { execFileSync } from 'node:child_process';

import { buildCommandLine } from '../support/command-line.js';
import { findTool, requireTool } from '../support/debian.js';
import { runProgram } from '../support/program.js';

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
  if (unshare === undefined || tools.ip === undefined || tools.nft === undefined)
    return 'unshare, ip or nft are missing';
  try {
    execFileSync(unshare, ['--net', tools.nft, 'list', 'ruleset'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return String((error as Error).message).split('\n')[0];
  }
}

type Outcome = string | { code: string; phase?: string };

const OK = 'there and back';
const proxy = (code: string): Outcome => ({ code: `MILLRACE_${code}`, phase: 'proxy' });
const REFUSED = proxy('SOCKS_CONNECTION_REFUSED');
const UNREACHABLE = proxy('SOCKS_HOST_UNREACHABLE');
const REJECTED = proxy('SOCKS4_REJECTED');
const STATUS = proxy('PROXY_STATUS');
const CLOSED = proxy('PROXY_CLOSED');
const REQUIRED = proxy('PROXY_AUTHENTICATION_REQUIRED');
const LATE = proxy('PROXY_TIMEOUT');
const REACHED = { IPv4: OK, IPv6: OK, name: OK };
const squid = {
  ...REACHED,
  ...{ refused: STATUS, unreachable: STATUS, filtered: LATE, 'wrong password': REQUIRED, 'no password': REQUIRED },
  'untrusted certificate': { code: 'MILLRACE_TLS_SELF_SIGNED', phase: 'tls' },
};

/** What each of them answers; `ip route` says of the unreachable one that its host is. */
const EXPECTED: Record<string, Record<string, Outcome>> = {
  'dante, socks5': { ...REACHED, refused: REFUSED, unreachable: UNREACHABLE, filtered: LATE },
  'dante, socks5h': { ...REACHED, refused: REFUSED, unreachable: UNREACHABLE, filtered: LATE },
  'dante, socks4': { IPv4: OK, name: OK, refused: REJECTED, unreachable: REJECTED, filtered: LATE },
  microsocks: {
    ...{ ...REACHED, refused: REFUSED, unreachable: UNREACHABLE, filtered: LATE },
    'wrong password': proxy('SOCKS_AUTHENTICATION_REFUSED'),
    'no password': proxy('SOCKS_NO_ACCEPTABLE_METHOD'),
  },
  tinyproxy: {
    ...{ ...REACHED, refused: STATUS, unreachable: STATUS, filtered: LATE },
    // It answers 401 where RFC 9110 has 407.
    'wrong password': STATUS,
    'no password': REQUIRED,
  },
  'squid, basic': squid,
  'squid, digest': squid,
  'squid, basic, TLS': { IPv4: OK },
  'squid, digest, TLS': { IPv4: OK },
  // It refuses by closing (dynamic forwarding learns of the failure once the tunnel is begun).
  'ssh -D, socks5h': { ...REACHED, refused: CLOSED, unreachable: CLOSED, filtered: LATE },
  'ssh -D, socks4a': { IPv4: OK, name: OK, refused: CLOSED, unreachable: CLOSED, filtered: LATE },
  'dante > tinyproxy > ssh': { IPv4: OK, refused: CLOSED },
  'microsocks > squid-basic > dante': { IPv4: OK, refused: REFUSED },
  'squid-digest > ssh > microsocks': { IPv4: OK, refused: REFUSED },
  'ssh > microsocks > tinyproxy': { IPv4: OK, refused: STATUS },
};

const seen: Record<string, Record<string, Outcome>> = {};
const present = Object.fromEntries(Object.entries(tools).filter(([, path]) => path !== undefined));
const why = whyNotIsolated();

beforeAll(async () => {
  buildCommandLine();
  const under = why === undefined ? [unshare as string, '--net'] : [];
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
  if (missing.length > 0) return console.warn(`skipped without ${missing.join(', ')}: ${name}`);
  const rows = Object.entries(expected);
  if (why !== undefined) console.warn(`nothing is unreachable or filtered in this run: ${why}`);
  const wanted = why === undefined ? rows : rows.filter(([what]) => what !== 'unreachable' && what !== 'filtered');
  expect(seen[name]).toEqual(Object.fromEntries(wanted));
});
