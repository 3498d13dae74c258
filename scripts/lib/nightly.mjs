// The nightly toolchain, for what only one can do (sanitizers, fuzzing). Nothing here installs one.
import { capture } from './command.mjs';

/** rustup would otherwise fetch a toolchain that is named and missing. */
export const WITHOUT_INSTALLING = { ...process.env, RUSTUP_AUTO_INSTALL: '0' };

/** The nightly toolchain in what `rustup toolchain list` prints, the plain one before dated ones; or undefined. */
export function nightlyOf(list) {
  const names = list.split('\n').map((line) => line.split(' ')[0]);
  return names.filter((name) => /^nightly(-|$)/.test(name)).sort((a, b) => a.length - b.length)[0];
}

/** { name, host } of the nightly toolchain that is installed, or { obstacle } that says what is missing. */
export function findNightly() {
  const env = WITHOUT_INSTALLING;
  const list = capture('rustup', ['toolchain', 'list'], { env });
  if (list.status !== 0) return { obstacle: 'rustup, which knows of nightly toolchains, is not on PATH' };
  const name = nightlyOf(list.stdout);
  if (name === undefined) {
    return { obstacle: 'no nightly toolchain is installed: rustup toolchain install nightly --profile minimal' };
  }
  const { status, out, stdout } = capture('rustc', [`+${name}`, '-vV'], { env });
  if (status !== 0) return { obstacle: `the toolchain ${name} does not run: ${out.trim()}` };
  return { name, host: /^host: (.+)$/m.exec(stdout)[1] };
}
