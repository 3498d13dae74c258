// The real edges between rooms are those of scripts/layers.json and no others.
import { readFileSync } from 'node:fs';
import { inRoot, root } from '../lib/root.mjs';
import { Failure, demand } from './phase.mjs';
import { crateEdges, moduleEdges, strayUnsafe, unguardedNapi } from './layers/edges.mjs';

export const about =
  'edges between crates and between folders of ts/ against scripts/layers.json; unsafe code; caught panics';
export const quick = true;

export async function run() {
  const table = JSON.parse(readFileSync(inRoot('scripts/layers.json'), 'utf8'));
  const { stdout } = await demand('cargo', ['metadata', '--format-version', '1', '--no-deps', '--offline']);
  const rust = crateEdges(JSON.parse(stdout), table.crates);
  const ts = moduleEdges(root, table);
  const wrong = [...rust.wrong, ...ts.wrong, ...strayUnsafe(root, table.unsafe), ...unguardedNapi(root)];
  if (wrong.length)
    throw new Failure(
      `${wrong.join('\n')}\nThe table is scripts/layers.json; change it only with a reason that ARCHITECTURE.md can give.`,
    );
  return `${rust.count} edges between crates, ${ts.count} between folders of ts/`;
}
