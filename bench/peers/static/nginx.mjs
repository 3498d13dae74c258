// nginx as Debian has it: one worker, sendfile on, no log of requests.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { cores } from '../../measure/machine.mjs';
import { children } from '../../measure/process-facts.mjs';
import { temporaryFolder } from '../../measure/temporary.mjs';
import { ask } from '../ask.mjs';

const TRIES = 3;
const LIMIT_MS = 10_000;

/** Its version, or null where it is not there. */
export function nginxVersion() {
  const { error, stderr } = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  return error ? null : (/nginx\/(\S+)/.exec(stderr)?.[1] ?? 'of unknown version');
}

// Requests per connection are 1000 by default: nobody else here closes connections under load.
const configuration = (folder, root, port) => `
daemon off;
worker_processes 1;
${process.getuid() === 0 ? 'user root;' : ''}
pid ${folder}/pid;
error_log ${folder}/errors;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${port};
    root ${root};
  }
}
`;

// It cannot be told to take any port that is free, nor say which it took.
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts it on a folder, pinned to the server's core: { name, pids, port, url(path), stop() }. */
export async function startNginx(name, root) {
  let error;
  // Somebody else may have taken the port in between.
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      return await startOn(name, root, await freePort());
    } catch (failure) {
      error = failure;
    }
  }
  throw error;
}

async function startOn(name, root, port) {
  const folder = temporaryFolder('nginx');
  const config = join(folder, 'nginx.conf');
  writeFileSync(config, configuration(folder, root, port));
  // setpriv has it ended when we die; both replace themselves by what follows.
  const pinned = ['-c', String(cores.server), 'setpriv', '--pdeathsig', 'TERM'];
  const child = spawn('taskset', [...pinned, 'nginx', '-p', folder, '-c', config], { stdio: 'ignore' });
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
  const url = (path) => `http://127.0.0.1:${port}${path}`;
  const until = Date.now() + LIMIT_MS;
  for (;;) {
    try {
      await ask(url('/'));
      const pids = [child.pid, ...children(child.pid)];
      if (pids.length !== 2) throw new Error(`nginx has ${pids.length - 1} workers`);
      return { name, pids, port, url, stop };
    } catch (error) {
      if (ended === null && Date.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      let said = '';
      try {
        said = readFileSync(join(folder, 'errors'), 'utf8').trim();
      } catch {
        // It came to no log.
      }
      await stop();
      throw new Error(`nginx does not answer (${ended ?? error.message}): ${said.slice(-1_000)}`, { cause: error });
    }
  }
}
