// Proxies that others wrote, each as a process of its own with a configuration of its own, until `stopAll`.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export const USER = 'alice';
export const PASSWORD = 'open sesame';

const folder = mkdtempSync(join(tmpdir(), 'millrace-proxies-'));
// Some of them give up root for a user who has to read this.
chmodSync(folder, 0o755);
const children = [];

export function stopAll() {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

const file = (name, text, mode = 0o644) => {
  writeFileSync(join(folder, name), text, { mode });
  return join(folder, name);
};

export const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Starts it, and resolves with the port once something listens there. */
async function run(program, args, port) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const deadline = performance.now() + 20_000;
  for (;;) {
    if (await accepts(port)) return port;
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`${program} does not listen: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true) || socket.destroy());
    socket.on('error', () => resolve(false));
  });

/** SOCKS4 and 5 without authentication (`none`), or SOCKS5 for a user of the system with the system's password (`username`). */
export async function dante(danted, method = 'none') {
  const port = await freePort();
  const rules = `
logoutput: stderr
internal: 127.0.0.1 port = ${port}
external: lo
clientmethod: none
socksmethod: ${method}
user.privileged: root
user.unprivileged: nobody
client pass { from: 0/0 to: 0/0 }
socks pass { from: 0/0 to: 0/0 command: connect }
`;
  const pid = join(folder, `danted-${method}.pid`);
  return run(danted, ['-N', '1', '-p', pid, '-f', file(`danted-${method}.conf`, rules)], port);
}

/** Names in place of the system's, in the same namespace alone. */
export function setHosts(text) {
  execFileSync('mount', ['--bind', file('hosts', text), '/etc/hosts'], { stdio: 'pipe' });
}

/** Makes USER a user of this system as this process and its children see it: in a mount namespace of their own alone. */
export function addUser(openssl) {
  const hashed = execFileSync(openssl, ['passwd', '-6', PASSWORD]).toString().trim();
  const lines = {
    passwd: `${USER}:x:64999:65534::/nonexistent:/usr/sbin/nologin\n`,
    shadow: `${USER}:${hashed}:20000:0:99999:7:::\n`,
  };
  for (const [name, line] of Object.entries(lines)) {
    const own = file(name, readFileSync(`/etc/${name}`, 'utf8') + line, name === 'shadow' ? 0o640 : 0o644);
    execFileSync('mount', ['--bind', own, `/etc/${name}`], { stdio: 'pipe' });
  }
}

/** SOCKS5 with a password. */
export async function microsocks(program) {
  const port = await freePort();
  return run(program, ['-i', '127.0.0.1', '-p', String(port), '-u', USER, '-P', PASSWORD], port);
}

/** CONNECT with Basic. */
export async function tinyproxy(program) {
  const port = await freePort();
  const text = `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nLogLevel Error\nBasicAuth ${USER} sesame\n`;
  return run(program, ['-d', '-c', file('tinyproxy.conf', text)], port);
}

/** CONNECT with Basic or Digest, in the clear and over TLS. */
export async function squid(program, openssl, scheme) {
  const [port, secure] = [await freePort(), await freePort()];
  const at = (name) => join(folder, `${scheme}-${name}`);
  execFileSync(
    openssl,
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'].concat([
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', at('key.pem'), '-out', at('cert.pem')],
    ]),
    { stdio: 'pipe' },
  );
  chmodSync(at('key.pem'), 0o644);
  const hashed = execFileSync(openssl, ['passwd', '-apr1', PASSWORD]).toString().trim();
  const helper =
    scheme === 'basic'
      ? `/usr/lib/squid/basic_ncsa_auth ${file('basic.users', `${USER}:${hashed}\n`)}`
      : `/usr/lib/squid/digest_file_auth ${file('digest.users', `${USER}:${PASSWORD}\n`)}`;
  const text = `
http_port 127.0.0.1:${port}
https_port 127.0.0.1:${secure} tls-cert=${at('cert.pem')} tls-key=${at('key.pem')}
https_port [::1]:${secure} tls-cert=${at('cert.pem')} tls-key=${at('key.pem')}
auth_param ${scheme} program ${helper}
auth_param ${scheme} realm squid
auth_param ${scheme} children 1 startup=1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
visible_hostname localhost
pid_filename ${at('squid.pid')}
access_log none
cache_log /dev/stderr
cache deny all
netdb_filename none
coredump_dir /tmp
dns_timeout 1 seconds
shutdown_lifetime 0 seconds
`;
  await run(program, ['-N', '-f', file(`squid-${scheme}.conf`, text)], port);
  return { port, secure, cert: at('cert.pem'), key: at('key.pem') };
}

/** SOCKS4 and 5 by OpenSSH's client, over a server of its own. */
export async function sshTunnel(sshd, ssh, keygen) {
  const [server, port] = [await freePort(), await freePort()];
  for (const name of ['host', 'client']) {
    execFileSync(keygen, ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  if (process.getuid() === 0) mkdirSync('/run/sshd', { recursive: true });
  const text = `
Port ${server}
ListenAddress 127.0.0.1
HostKey ${join(folder, 'host')}
AuthorizedKeysFile ${join(folder, 'client.pub')}
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
AllowTcpForwarding yes
PidFile none
`;
  await run(sshd, ['-D', '-e', '-f', file('sshd.conf', text)], server);
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'ExitOnForwardFailure=yes',
    'BatchMode=yes',
  ];
  const { username } = userInfo();
  const args = ['-F', 'none', '-N', '-D', `127.0.0.1:${port}`, '-p', String(server), '-i', join(folder, 'client')];
  return run(ssh, [...args, ...options.flatMap((each) => ['-o', each]), `${username}@127.0.0.1`], port);
}
