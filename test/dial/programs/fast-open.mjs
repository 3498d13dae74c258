// In a network of its own: what the kernel counts of TCP Fast Open for connections with and without it. Its loopback
// is slow, so that round trips can be told apart. One line of JSON.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, features, listen } from '../../../dist/index.mjs';

/** One way, in ms. */
const DELAY = 100;

/** The kernel's counters of this network whose names begin so. */
function counters() {
  const lines = readFileSync('/proc/net/netstat', 'utf8').split('\n');
  const at = lines.findIndex((line) => line.startsWith('TcpExt:'));
  const [names, values] = [lines[at].split(' '), lines[at + 1].split(' ')];
  return Object.fromEntries(
    names.flatMap((name, place) => (/^TCPFastOpen/.test(name) ? [[name, +values[place]]] : [])),
  );
}

execFileSync('ip', ['link', 'set', 'lo', 'up']);
writeFileSync('/proc/sys/net/ipv4/tcp_fastopen', '3');
let isSlow = true;
try {
  execFileSync('tc', ['qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', `${DELAY}ms`], { stdio: 'ignore' });
} catch {
  isSlow = false;
}

/** Asks once and hears the answer: what the kernel counted of it, and how long it took. */
async function ask(port, fastOpen) {
  const before = counters();
  const began = performance.now();
  const socket = await connect({ host: '127.0.0.1', port, fastOpen });
  socket.write('asked');
  let took;
  let text = '';
  for await (const chunk of socket) {
    took ??= performance.now() - began;
    text += Buffer.from(chunk);
    if (text.length >= 5) break;
  }
  const after = counters();
  const counted = Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]]));
  return { text, took, active: counted.TCPFastOpenActive, passive: counted.TCPFastOpenPassive };
}

const echo = async (socket) => {
  for await (const chunk of socket) socket.write(chunk);
  await socket.end();
};
const listener = await listen({ host: '127.0.0.1', fastOpen: true }, echo);
const other = await listen({ host: '127.0.0.1' }, echo);
const answer = {
  isSlow,
  features: features().fastOpen,
  /** Has no cookie of the host yet, and asks for one. */
  first: await ask(listener.port, true),
  second: await ask(listener.port, true),
  plain: await ask(listener.port, false),
  /** Its listener takes no bytes with a SYN. */
  other: await ask(other.port, true),
};

/** What is told of an error, and what it is beside: the same in whichever way the connection was refused. */
const told = ({ code, kind, phase, syscall, errno, address, port, retryable, message, cause }) => ({
  ...{ code, kind, phase, syscall, errno, address, retryable },
  ...{ isOurPort: port === free, message: message.replace(String(free), 'PORT'), cause: cause?.code },
});
const free = listener.port;
listener.destroy();
other.destroy();
/** Nobody listens there any more, but its host is known: the first bytes go with the SYN, and are refused. */
const refused = { plain: await connect({ host: '127.0.0.1', port: free }).catch(told) };
for (const [name, use] of [
  ['read', async (socket) => (await socket[Symbol.asyncIterator]().next()).done],
  ['unread', (socket) => new Promise((_, reject) => socket.once('error', reject))],
]) {
  const socket = await connect({ host: '127.0.0.1', port: free, fastOpen: true });
  socket.write('asked');
  refused[name] = await use(socket).catch(told);
  refused[`${name}Failure`] = socket.failure && told(socket.failure);
}
const tls = { rejectUnauthorized: false, servername: 'localhost' };
refused.tls = await connect({ host: '127.0.0.1', port: free, fastOpen: true, tls }).catch(told);
const proxy = `http://127.0.0.1:${free}`;
refused.proxy = await connect({ host: 'far.test', port: 1, fastOpen: true, proxy }).catch(told);
const front = await listen({ host: '127.0.0.1' }, async (socket) => {
  const there = await connect({ host: '127.0.0.1', port: free, fastOpen: true });
  refused.relay = await socket.pipeTo(there).catch(told);
  refused.relayFailure = there.failure && told(there.failure);
});
const near = await connect({ host: '127.0.0.1', port: front.port });
near.write('asked');
near.resume();
await new Promise((resolve) => near.once('close', resolve));
front.destroy();
answer.refused = refused;
console.log(JSON.stringify(answer));
