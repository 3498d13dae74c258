// Brings a fresh checkout to the point where the development tools can run, or says plainly what the machine lacks.
import { existsSync, readFileSync } from 'node:fs';
import { PlainError, capture, find, npm, run } from './command.mjs';
import { exclusively } from './lock.mjs';
import { inRoot, readPackage } from './root.mjs';
import { clearStamp, hashOf, readStamp, writeStamp } from './stamp.mjs';

const numbers = (version) => version.split('.').map(Number);

/** Whether version a is at least b; missing parts count as 0. */
export function atLeast(a, b) {
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < 3; i++) {
    if ((left[i] ?? 0) !== (right[i] ?? 0)) return (left[i] ?? 0) > (right[i] ?? 0);
  }
  return true;
}

/** Whether a version fits a range of the form that package.json uses: `^A.B.C || >=D.E.F`. */
export function fits(version, range) {
  return range.split('||').some((part) => {
    const [, operator, floor] = /^\s*(\^|>=)(\S+)\s*$/.exec(part) ?? [];
    if (!floor) throw new Error(`engines.node has a form that setup.mjs does not read: ${part}`);
    return atLeast(version, floor) && (operator === '>=' || numbers(version)[0] === numbers(floor)[0]);
  });
}

/** Throws when this Node is too old for the package. */
export function checkNode() {
  const range = readPackage().engines.node;
  if (fits(process.versions.node, range)) return;
  throw new PlainError(
    `this is Node ${process.versions.node}; millrace needs ${range}. Install one from https://nodejs.org/`,
  );
}

/** Throws when what compiles the addon is missing; called only when something has to be compiled. */
export function checkRust() {
  const wanted = /^rust-version = "(.+)"$/m.exec(readFileSync(inRoot('Cargo.toml'), 'utf8'))?.[1] ?? '1.88';
  const how = `install Rust ${wanted} or newer from https://rustup.rs/ and open a new shell`;
  if (!find('cargo')) throw new PlainError(`the native core has to be compiled and cargo is not on PATH: ${how}`);
  const { status, out } = capture('cargo', ['--version']);
  const version = /^cargo (\d+\.\d+\.\d+)/m.exec(out)?.[1];
  if (status !== 0 || !version) throw new PlainError(`cargo does not run (${out.trim()}): ${how}`);
  if (!atLeast(version, wanted)) throw new PlainError(`cargo is ${version}, too old: ${how}`);
  if (process.platform !== 'win32' && !process.env.CC && !['cc', 'gcc', 'clang'].some(find)) {
    throw new PlainError(
      process.platform === 'darwin'
        ? 'the native core needs a C compiler: run xcode-select --install'
        : 'the native core needs a C compiler: install gcc (Debian: apt-get install build-essential; Alpine: apk add build-base)',
    );
  }
}

const lockHash = () => hashOf([inRoot('package-lock.json')]);
const areInstalled = () => existsSync(inRoot('node_modules')) && readStamp('dependencies')?.lock === lockHash();

/** Installs the development dependencies when they are missing or the lock file has changed. */
export function installDependencies() {
  if (areInstalled()) return;
  exclusively(() => {
    if (areInstalled()) return;
    console.error('millrace: installing development dependencies (npm ci)');
    clearStamp('dependencies');
    const [program, ...first] = npm();
    // No dependency of ours needs its install script, so none runs.
    run(program, [...first, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      stdio: ['ignore', 2, 2],
    });
    writeStamp('dependencies', { lock: lockHash() });
  });
}

/**
 * Everything that must be there before a build: the right Node, with `compiles` a compiler, and the development
 * dependencies. What a person has to install is asked for before anything is fetched.
 */
export function prepare({ compiles = false } = {}) {
  checkNode();
  if (compiles) checkRust();
  installDependencies();
}
