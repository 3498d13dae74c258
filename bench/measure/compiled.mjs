// Programs of bench/load that are written in C, compiled by the machine's C compiler: cargo needs one, too.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './temporary.mjs';

/** Why nothing can be compiled, or null. */
export const missingCompiler = () =>
  spawnSync('cc', ['--version'], { stdio: 'ignore' }).status === 0 ? null : 'cc is not on PATH: apt-get install gcc';

const programs = new Map();

/** The path of a program, by its file's name without `.c`; compiled once in a run. `define` sets a macro of it. */
export function compiled(name, define = '') {
  const key = `${name} ${define}`;
  if (!programs.has(key)) {
    const source = fileURLToPath(new URL(`../load/${name}.c`, import.meta.url));
    const defines = define === '' ? [] : [`-D${define}`];
    const file = join(temporaryFolder(name), name);
    const { status, stderr } = spawnSync('cc', ['-O2', '-Wall', ...defines, '-o', file, source], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`cc: ${stderr}`);
    programs.set(key, file);
  }
  return programs.get(key);
}
