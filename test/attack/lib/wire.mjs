// A network of two: the server's namespace, which is ours, and the attackers'. What the attackers' end does when it is
// cut is what a peer does whose machine lost power: nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { find } from '../../../scripts/lib/command.mjs';

/** The server's address on the wire, an attacker's, and one that hears no answer. */
export const SERVER = '10.203.0.1';
const ATTACKER = '10.203.0.2';
export const DEAF = '10.203.0.3';
const [HERE, THERE] = ['millrace-a', 'millrace-b'];

const run = (program, ...args) => execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** Why there can be no such network here; undefined where there can. */
export function whyNoWire() {
  for (const [program, from] of [
    ['ip', 'iproute2'],
    ['unshare', 'util-linux'],
    ['nsenter', 'util-linux'],
  ])
    if (find(program) === null) return `${program} is not installed (Debian: apt-get install ${from})`;
  try {
    run('unshare', '--net', 'ip', 'link', 'add', HERE, 'type', 'veth', 'peer', 'name', THERE);
  } catch (error) {
    return `no network namespace can be made here: ${String(error.stderr ?? error.message).trim()}`;
  }
  return undefined;
}

/** Our own namespace is fresh: its loopback is down. */
export const raiseLoopback = () => run('ip', 'link', 'set', 'lo', 'up');

/** A wire from our namespace to that of a process. */
export function buildWire(pid) {
  const there = (...args) => run('nsenter', '-t', String(pid), '-n', 'ip', ...args);
  run('ip', 'link', 'add', HERE, 'type', 'veth', 'peer', 'name', THERE, 'netns', String(pid));
  run('ip', 'addr', 'add', `${SERVER}/24`, 'dev', HERE);
  run('ip', 'link', 'set', HERE, 'up');
  for (const address of [ATTACKER, DEAF]) there('addr', 'add', `${address}/24`, 'dev', THERE);
  there('link', 'set', THERE, 'up');
  // Answers to this one go to a station that is not there.
  run('ip', 'neigh', 'replace', DEAF, 'lladdr', '02:00:00:00:00:99', 'dev', HERE, 'nud', 'permanent');
}

/** In the attackers' namespace: from now on nothing goes in or out. */
export const cutWire = () => run('ip', 'link', 'set', THERE, 'down');

/** How many SYN cookies our namespace has sent: one for each SYN that found the queue full. */
export function synCookies() {
  const lines = readFileSync('/proc/self/net/netstat', 'utf8').split('\n');
  const [names, values] = lines.filter((line) => line.startsWith('TcpExt:')).map((line) => line.split(' '));
  return Number(values[names.indexOf('SyncookiesSent')]);
}
