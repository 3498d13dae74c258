// npm run bench -- <suite> [arguments]: builds what is missing, then runs bench/<suite>/main.mjs.
import { existsSync, readdirSync } from 'node:fs';
import { addonIsCurrent, buildAddon } from './lib/addon.mjs';
import { PlainError, main, run } from './lib/command.mjs';
import { inRoot } from './lib/root.mjs';
import { prepare } from './lib/setup.mjs';
import { buildTypeScript } from './lib/typescript.mjs';

await main(() => {
  const [suite, ...rest] = process.argv.slice(2);
  const suites = readdirSync(inRoot('bench')).filter((name) => existsSync(inRoot('bench', name, 'main.mjs')));
  if (!suites.includes(suite)) {
    throw new PlainError(`npm run bench -- <suite> [arguments], with a suite of: ${suites.join(', ') || 'none yet'}`);
  }
  prepare({ compiles: !addonIsCurrent('release') });
  // Numbers are only worth having from the release profile.
  buildAddon({ profile: 'release' });
  buildTypeScript();
  run(process.execPath, [inRoot('bench', suite, 'main.mjs'), ...rest], { stdio: 'inherit' });
});
