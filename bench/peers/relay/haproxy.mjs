// haproxy as Debian has it, as a relay: one thread, no log, mode tcp with splice.
import { join } from 'node:path';
import { startForeign, takes } from '../foreign.mjs';

const configuration = (behind) => (folder, port) => `
global
  maxconn 7000
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  option splice-auto
listen all
  bind 127.0.0.1:${port} backlog 4096
  server behind 127.0.0.1:${behind}
`;

/** Starts it before what listens on a port. See startForeign. */
export const startHaproxy = (name, behind) =>
  startForeign(name, {
    program: 'haproxy',
    args: (folder) => ['-db', '-f', join(folder, 'configuration')],
    configuration: configuration(behind),
    ready: takes,
    said: (_, output) => output,
  });
