// nginx as Debian has it: one worker, sendfile on, no log of requests.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startForeign } from './foreign.mjs';

/** Its version, or null where it is not there. */
export function nginxVersion() {
  const { error, stderr } = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  return error ? null : (/nginx\/(\S+)/.exec(stderr)?.[1] ?? 'of unknown version');
}

// Requests per connection are 1000 by default: nobody else here closes connections under load.
const configuration = (folder, server) => `
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
${process.getuid() === 0 ? 'user root;' : ''}
pid ${folder}/pid;
error_log ${folder}/errors;
events { worker_connections 8192; }
http {
  include /etc/nginx/mime.types;
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { ${server} }
}
`;

function said(folder, output) {
  try {
    return readFileSync(join(folder, 'errors'), 'utf8');
  } catch {
    return output; // it came to no log
  }
}

/** Starts it with what `server(port)` says of its one server; `scheme` is what that speaks. See startForeign. */
export const startNginx = (name, { server, scheme }) =>
  startForeign(name, {
    program: 'nginx',
    args: (folder) => ['-p', folder, '-c', join(folder, 'configuration')],
    configuration: (folder, port) => configuration(folder, server(port)),
    workers: 1,
    scheme,
    said,
  });
