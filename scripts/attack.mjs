// npm run attack -- [names…] [--full] [--list] …: builds what is missing, then runs test/attack/main.mjs.
import { addonIsCurrent, buildAddon } from './lib/addon.mjs';
import { main, run } from './lib/command.mjs';
import { inRoot } from './lib/root.mjs';
import { prepare } from './lib/setup.mjs';
import { buildTypeScript } from './lib/typescript.mjs';

await main(() => {
  prepare({ compiles: !addonIsCurrent('release') });
  // What is shown is shown of what is shipped.
  buildAddon({ profile: 'release' });
  buildTypeScript();
  run(process.execPath, [inRoot('test/attack/main.mjs'), ...process.argv.slice(2)], { stdio: 'inherit' });
});
