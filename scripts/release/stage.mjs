// node scripts/release/stage.mjs [--addons DIR] [--out DIR] [--all]: lays out the packages to publish, with a SHA-256 list.
// With --all, an addon that is missing for a platform of package.json is an error, as it must be for a release.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { PlainError, main } from '../lib/command.mjs';
import { stage } from '../lib/release.mjs';
import { inRoot } from '../lib/root.mjs';
import { prepare } from '../lib/setup.mjs';
import { filesUnder } from '../lib/stamp.mjs';

await main(() => {
  const { values } = parseArgs({
    options: {
      addons: { type: 'string', default: inRoot('native') },
      out: { type: 'string', default: inRoot('.cache/release') },
      all: { type: 'boolean', default: false },
    },
  });
  prepare();
  const { platforms, missing } = stage(values.out, values.addons);
  if (missing.length) {
    const text = `no addon for ${missing.join(', ')} in ${values.addons}`;
    if (values.all) throw new PlainError(text);
    console.log(text);
  }
  const sums = filesUnder(values.out).map((path) => {
    const sum = createHash('sha256').update(readFileSync(path)).digest('hex');
    return `${sum}  ${relative(values.out, path)}\n`;
  });
  writeFileSync(join(values.out, 'SHA256SUMS'), sums.join(''));
  console.log(`${relative(inRoot(), values.out) || values.out}: main and ${platforms.length} platform packages`);
});
