// What the kernel has of the TCP sockets of this process: by a program in Python, which inherits the descriptor.
import { execFileSync } from 'node:child_process';
import { readFile, readdir, readlink } from 'node:fs/promises';

import { findTool } from './debian.js';
import { lacking } from './where.js';

const python = findTool('python3');

/** Why none of it can be asked here. */
export const noKernelSockets = lacking({ python3: python });

const ESTABLISHED = '01';
const LISTENING = '0A';

const hexPort = (place: string | undefined): number => Number.parseInt(place?.split(':')[1] ?? '', 16);

/** The descriptor of a connection of this process, or of a listener, by its own port. */
async function descriptorOf(port: number, state: string): Promise<number> {
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1);
  const own = rows.map((row) => row.trim().split(/\s+/)).find((row) => row[3] === state && hexPort(row[1]) === port);
  for (const fd of await readdir('/proc/self/fd')) {
    if ((await readlink(`/proc/self/fd/${fd}`).catch(() => '')) === `socket:[${own?.[9]}]`) return Number(fd);
  }
  throw new Error(`no descriptor has the port ${port}`);
}

/** The numbers that the program says of the socket `of`. */
async function asked(port: number, state: string, program: string): Promise<number[]> {
  const stdio = ['ignore', 'pipe', 'inherit', await descriptorOf(port, state)] as const;
  const code = `import socket, struct; of = socket.socket(fileno=3)\n${program}`;
  const answer = execFileSync(python as string, ['-c', code], { stdio: [...stdio] });
  return answer.toString().trim().split(' ').map(Number);
}

const NAMES = ['TCP_NODELAY', 'SO_KEEPALIVE', 'TCP_KEEPIDLE', 'TCP_KEEPINTVL', 'TCP_KEEPCNT', 'TCP_USER_TIMEOUT'];

/** TCP_NODELAY, SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT and TCP_USER_TIMEOUT of a connection over IPv4. */
export function socketOptionsOf({ localPort }: { localPort: number }): Promise<number[]> {
  const program = `print(*[of.getsockopt(socket.SOL_SOCKET if name[0] == 'S' else socket.IPPROTO_TCP, getattr(socket, name)) for name in '${NAMES.join(' ')}'.split()])`;
  return asked(localPort, ESTABLISHED, program);
}

/** How many connections may wait at a listener over IPv4: of a listener TCP_INFO has that in the field `tcpi_sacked`. */
export async function backlogOf({ port }: { port: number }): Promise<number> {
  const program = `print(struct.unpack_from('=I', of.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64), 28)[0])`;
  return (await asked(port, LISTENING, program))[0];
}
