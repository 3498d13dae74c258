// haproxy as Debian has it: one thread, no log, an answer of its own, no server behind it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { startForeign } from '../foreign.mjs';
import { certificate, SUITE, TEXT, VERSION } from './material.mjs';

/** Its version, or null where it is not there. */
export function haproxyVersion() {
  const { error, stdout } = spawnSync('haproxy', ['-v'], { encoding: 'utf8' });
  return error ? null : (/version (\S+)/.exec(stdout)?.[1] ?? 'of unknown version');
}

const configuration = (folder, port) => `
global
  maxconn 8192
  nbthread 1
defaults
  mode http
  timeout client 65s
  timeout http-keep-alive 65s
frontend all
  bind 127.0.0.1:${port} ssl crt ${certificate()}/both.pem ssl-min-ver ${VERSION} ciphersuites ${SUITE}
  http-request return status 200 content-type text/plain string "${TEXT}"
`;

/** Starts it. See startForeign. */
export const startHaproxy = (name) =>
  startForeign(name, {
    program: 'haproxy',
    args: (folder) => ['-db', '-f', join(folder, 'configuration')],
    configuration,
    scheme: 'https',
    said: (_, output) => output,
  });
