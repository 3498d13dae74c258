import { createRequire } from 'node:module';

import type { Binding } from './binding.js';
import { ABI } from './binding.js';

const BRAND = Symbol.for('millrace.error');

/** The package of prebuilt binaries for this machine. */
function platformPackage(): string {
  const { platform, arch } = process;
  if (platform === 'linux') {
    const header = (process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined)?.header;
    return `millrace-linux-${arch}-${header?.glibcVersionRuntime ? 'gnu' : 'musl'}`;
  }
  return platform === 'win32' ? `millrace-win32-${arch}-msvc` : `millrace-${platform}-${arch}`;
}

/**
 * The addon by its name alone, which takes half the time of the generated loader: beside it, then as the platform's package.
 * On Linux the name is glibc's; where that is not there or does not load, as with musl, the loader finds out.
 */
function byName(): Binding | undefined {
  const { platform, arch, env } = process;
  if (env.NAPI_RS_NATIVE_LIBRARY_PATH !== undefined) return undefined;
  const name = `${platform}-${arch}${{ linux: '-gnu', win32: '-msvc' }[platform as string] ?? ''}`;
  const load = createRequire(__filename);
  for (const path of [`../../native/millrace.${name}.node`, `millrace-${name}`]) {
    try {
      return load(path) as Binding;
    } catch {
      // The loader tries it again, and says why.
    }
  }
  return undefined;
}

/** This room is below the errors', so it makes its own, in the same shape. */
function failure(code: string, kind: string, message: string, cause?: unknown): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  error.name = 'MillraceError';
  return Object.assign(error, { code, kind, category: 'application', retryable: false, [BRAND]: true });
}

function load(): Binding {
  if (process.versions.bun !== undefined) {
    throw failure(
      'MILLRACE_RUNTIME_UNSUPPORTED',
      'misuse',
      `millrace needs Node.js: Bun ${process.versions.bun} offers libuv's names but not its loop`,
    );
  }
  let loaded: Binding;
  try {
    // The generated loader is CommonJS; it tries native/, then the platform's package.
     
    loaded = byName() ?? (require('../../native/index.js') as Binding);
  } catch (cause) {
    const host = `${process.platform}-${process.arch}`;
    const missing = platformPackage();
    throw failure(
      'MILLRACE_NATIVE_MISSING',
      'system',
      `millrace has no binary for ${host}: the optional package ${missing} is not installed or does not load.\n` +
        `  Reinstall with optional dependencies: npm install --include=optional millrace\n` +
        `  (a lock file made on another platform may leave it out: npm install ${missing}@the same version)\n` +
        `  or build it here: clone the repository, install Rust, npm run build.`,
      cause,
    );
  }
  const found = loaded.abiVersion();
  if (found !== ABI) {
    throw failure(
      'MILLRACE_NATIVE_MISMATCH',
      'system',
      `millrace's binary speaks border ${found} (version ${loaded.version()}), this package needs ${ABI}: reinstall both`,
    );
  }
  return loaded;
}

const loaded = load();

/**
 * What all copies of this package on a thread have in common, made by the first of them. A bundler, a test runner or an
 * emptied `require.cache` loads the JavaScript once more, and the addon stays one: its events have to find whom they are
 * for, whichever copy that is of.
 */
export function common<T extends object>(name: string, make: () => T): T {
  return ((loaded as unknown as Record<symbol, T | undefined>)[Symbol.for(`millrace.${name}`)] ??= make());
}

/**
 * The native core. A copy, because an object that many properties were added to, as an addon's exports are, is a
 * dictionary to V8: each use of a function would be a search.
 */
export const native: Binding = { ...loaded };
