// Compiles the native core into native/ with the napi command, when its inputs have changed.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { capture, find, run, tool } from './command.mjs';
import { exclusively } from './lock.mjs';
import { inRoot } from './root.mjs';
import { checkRust } from './setup.mjs';
import { clearStamp, filesUnder, hashOf, readStamp, writeStamp } from './stamp.mjs';

const INPUTS = ['crates', 'Cargo.toml', 'Cargo.lock', '.cargo/config.toml', 'rust-toolchain.toml'];
// What is in crates/ but not in the addon: an edit there must not rebuild it.
const notInAddon = (path) => /^crates\/(testkit$|[^/]+\/(tests|benches|examples)$)/.test(path);

/** The hash of everything that the addon is compiled from. */
export const addonHash = () => hashOf(INPUTS.flatMap((path) => filesUnder(inRoot(path), notInAddon)));

/** The addon's files in native/, without the loader and declarations. */
export function addonFiles(folder = inRoot('native')) {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.node')) : [];
}

/** Whether native/ holds what the present sources make. Any profile will do unless one is named. */
export function addonIsCurrent(profile) {
  const stamp = readStamp('addon');
  if (!stamp || (profile && stamp.profile !== profile)) return false;
  if (!existsSync(inRoot('native/index.js')) || !addonFiles().includes(stamp.file)) return false;
  return stamp.hash === addonHash();
}

// The variable RUSTFLAGS, which the napi command sets for musl, hides .cargo/config.toml: say again what stands there.
function environment(target) {
  const musl = target
    ? target.includes('musl')
    : process.platform === 'linux' && !process.report?.getReport().header.glibcVersionRuntime;
  if (!musl || process.env.RUSTFLAGS) return process.env;
  return { ...process.env, RUSTFLAGS: '-C link-arg=-Wl,-z,nodelete -C target-feature=-crt-static' };
}

/** Removes the symbol table of a finished addon (the entry point stays); gives the reason where it cannot. */
export function strip(file) {
  if (process.platform === 'win32') return 'on Windows symbols are in a file of their own';
  if (!find('strip')) return 'strip is not on PATH';
  const { status, out } = capture('strip', [process.platform === 'darwin' ? '-x' : '--strip-all', file]);
  return status === 0 ? null : out.trim();
}

/**
 * Compiles the addon, its loader and its declarations into a folder.
 * `profile` is `release` or `fast` (no link-time optimization, symbols kept); `target` a Rust triple other than ours.
 */
export function compileAddon({
  profile = 'release',
  target,
  folder = inRoot('native'),
  symbols = profile !== 'release',
  args = [],
} = {}) {
  const made = inRoot('.cache', 'addon');
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true });
  run(
    process.execPath,
    [
      tool('@napi-rs/cli/cli.mjs'),
      ...['build', '--platform', '--manifest-path', 'crates/node/Cargo.toml', '--package-json-path', 'package.json'],
      ...['--output-dir', made, ...(profile === 'release' ? ['--release'] : ['--profile', profile])],
      ...(target ? ['--target', target] : []),
      ...args,
    ],
    // What the command prints is for people who watch a build, not output of ours.
    { env: environment(target), stdio: ['ignore', 2, 2] },
  );
  const [file] = addonFiles(made);
  if (!file) throw new Error('napi build ended without an addon');
  if (!symbols) {
    const reason = strip(`${made}/${file}`);
    if (reason) console.error(`millrace: ${file} keeps its symbols: ${reason}`);
  }
  mkdirSync(folder, { recursive: true });
  // Renamed into place: a process that has the old one mapped keeps it.
  for (const name of readdirSync(made)) renameSync(`${made}/${name}`, `${folder}/${name}`);
  return file;
}

/** Compiles the addon into native/ when its sources have changed since the last time; says whether it did. */
export function buildAddon({ profile = 'release', force = false, symbols } = {}) {
  if (!force && addonIsCurrent(profile)) return false;
  checkRust();
  return exclusively(() => {
    if (!force && addonIsCurrent(profile)) return false;
    console.error(`millrace: compiling the native core (profile ${profile}; the first time takes about a minute)`);
    clearStamp('addon');
    const hash = addonHash();
    const file = compileAddon({ profile, symbols });
    writeStamp('addon', { hash, profile, file });
    return true;
  });
}
