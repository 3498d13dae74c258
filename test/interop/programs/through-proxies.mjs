// Our client through proxies that others wrote. Argument: JSON, the paths of the tools that there are. It runs in a network
// namespace of its own where --isolated stands: with a network that cannot be reached, and a port whose packets are dropped.
// Each line of its output is JSON: { proxy, what, outcome }, outcome being what came back, or the code and phase.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect, TlsContext } from '../../../dist/index.mjs';
import {
  dante,
  freePort,
  microsocks,
  PASSWORD,
  sshTunnel,
  squid,
  stopAll,
  tinyproxy,
  USER,
} from './lib/foreign-proxies.mjs';

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
}

const echo = async (host) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => undefined).pipe(socket));
  await once(server.listen(0, host), 'listening');
  return server.address().port;
};
const [four, six, closed] = [await echo('127.0.0.1'), await echo('::1'), await freePort()];

async function ask(options) {
  const socket = await connect({ timeouts: { proxy: 8_000 }, ...options });
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

async function row(proxy, what, options) {
  const outcome = await ask(options).catch(({ code, phase }) => ({ code, phase }));
  say({ proxy, what, outcome });
}

/** Everything that a proxy can be asked for. */
async function all(name, proxy, { socks4 = false, wrong = [] } = {}) {
  await row(name, 'IPv4', { host: '127.0.0.1', port: four, proxy });
  if (!socks4) await row(name, 'IPv6', { host: '::1', port: six, proxy });
  await row(name, 'name', { host: 'localhost', port: four, proxy });
  await row(name, 'refused', { host: '127.0.0.1', port: closed, proxy });
  for (const [what, bad] of wrong) await row(name, what, { host: '127.0.0.1', port: four, proxy: bad });
  if (!isolated) return;
  await row(name, 'unreachable', { host: UNREACHABLE, port: 80, proxy });
  await row(name, 'filtered', { host: '127.0.0.1', port: filtered, proxy, timeouts: { proxy: 400 } });
}

const at = (kind, port, user = USER, password = PASSWORD) => ({
  url: `${kind}://127.0.0.1:${port}`,
  username: user,
  password,
});
const bare = (kind, port) => `${kind}://127.0.0.1:${port}`;
const ways = {};
try {
  if (tools.danted) {
    const port = await dante(tools.danted);
    ways.dante = bare('socks5', port);
    await all('dante, socks5', bare('socks5', port));
    await all('dante, socks5h', bare('socks5h', port));
    await all('dante, socks4', bare('socks4', port), { socks4: true });
  }
  if (tools.microsocks) {
    const port = await microsocks(tools.microsocks);
    ways.microsocks = at('socks5h', port);
    const wrong = [
      ['wrong password', at('socks5h', port, USER, 'wrong')],
      ['no password', bare('socks5h', port)],
    ];
    await all('microsocks', at('socks5h', port), { wrong });
  }
  if (tools.tinyproxy) {
    const port = await tinyproxy(tools.tinyproxy);
    ways.tinyproxy = at('http', port, USER, 'sesame');
    const wrong = [
      ['wrong password', at('http', port)],
      ['no password', bare('http', port)],
    ];
    await all('tinyproxy', ways.tinyproxy, { wrong });
  }
  if (tools.squid) {
    for (const scheme of ['basic', 'digest']) {
      const { port, secure, cert } = await squid(tools.squid, tools.openssl, scheme);
      const tls = await TlsContext.client({ ca: cert });
      ways[`squid-${scheme}`] = { ...at('https', secure), url: `https://localhost:${secure}`, tls };
      const wrong = [
        ['wrong password', at('http', port, USER, 'wrong')],
        ['no password', bare('http', port)],
        ['untrusted certificate', `https://localhost:${secure}`],
      ];
      await all(`squid, ${scheme}`, at('http', port), { wrong });
      await row(`squid, ${scheme}, TLS`, 'IPv4', { host: '127.0.0.1', port: four, proxy: ways[`squid-${scheme}`] });
    }
  }
  if (tools.sshd) {
    const port = await sshTunnel(tools.sshd, tools.ssh, tools['ssh-keygen']);
    ways.ssh = bare('socks5h', port);
    await all('ssh -D, socks5h', ways.ssh);
    await all('ssh -D, socks4a', bare('socks4a', port), { socks4: true });
  }
  const chains = [
    ['dante', 'tinyproxy', 'ssh'],
    ['microsocks', 'squid-basic', 'dante'],
    ['squid-digest', 'ssh', 'microsocks'],
    ['ssh', 'microsocks', 'tinyproxy'],
  ];
  for (const chain of chains) {
    if (!chain.every((name) => name in ways)) continue;
    const proxy = chain.map((name) => ways[name]);
    await row(chain.join(' > '), 'IPv4', { host: '127.0.0.1', port: four, proxy });
    await row(chain.join(' > '), 'refused', { host: '127.0.0.1', port: closed, proxy });
  }
} finally {
  stopAll();
}
process.exit(0);
