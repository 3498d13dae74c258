// Our client through proxies that others wrote. Argument: JSON, the paths of the tools that there are. It runs in a network and
// a mount namespace of its own where --isolated stands: with a network that cannot be reached, a port whose packets are
// dropped, a user of the system with a password, and names of its own.
// Each line of its output is JSON: { proxy, what, outcome }, outcome being what came back, or the code and phase.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect, TlsContext } from '../../../dist/index.mjs';
import {
  addUser,
  dante,
  freePort,
  microsocks,
  PASSWORD,
  setHosts,
  sshTunnel,
  squid,
  stopAll,
  tinyproxy,
  USER,
} from './lib/foreign-proxies.mjs';
import { startHttpTarget, underClients } from './lib/http-over-chains.mjs';

const tools = JSON.parse(process.argv[2]);
const isolated = process.argv[3] === '--isolated';
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** No network leads there (TEST-NET-2), and what is sent to the second port is dropped. */
const UNREACHABLE = '198.51.100.1';
if (isolated) execFileSync(tools.ip, ['link', 'set', 'lo', 'up']);
const filtered = await freePort();
if (isolated) {
  execFileSync(tools.ip, ['route', 'add', 'unreachable', UNREACHABLE]);
  const chain = `chain out {\n type filter hook output priority 0;\n tcp dport ${filtered} drop;\n }`;
  execFileSync(tools.nft, ['-f', '-'], { input: `table inet filtered {\n ${chain}\n }\n` });
  addUser(tools.openssl);
  setHosts('127.0.0.1 localhost there.test\n::1 localhost\n');
}

const echo = async (host) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => undefined).pipe(socket));
  await once(server.listen(0, host), 'listening');
  return server.address().port;
};
const [four, six, closed] = [await echo('127.0.0.1'), await echo('::1'), await freePort()];

async function ask(options) {
  const socket = await connect({ timeouts: { proxy: 15_000 }, ...options });
  try {
    socket.write('there and back');
    let came = '';
    // Several of these proxies take the end of one side for the end of both.
    for await (const chunk of socket) if ((came += Buffer.from(chunk)).length === 14) break;
    return came;
  } finally {
    socket.destroy();
  }
}

/** What an error says: a status is told by its message alone. */
function failure({ code, phase, message }) {
  const status = code === 'MILLRACE_PROXY_STATUS' ? Number(/: ([1-5]\d\d) /.exec(message)?.[1]) : undefined;
  return { code, phase, status };
}

async function row(proxy, what, options) {
  say({ proxy, what, outcome: await ask(options).catch(failure) });
}

/** Everything that a proxy can be asked for, at once. */
async function all(name, proxy, wrong = []) {
  const [kind] = String(proxy.url ?? proxy).split(':');
  const rows = {
    IPv4: { host: '127.0.0.1', port: four },
    ...(!kind.startsWith('socks4') && { IPv6: { host: '::1', port: six } }),
    name: { host: isolated ? 'there.test' : 'localhost', port: four },
    refused: { host: '127.0.0.1', port: closed },
    ...(isolated && {
      // It is resolved here, and nobody listens at the first of its addresses.
      ...(kind === 'socks5' && { 'name of both families': { host: 'localhost', port: four } }),
      unreachable: { host: UNREACHABLE, port: 80 },
      filtered: { host: '127.0.0.1', port: filtered, timeouts: { proxy: 400 } },
    }),
  };
  await Promise.all(Object.entries(rows).map(([what, options]) => row(name, what, { ...options, proxy })));
  // Not beside the others: squid takes a wrong digest for right while it looks up the same user for another request.
  for (const [what, bad] of wrong) await row(name, what, { host: '127.0.0.1', port: four, proxy: bad });
}

const at = (kind, port, user = USER, password = PASSWORD) => ({
  url: `${kind}://127.0.0.1:${port}`,
  username: user,
  password,
});
const bare = (kind, port) => `${kind}://127.0.0.1:${port}`;
const wrongAt = (kind, port) => [
  ['wrong password', at(kind, port, USER, 'wrong')],
  ['no password', bare(kind, port)],
];
const ways = {};

async function throughDante() {
  const port = await dante(tools.danted);
  ways.dante = bare('socks5', port);
  for (const kind of ['socks5', 'socks5h', 'socks4', 'socks4a']) {
    await all(`dante, ${kind}`, bare(kind, port));
  }
  if (!isolated) return;
  const guarded = await dante(tools.danted, 'username');
  ways['dante-password'] = at('socks5h', guarded);
  for (const kind of ['socks5', 'socks5h']) {
    const wrong = [...wrongAt(kind, guarded), ['wrong user', at(kind, guarded, 'mallory')]];
    await all(`dante with a password, ${kind}`, at(kind, guarded), wrong);
  }
  // SOCKS4 has no password to show.
  await row('dante with a password, socks4', 'no password', {
    host: '127.0.0.1',
    port: four,
    proxy: bare('socks4', guarded),
  });
}

async function throughMicrosocks() {
  const port = await microsocks(tools.microsocks);
  ways.microsocks = at('socks5h', port);
  for (const kind of ['socks5', 'socks5h']) {
    await all(`microsocks, ${kind}`, at(kind, port), wrongAt(kind, port));
  }
}

async function throughTinyproxy() {
  const port = await tinyproxy(tools.tinyproxy);
  // Its configuration knows no space in a password.
  ways.tinyproxy = at('http', port, USER, 'sesame');
  await all('tinyproxy', ways.tinyproxy, wrongAt('http', port));
}

async function throughSquid(scheme) {
  const { port, secure, cert, key } = await squid(tools.squid, tools.openssl, scheme);
  const tls = await TlsContext.client({ ca: cert });
  const overTls = (secret) => ({ ...at('https', secure, USER, secret), url: `https://localhost:${secure}`, tls });
  ways[`squid-${scheme}`] = overTls(PASSWORD);
  await all(`squid, ${scheme}`, at('http', port), wrongAt('http', port));
  const wrong = [
    ['wrong password', overTls('wrong')],
    ['no password', { url: `https://localhost:${secure}`, tls }],
    ['untrusted certificate', `https://localhost:${secure}`],
  ];
  await all(`squid, ${scheme}, TLS`, overTls(PASSWORD), wrong);
  return { cert, key };
}

async function throughSsh() {
  const port = await sshTunnel(tools.sshd, tools.ssh, tools['ssh-keygen']);
  ways.ssh = bare('socks5h', port);
  for (const kind of ['socks5', 'socks5h', 'socks4', 'socks4a']) {
    await all(`ssh -D, ${kind}`, bare(kind, port));
  }
}

/** Chains of three, for sockets and for HTTP clients. */
const SOCKET_CHAINS = [
  ['dante', 'tinyproxy', 'ssh'],
  ['microsocks', 'squid-basic', 'dante'],
  ['squid-digest', 'ssh', 'microsocks'],
  ['ssh', 'microsocks', 'tinyproxy'],
];
const HTTP_CHAINS = [
  ['squid-basic', 'dante', 'microsocks'],
  ['ssh', 'squid-digest', 'dante-password'],
  ['tinyproxy', 'microsocks', 'ssh'],
];

async function throughChains(identity) {
  const targets = await startHttpTarget(identity);
  const present = (chain) => chain.every((name) => name in ways);
  const rows = SOCKET_CHAINS.filter(present).map(async (chain) => {
    const proxy = chain.map((name) => ways[name]);
    await row(chain.join(' > '), 'IPv4', { host: '127.0.0.1', port: four, proxy });
    await row(chain.join(' > '), 'refused', { host: '127.0.0.1', port: closed, proxy });
  });
  for (const chain of HTTP_CHAINS.filter(present)) {
    const proxy = chain.map((name) => ways[name]);
    // The last that has a password is shown another one.
    const guarded = chain.findLastIndex((name) => typeof ways[name] === 'object');
    const wrong = proxy.with(guarded, { ...proxy[guarded], password: 'wrong' });
    for await (const [what, outcome] of underClients({ ...targets, closed, proxy, wrong })) {
      say({ proxy: chain.join(' > '), what, outcome: outcome instanceof Error ? failure(outcome) : outcome });
    }
  }
  await Promise.all(rows);
}

try {
  const [identity] = await Promise.all([
    tools.squid ? throughSquid('basic') : null,
    tools.squid ? throughSquid('digest') : null,
    tools.danted ? throughDante() : null,
    tools.microsocks ? throughMicrosocks() : null,
    tools.tinyproxy ? throughTinyproxy() : null,
    tools.sshd ? throughSsh() : null,
  ]);
  await throughChains(identity);
} finally {
  stopAll();
}
process.exit(0);
