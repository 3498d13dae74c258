import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const PATIENCE = 180_000;

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
  const reason = whyNot() ?? install(debianPackage);
  const installed = findTool(name);
  if (installed === undefined) console.warn(`skipped without ${name} (Debian: ${debianPackage}): ${reason}`);
  return installed;
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
      timeout: PATIENCE,
    });
    return 'the package has no such program';
  } catch (error) {
    return `apt-get install failed: ${String((error as Error).message).split('\n')[0]}`;
  }
}
