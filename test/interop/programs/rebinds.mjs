// A proxy of ours with its default rules, and names that dnsmasq gives another address by its second answer. It runs in a
// network and a mount namespace of its own; beyond a pair of devices stands a host with a public address.
// Arguments: the folder for its files, dnsmasq. Its output is one line of JSON.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect, createProxyServer } from '../../../dist/index.mjs';

const [folder, dnsmasq] = process.argv.slice(2);
const run = (program, ...args) => execFileSync(program, args, { stdio: 'pipe' });
const PUBLIC = '8.8.4.4';
const OWN = '8.8.4.1';
/** What each name is by its second answer. */
const SECOND = {
  'loopback.test': '127.0.0.1',
  'other-loopback.test': '127.9.9.9',
  'loopback6.test': '::1',
  'mapped.test': '::ffff:127.0.0.1',
  'private.test': '10.0.0.1',
  'metadata.test': '169.254.169.254',
  'unspecified.test': '0.0.0.0',
  // As public as the first, and an address of the proxy's own host.
  'own.test': OWN,
};
const NAMES = Object.keys(SECOND);

run('ip', 'link', 'set', 'lo', 'up');
const beyond = spawn('unshare', [
  ...['--net', process.execPath, '-e'],
  `const server = require('node:net').createServer((socket) => socket.on('error', () => undefined).end('public'));
   server.listen(0, '0.0.0.0', () => console.log(server.address().port));`,
]);
const [said] = await once(beyond.stdout, 'data');
const port = Number(said);
run('ip', 'link', 'add', 'here', 'type', 'veth', 'peer', 'name', 'there', 'netns', String(beyond.pid));
for (const address of [`${OWN}/24`, '10.0.0.1/24']) run('ip', 'addr', 'add', address, 'dev', 'here');
run('ip', 'link', 'set', 'here', 'up');
const there = ['nsenter', '--target', String(beyond.pid), '--net', 'ip'];
run(...there, 'addr', 'add', `${PUBLIC}/24`, 'dev', 'there');
run(...there, 'link', 'set', 'there', 'up');

// Whoever reaches this was led where nobody may go.
let reached = 0;
const canary = createServer((socket) => void reached++ || socket.destroy());
await once(canary.listen(port, '::'), 'listening');

const file = (name, text) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const zone = (addressOf) => file('names', NAMES.map((name) => `${addressOf(name)} ${name}\n`).join(''));
zone(() => PUBLIC);
run('mount', '--bind', file('resolv.conf', 'nameserver 127.0.0.1\noptions attempts:1\n'), '/etc/resolv.conf');
run('mount', '--bind', file('nsswitch.conf', 'hosts: files dns\n'), '/etc/nsswitch.conf');
run('mount', '--bind', file('hosts', '127.0.0.1 localhost\n'), '/etc/hosts');
const server = spawn(
  dnsmasq,
  [
    ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--pid-file=', '--user='],
    ...['--listen-address=127.0.0.1', '--bind-interfaces', '--port=53', '--log-facility=-', '--local=/test/'],
    ...['--local-ttl=0', `--addn-hosts=${join(folder, 'names')}`],
  ],
  { stdio: ['ignore', 'ignore', 'pipe'] },
);
let log = '';
server.stderr.on('data', (text) => (log += text));
const hasRead = async () => {
  while (!log.includes('read ')) {
    if (server.exitCode !== null) throw new Error(`dnsmasq ended: ${log}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  log = '';
};

const auth = { username: 'alice', password: 'open sesame' };
const errors = {};
const onClose = ({ request: { host }, error }) => error && (errors[host] = error.code);
const proxy = await createProxyServer({ host: '0.0.0.0', auth, onClose });

/** What a client gets that asks for a name by this protocol: the text, or how it is refused. */
const ways = {
  socks5h: (host) => tunnel('socks5h', host),
  http: (host) => tunnel('http', host),
  absolute: (host) =>
    new Promise((resolve, reject) => {
      const token = Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
      const headers = { host: `${host}:${port}`, 'proxy-authorization': `Basic ${token}` };
      const sent = request({
        host: '127.0.0.1',
        port: proxy.port,
        path: `http://${host}:${port}/`,
        headers,
        agent: false,
      });
      sent.on('error', reject).end();
      sent.on('response', (response) => resolve(response.resume().statusCode));
    }),
};
async function tunnel(kind, host) {
  const socket = await connect({ host, port, proxy: { url: `${kind}://127.0.0.1:${proxy.port}`, ...auth } });
  let text = '';
  for await (const chunk of socket) text += Buffer.from(chunk).toString();
  socket.destroy();
  return text;
}
const outcome = (call) => call.catch((error) => error.code);
const results = {};
const askAll = async () => {
  for (const [way, ask] of Object.entries(ways)) {
    const answers = await Promise.all(NAMES.map((name) => outcome(ask(name))));
    results[way] = Object.fromEntries(NAMES.map((name, at) => [name, answers[at]]));
  }
};

await hasRead();
await askAll();
const first = structuredClone(results);
const before = proxy.stats();
zone((name) => SECOND[name]);
server.kill('SIGHUP');
await hasRead();
// Answers of before are kept for a second, the least TTL that is believed.
const deadline = performance.now() + 10_000;
while (NAMES.some((name) => errors[name] === undefined) && performance.now() < deadline) await askAll();
const between = proxy.stats();
await askAll();
const after = proxy.stats();
console.log(
  JSON.stringify({
    ...{ first, second: results, errors, reached },
    before: [before.denied, before.tunnels.failed],
    denied: after.denied.prohibited - between.denied.prohibited,
    failed: after.tunnels.failed - between.tunnels.failed,
    names: NAMES.length,
  }),
);
server.kill('SIGKILL');
beyond.kill('SIGKILL');
process.exit(0);
