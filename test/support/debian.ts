import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program of somebody else's: where it is, or why it cannot be had. */
export type Tool = { readonly path: string } | { readonly missing: string };

function find(program: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      // not here
    }
  }
  return undefined;
}

/** Why we may not install anything; undefined where we may. */
function obstacle(): string | undefined {
  if (find('apt-get') === undefined) return 'there is no apt-get';
  if (process.getuid?.() !== 0) return 'only root may install it';
  // A person's machine is left as it is.
  if (!process.env.CI && !process.env.MILLRACE_INSTALL) return 'set MILLRACE_INSTALL=1 to have it installed';
  return undefined;
}

function run(args: readonly string[]): string | undefined {
  const result = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-qq', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 180_000,
  });
  if (result.status === 0) return undefined;
  const said = result.error?.message ?? result.stderr.trim().split('\n').at(-1);
  return `apt-get ${args[0]} failed: ${said ?? `status ${result.status}`}`;
}

/**
 * A program of Debian's. Where it is missing, and we are root and in CI (or `MILLRACE_INSTALL` is set), its package is
 * installed. Where it cannot be had the reason is printed, once for each call: the tests that need it are skipped.
 */
export function requireTool(program: string, from = program): Tool {
  let path = find(program);
  if (path !== undefined) return { path };
  let missing = obstacle();
  if (missing === undefined) {
    const install = ['install', '--yes', '--no-install-recommends', from];
    // The lists may be old, or not there at all.
    missing = run(install) && (run(['update']) ?? run(install));
    path = find(program);
    if (path !== undefined) return { path };
    missing ??= `Debian's ${from} has no ${program}`;
  }
  console.warn(`skipped: ${program} (Debian's ${from}) is not here: ${missing}`);
  return { missing };
}

/** `test` where the tool is there, `test.skip` where it is not. */
export function testWith(tool: Tool): jest.It {
  return 'path' in tool ? test : (test.skip as jest.It);
}
