// What the machine can compile for: the targets of package.json, each with the reason where it cannot.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { capture, find } from './command.mjs';
import { readPackage } from './root.mjs';

/** The triple that rustc compiles for when it is not told otherwise. */
export const hostTriple = () => /^host: (.+)$/m.exec(capture('rustc', ['-vV']).out)?.[1] ?? null;

const system = (triple) => (/-linux-/.test(triple) ? 'linux' : /-apple-/.test(triple) ? 'darwin' : 'win32');

function hasStandardLibrary(triple, sysroot) {
  const folder = join(sysroot, 'lib/rustlib', triple, 'lib');
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('libstd-'));
}

/** The names of a C compiler that makes code for a target from this host; cargo and cc look for the same. */
function compilers(triple) {
  const [processor] = triple.split('-');
  if (triple.endsWith('-musl'))
    return [`${processor}-linux-musl-gcc`, ...(processor === hostProcessor() ? ['musl-gcc'] : [])];
  return [`${processor}-linux-gnu-gcc`];
}

const hostProcessor = () => ({ x64: 'x86_64', arm64: 'aarch64' })[process.arch] ?? process.arch;

/** Why this machine cannot compile for a target, or null when it can. */
export function obstacle(
  triple,
  { host = hostTriple(), sysroot = capture('rustc', ['--print', 'sysroot']).stdout?.trim() ?? '' } = {},
) {
  if (!host) return 'rustc is not on PATH';
  if (triple === host) return null;
  if (system(triple) !== system(host))
    return `needs a machine that runs ${{ linux: 'Linux', darwin: 'macOS', win32: 'Windows' }[system(triple)]}`;
  if (!hasStandardLibrary(triple, sysroot))
    return `Rust's standard library for it is not installed: rustup target add ${triple}`;
  if (system(triple) === 'darwin') return null;
  const wanted = compilers(triple);
  return wanted.some(find) ? null : `no C compiler for it on PATH (${wanted.join(' or ')})`;
}

/** The C compiler and linker of a target other than the host's, as cargo and cc are told of them. */
export function crossEnvironment(triple, host = hostTriple()) {
  if (triple === host || system(triple) !== 'linux') return {};
  const compiler = compilers(triple).find(find);
  if (!compiler) return {};
  return {
    [`CC_${triple.replaceAll('-', '_')}`]: compiler,
    [`CARGO_TARGET_${triple.replaceAll('-', '_').toUpperCase()}_LINKER`]: compiler,
  };
}

/** Every target of package.json with what stands in its way: [{ triple, reason }]. */
export const targets = () => readPackage().napi.targets.map((triple) => ({ triple, reason: obstacle(triple) }));
