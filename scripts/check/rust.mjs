// Every Rust test of the workspace.
import { cargoTest } from './cargo.mjs';

export const about = 'cargo test --workspace';
export const quick = true;

export async function run({ loud }) {
  const { passed, warnings } = await cargoTest({ what: ['--workspace'] }, { loud });
  return { note: `${passed} tests`, warnings };
}
