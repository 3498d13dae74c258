import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const LIMIT_MS = 120_000;

/** Packages of npm, installed into a folder of the cache on first use; why they cannot be had, otherwise. */
export function installFromNpm(folder: string, packages: readonly string[]): string | undefined {
  if (existsSync(folder)) return undefined;
  mkdirSync(dirname(folder), { recursive: true });
  // Another test process may install the same ones: each into a folder of its own, and the first to end wins.
  const own = mkdtempSync(join(dirname(folder), `.${basename(folder)}-`));
  try {
    writeFileSync(join(own, 'package.json'), '{ "private": true }');
    const npm = join(dirname(process.execPath), 'npm');
    const options = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
    execFileSync(existsSync(npm) ? npm : 'npm', ['install', ...options, ...packages], {
      cwd: own,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: LIMIT_MS,
    });
    try {
      renameSync(own, folder);
    } catch (error) {
      if (!existsSync(folder)) throw error;
    }
    return undefined;
  } catch (error) {
    return `npm install ${packages.join(' ')} failed: ${String((error as Error).message).split('\n')[0]}`;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** The folder of packages that only one test needs, at their exact versions, or why they cannot be had. */
export function npmPackages(name: string, packages: readonly string[]): { folder: string } | { missing: string } {
  const versions = packages.map((each) => each.slice(each.lastIndexOf('@') + 1));
  const folder = join(__dirname, '../../.cache/npm', `${name}-${[...new Set(versions)].join('-')}`);
  const missing = installFromNpm(folder, packages);
  return missing === undefined ? { folder } : { missing };
}
