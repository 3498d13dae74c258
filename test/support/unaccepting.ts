import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';

/** A process that listens and never accepts: it sits in its first turn. */
const PROGRAM = `const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, String(server.address().port));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;

/** Why there can be none here, if so: elsewhere a full queue refuses, or takes more than it was told to. */
export const NO_UNACCEPTING =
  process.platform === 'linux' ? undefined : `the queue of a listener is not as long as it says on ${process.platform}`;

/** A port of the loopback where a connection is neither taken nor refused, for the queue is full and nobody accepts. */
export async function unaccepting(): Promise<{ port: number; end(): Promise<void> }> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(printed.toString());
  // As many as the kernel keeps for it: backlog and one more.
  const full: Socket[] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  await Promise.all(full.map((socket) => once(socket, 'connect')));
  return {
    port,
    end: async () => {
      for (const socket of full) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}
