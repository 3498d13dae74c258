import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { findTool, installFromDebian } from './debian.js';
import { tellSkipped } from './where.js';

const CACHE = join(__dirname, '../../.cache/python');
const LIMIT_MS = 180_000;

/**
 * The interpreter of an environment of its own that has a package of PyPI in this version, made on first use: nothing
 * outside of .cache is changed. Undefined, with the reason printed, where it cannot be had: the test then skips.
 */
export function requirePython(name: string, version: string): string | undefined {
  const folder = join(CACHE, `${name}-${version}`);
  const inside = join(folder, 'bin/python');
  if (existsSync(inside)) return inside;
  const skipped = (reason: string): undefined => void tellSkipped(` without ${name} ${version} (PyPI): ${reason}`);
  const python = findTool('python3');
  if (python === undefined) return skipped('there is no python3');
  if (!runs(python, ['-c', 'import ensurepip, venv'])) {
    const obstacle = installFromDebian('python3-venv');
    if (!runs(python, ['-c', 'import ensurepip, venv'])) return skipped(`python3 has no venv: ${obstacle}`);
  }
  mkdirSync(CACHE, { recursive: true });
  // Whole or not at all: what is cut off while it is made is not taken for it later.
  const own = mkdtempSync(join(CACHE, `.${name}-`));
  try {
    run(python, ['-m', 'venv', own]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--retries', '1', '--timeout', '15'];
    run(join(own, 'bin/python'), [...pip, '--prefer-binary', `${name}==${version}`]);
    if (!existsSync(folder)) renameSync(own, folder);
    return inside;
  } catch (error) {
    return skipped(
      String((error as Error).message)
        .trim()
        .split('\n')
        .at(-1) ?? 'pip failed',
    );
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: LIMIT_MS });
}

function runs(program: string, args: readonly string[]): boolean {
  try {
    run(program, args);
    return true;
  } catch {
    return false;
  }
}
