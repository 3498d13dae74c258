// npm run build [-- --fast] [--force] [--symbols] [--only addon|typescript]: the addon in native/ and TypeScript in dist/.
import { parseArgs } from 'node:util';
import { buildAddon } from './lib/addon.mjs';
import { main } from './lib/command.mjs';
import { prepare } from './lib/setup.mjs';
import { buildTypeScript } from './lib/typescript.mjs';

await main(() => {
  const { values } = parseArgs({
    options: {
      fast: { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
      symbols: { type: 'boolean' },
      only: { type: 'string' },
    },
  });
  prepare();
  const started = Date.now();
  const made = [];
  if (values.only !== 'typescript') {
    const options = { profile: values.fast ? 'fast' : 'release', force: values.force, symbols: values.symbols };
    if (buildAddon(options)) made.push('native/');
  }
  if (values.only !== 'addon' && buildTypeScript({ force: values.force })) made.push('dist/');
  console.error(
    made.length
      ? `millrace: built ${made.join(' and ')} in ${((Date.now() - started) / 1000).toFixed(1)} s`
      : 'millrace: nothing has changed',
  );
});
