// The floor: floor.c, compiled by the machine's C compiler.
import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../measure/temporary.mjs';
import { startForeign } from '../foreign.mjs';

const source = fileURLToPath(new URL('floor.c', import.meta.url));

/** Why it cannot be measured, or null. */
export const missing = () =>
  spawnSync('cc', ['--version'], { stdio: 'ignore' }).status === 0 ? null : 'cc is not on PATH: apt-get install gcc';

let compiled;

function program() {
  if (compiled !== undefined) return compiled;
  const file = join(temporaryFolder('floor'), 'floor');
  const { status, stderr } = spawnSync('cc', ['-O2', '-Wall', '-Werror', '-o', file, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cc: ${stderr}`);
  return (compiled = file);
}

/** Whether it takes a connection. */
const takes = (port) =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket.destroy())).once('error', reject);
  });

/** Starts it. See startForeign. */
export const startFloor = (name) =>
  startForeign(name, {
    program: program(),
    args: (folder) => [join(folder, 'configuration')],
    configuration: (_, port) => `${port}\n`,
    ready: takes,
    said: (_, output) => output,
  });
