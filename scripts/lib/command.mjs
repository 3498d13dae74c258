// Runs other programs and looks for them.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { inRoot, root } from './root.mjs';

/** A failure whose message is all that a person needs: it is printed without a stack. */
export class PlainError extends Error {}

/** Runs a program with our standard streams; throws a PlainError when it fails. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (result.error) throw new PlainError(`${program} could not be started: ${result.error.message}`);
  if (result.status !== 0) {
    throw new PlainError(`${[program, ...args].join(' ')} ended with ${result.signal ?? `status ${result.status}`}`);
  }
}

/** Runs a program and gives what it printed: { status, out }, with both streams in one text. */
export function capture(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20, ...options });
  if (result.error) return { status: -1, out: result.error.message, stdout: '' };
  return { status: result.status ?? 1, out: result.stdout + result.stderr, stdout: result.stdout };
}

/** The full path of a program on PATH, or null. */
export function find(program) {
  const names = process.platform === 'win32' ? [`${program}.exe`, `${program}.cmd`] : [program];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of names) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // not here
      }
    }
  }
  return null;
}

/** The program and first arguments that run npm: the npm that started us where there is one. */
export function npm() {
  if (process.env.npm_execpath) return [process.execPath, process.env.npm_execpath];
  // On Windows npm is a batch file, which cannot be started without a shell; the script that it calls lies beside Node.
  const script = join(dirname(process.execPath), 'node_modules/npm/bin/npm-cli.js');
  if (process.platform === 'win32' && existsSync(script)) return [process.execPath, script];
  return [find('npm') ?? 'npm'];
}

/** The path of a script in an installed development tool, for Node to run. */
export const tool = (path) => inRoot('node_modules', path);

/** What a script says of itself: the comment that it begins with. */
function usage(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  return lines
    .slice(0, end)
    .map((line) => line.slice(3))
    .join('\n');
}

/**
 * Runs a script's main function: a PlainError, or an option that there is not, prints its message alone, anything else its
 * stack; both exit with 1. With `--help` first, the script's usage is printed instead; not where `help` is false.
 */
export async function main(body, { help = true } = {}) {
  if (help && process.argv[2] === '--help') {
    console.log(usage(process.argv[1]));
    return;
  }
  try {
    await body();
  } catch (error) {
    const isPlain = error instanceof PlainError || error?.code?.startsWith('ERR_PARSE_ARGS_');
    console.error(isPlain ? `millrace: ${error.message}` : error);
    process.exitCode = 1;
  }
}
