import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { tellSkipped } from './where.js';

const CACHE = join(__dirname, '../../.cache/debian');
const LIMIT_MS = 60_000;
const INSTALL_LIMIT_MS = 180_000;

/**
 * The folder that a Debian package unpacks to, fetched by apt on first use; or why it cannot be had. Nothing is
 * installed: its services do not start, and it needs no rights. What it depends on must be there already.
 */
export function debianPackage(name: string): { folder: string } | { missing: string } {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return { folder };
  if (process.platform !== 'linux') return { missing: 'there is no apt on this system' };
  mkdirSync(CACHE, { recursive: true });
  // Another test process may fetch the same one: each into a folder of its own, and the first to end wins.
  const own = mkdtempSync(join(CACHE, `.${name}-`));
  const run = (program: string, args: string[]): void =>
    void execFileSync(program, args, { cwd: own, stdio: 'pipe', timeout: LIMIT_MS });
  try {
    run('apt-get', ['download', name]);
    const file = readdirSync(own).find((each) => each.endsWith('.deb'));
    if (file === undefined) return { missing: `apt-get download ${name} brought nothing` };
    run('dpkg-deb', ['--extract', file, 'files']);
    try {
      renameSync(join(own, 'files'), folder);
    } catch (error) {
      if (!existsSync(folder)) throw error;
    }
    return { folder };
  } catch (error) {
    return { missing: `apt-get download ${name} failed: ${String((error as Error).message).split('\n')[0]}` };
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** The first of these programs that the system has, else of the package; or why there is none. */
export function debianProgram(name: string, pkg: string): { program: string } | { missing: string } {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    if (folder !== '' && existsSync(join(folder, name))) return { program: join(folder, name) };
  }
  const found = debianPackage(pkg);
  if ('missing' in found) return found;
  const program = join(found.folder, 'usr/bin', name);
  return existsSync(program) ? { program } : { missing: `the package ${pkg} has no ${name}` };
}

/** The path of a program, or undefined where it is not installed. */
export function findTool(name: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/**
 * The path of a program that others wrote, installed from Debian's package where it is missing and this may: as root, in
 * CI or with MILLRACE_INSTALL=1. Undefined, with the reason printed, where it cannot be had: the test then skips.
 */
export function requireTool(name: string, debianPackage = name): string | undefined {
  const found = findTool(name);
  if (found !== undefined) return found;
  const reason = installFromDebian(debianPackage);
  const installed = findTool(name);
  if (installed === undefined) tellSkipped(` without ${name} (Debian: ${debianPackage}): ${reason}`);
  return installed;
}

/** Installs a package where this may; what then explains that it is still missing. */
export function installFromDebian(debianPackage: string): string {
  return whyNot() ?? install(debianPackage);
}

/** Why nothing is installed here. */
function whyNot(): string | undefined {
  if (findTool('apt-get') === undefined) return 'there is no apt-get to install it with';
  if (process.getuid?.() !== 0) return 'only root can install it';
  if (!process.env.CI && !process.env.MILLRACE_INSTALL)
    return 'it is installed in CI, or with MILLRACE_INSTALL=1, only';
  return undefined;
}

function install(debianPackage: string): string {
  try {
    execFileSync('apt-get', ['install', '--yes', '--no-install-recommends', debianPackage], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: INSTALL_LIMIT_MS,
    });
    return 'the package has no such program';
  } catch (error) {
    return `apt-get install failed: ${String((error as Error).message).split('\n')[0]}`;
  }
}
