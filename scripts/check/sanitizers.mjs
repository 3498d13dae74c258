// The Rust tests under AddressSanitizer: reads and writes out of bounds, use after free, and leaks.
//
// The addon's crate is left out: its tests cannot link without a Node. llhttp is C out of libgit2-sys and not
// instrumented itself; what it is given and gives back is in memory that is.
//
// ThreadSanitizer is not run. It has to see every lock, and the std that comes with a toolchain is compiled without it:
// rustc refuses to mix the two ("mixing `-Zsanitizer` will cause an ABI mismatch"), and where it is made to, each datum
// behind a Mutex is reported, those of the test harness first. A std of our own (-Zbuild-std) would cure it.
import { join } from 'node:path';
import { WITHOUT_INSTALLING, findNightly } from '../lib/nightly.mjs';
import { inRoot } from '../lib/root.mjs';
import { cargoTest } from './cargo.mjs';
import { Skip } from './phase.mjs';

export const about = 'the Rust tests under AddressSanitizer, where a nightly toolchain is installed';
export const quick = false;

/** The crates that have tests of their own and link without Node. */
const CRATES = ['error', 'head', 'buffer', 'metrics', 'http1', 'net', 'engine', 'testkit'];

export async function run({ loud }) {
  if (process.platform !== 'linux') throw new Skip('the sanitizers are run on Linux');
  const { name, host, obstacle } = findNightly();
  if (obstacle) throw new Skip(obstacle);

  // With --target, build scripts and procedural macros are compiled without the flags, as they must be.
  const folder = join(process.env.CARGO_TARGET_DIR ?? inRoot('target'), 'sanitizers', 'address');
  const build = ['--target', host, '--target-dir', folder];
  const what = ['--tests', ...CRATES.flatMap((crate) => ['-p', `millrace-${crate}`])];
  const { passed, warnings } = await cargoTest(
    { toolchain: name, build, what },
    { loud, timeout: 30 * 60_000, env: { ...WITHOUT_INSTALLING, RUSTFLAGS: '-Zsanitizer=address' } },
  );
  return { note: `${passed} tests; ThreadSanitizer left out: it needs a std compiled for it`, warnings };
}
