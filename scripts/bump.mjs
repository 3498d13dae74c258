// node scripts/bump.mjs 0.2.0: sets the version in every file that states it and dates the changelog's newest section.
import { readFileSync, writeFileSync } from 'node:fs';
import { PlainError, main } from './lib/command.mjs';
import { inRoot } from './lib/root.mjs';
import { bumped } from './lib/version.mjs';

await main(() => {
  const [version] = process.argv.slice(2);
  if (!version) throw new PlainError('node scripts/bump.mjs <version>');
  const today = new Date().toISOString().slice(0, 10);
  const { old, texts } = bumped(version, today, (path) => readFileSync(inRoot(path), 'utf8'));
  for (const [path, text] of Object.entries(texts)) writeFileSync(inRoot(path), text);
  console.log(`${old} is now ${version} in ${Object.keys(texts).join(', ')}`);
});
