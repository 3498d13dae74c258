// The floor: floor.c, compiled by the machine's C compiler.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../measure/temporary.mjs';
import { startForeign, takes } from '../foreign.mjs';

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

/** Starts it. See startForeign. */
export const startFloor = (name) =>
  startForeign(name, {
    program: program(),
    args: (folder) => [join(folder, 'configuration')],
    configuration: (_, port) => `${port}\n`,
    ready: takes,
    said: (_, output) => output,
  });
