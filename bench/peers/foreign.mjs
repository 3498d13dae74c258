// A server that others wrote and that is told its port by a configuration: started on a free port, pinned to its core.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { basename, join } from 'node:path';
import { cores } from '../measure/machine.mjs';
import { children } from '../measure/process-facts.mjs';
import { temporaryFolder } from '../measure/temporary.mjs';
import { ask } from './ask.mjs';

const TRIES = 3;
const LIMIT_MS = 10_000;

// Such programs cannot be told to take any port that is free, nor say which they took.
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Rejects until a connection is taken: for `ready` of programs that speak no HTTP. */
export const takes = (port) =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket.destroy())).once('error', reject);
  });

/**
 * Starts a program: { name, pids, port, url(path), stop() }, the process that serves last in `pids`.
 *
 * - `program`, `args(folder)`, `configuration(folder, port)`: what is run, in the foreground, with `folder/configuration`;
 * - `scheme`; `workers`: how many processes it must have started;
 * - `ready(port)`: rejects until it serves; without it, it is asked for `/`;
 * - `said(folder, output)`: what it says of a failure, given what it wrote to standard error.
 */
export async function startForeign(name, options) {
  let error;
  // Somebody else may have taken the port in between.
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      return await startOn(name, options, await freePort());
    } catch (failure) {
      error = failure;
    }
  }
  throw error;
}

async function startOn(name, { program, args, configuration, scheme = 'http', workers = 0, ready, said }, port) {
  const folder = temporaryFolder(basename(program));
  writeFileSync(join(folder, 'configuration'), configuration(folder, port));
  // setpriv has it ended when we die; both replace themselves by what follows.
  const pinned = ['-c', String(cores.server), 'setpriv', '--pdeathsig', 'TERM'];
  const child = spawn('taskset', [...pinned, program, ...args(folder)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-4_000)));
  let ended = null;
  const end = new Promise((resolve) => {
    const ends = (reason) => resolve((ended ??= reason));
    child.once('error', (error) => ends(error.message)).once('close', (status) => ends(`status ${status}`));
  });
  const stop = async () => {
    if (ended === null) child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    await end;
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
  };
  const url = (path) => `${scheme}://127.0.0.1:${port}${path}`;
  const until = Date.now() + LIMIT_MS;
  for (;;) {
    try {
      await (ready ? ready(port) : ask(url('/')));
      const pids = [child.pid, ...children(child.pid)];
      if (pids.length !== workers + 1) throw new Error(`${program} has ${pids.length - 1} workers`);
      return { name, pids, port, url, stop };
    } catch (error) {
      if (ended === null && Date.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      const complaint = said(folder, output).trim().slice(-1_000);
      await stop();
      throw new Error(`${program} does not answer (${ended ?? error.message}): ${complaint}`, { cause: error });
    }
  }
}
