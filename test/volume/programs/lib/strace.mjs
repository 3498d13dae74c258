// Faults of the kernel that no test can bring about otherwise: strace answers system calls in its place.
import { spawnSync } from 'node:child_process';

const runs = (...args) => spawnSync('strace', args, { encoding: 'utf8' });

/** Debian's strace, installed where that may be: as root, by a machine that only tests (CI) or where it was asked for. */
function install() {
  const asked = process.env.CI !== undefined || process.env.MILLRACE_INSTALL_TOOLS !== undefined;
  if (!asked || process.getuid() !== 0) return;
  spawnSync('apt-get', ['install', '-y', '-q', 'strace'], { stdio: 'ignore', timeout: 120_000 });
}

/** Why faults cannot be injected here, or null. */
export function cannotInject() {
  if (runs('-V').error) install();
  if (runs('-V').error) return 'strace is not installed (Debian: apt-get install strace)';
  const trial = runs('-qq', '-e', 'trace=accept4', '-e', 'inject=accept4:error=ENFILE:when=1..3+2', 'true');
  return trial.status === 0 ? null : `strace cannot inject faults here: ${trial.stderr.trim().split('\n')[0]}`;
}

/** Options of `fork` under which the child's calls of accept4 fail with ENFILE, those that `when` selects. */
export function withoutFiles(when, log) {
  const args = [
    '-f',
    '-qq',
    '-ttt',
    '-o',
    log,
    '-e',
    'trace=accept4',
    '-e',
    `inject=accept4:error=ENFILE:when=${when}`,
  ];
  return { execPath: 'strace', execArgv: [...args, process.execPath] };
}
