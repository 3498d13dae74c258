// Every Rust test of the workspace.
import { demand } from './phase.mjs';

export const about = 'cargo test --workspace';
export const quick = true;

export async function run({ loud }) {
  const { out } = await demand('cargo', ['test', '--workspace', '--quiet', '--no-fail-fast'], { loud });
  const passed = [...out.matchAll(/^test result: ok\. (\d+) passed/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
  return `${passed} tests`;
}
