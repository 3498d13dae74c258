// What the kernel has of the TCP sockets of this process: by a program in Python, which inherits the descriptors.
import { execFileSync } from 'node:child_process';
import { readdir, readlink } from 'node:fs/promises';

import { findTool } from './debian.js';
import { lacking } from './where.js';

const python = findTool('python3');

/** Why none of it can be asked here. */
export const noKernelSockets = lacking({ python3: python });

/**
 * The numbers that the program says of the socket `of`: the first one of this process, over IPv4, that has the port for
 * its own and listens, or does not. All that could be it are handed over. Not by /proc/net/tcp: the system leaves out
 * rows of that where tens of thousands of connections come and go meanwhile.
 */
async function asked(port: number, listens: boolean, program: string): Promise<number[]> {
  const sockets: number[] = [];
  for (const fd of await readdir('/proc/self/fd')) {
    if ((await readlink(`/proc/self/fd/${fd}`).catch(() => '')).startsWith('socket:')) sockets.push(Number(fd));
  }
  const code = `
import socket, struct
def is_wanted(one):
    if one.family != socket.AF_INET or one.type != socket.SOCK_STREAM or one.getsockname()[1] != ${port}: return False
    return one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == ${Number(listens)}
all = [socket.socket(fileno=3 + place) for place in range(${sockets.length})]
of = next(one for one in all if is_wanted(one))
${program}`;
  const answer = execFileSync(python as string, ['-c', code], { stdio: ['ignore', 'pipe', 'inherit', ...sockets] });
  return answer.toString().trim().split(' ').map(Number);
}

const NAMES = ['TCP_NODELAY', 'SO_KEEPALIVE', 'TCP_KEEPIDLE', 'TCP_KEEPINTVL', 'TCP_KEEPCNT', 'TCP_USER_TIMEOUT'];

/** TCP_NODELAY, SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT and TCP_USER_TIMEOUT of a connection over IPv4. */
export function socketOptionsOf({ localPort }: { localPort: number }): Promise<number[]> {
  const program = `print(*[of.getsockopt(socket.SOL_SOCKET if name[0] == 'S' else socket.IPPROTO_TCP, getattr(socket, name)) for name in '${NAMES.join(' ')}'.split()])`;
  return asked(localPort, false, program);
}

/** How many connections may wait at a listener over IPv4: of a listener TCP_INFO has that in the field `tcpi_sacked`. */
export async function backlogOf({ port }: { port: number }): Promise<number> {
  const program = `print(struct.unpack_from('=I', of.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64), 28)[0])`;
  return (await asked(port, true, program))[0];
}
