import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const CACHE = join(__dirname, '../../.cache/debian');
const LIMIT_MS = 60_000;

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
