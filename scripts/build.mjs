// npm run build [-- --fast] [--force] [--symbols] [--only addon|typescript]: the addon in native/ and TypeScript in dist/.
import { parseArgs } from 'node:util';
import { addonIsCurrent, buildAddon } from './lib/addon.mjs';
import { main } from './lib/command.mjs';
import { prepare } from './lib/setup.mjs';
import { buildTypeScript } from './lib/typescript.mjs';

await main(async () => {
  const { values } = parseArgs({
    options: {
      fast: { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
      symbols: { type: 'boolean' },
      only: { type: 'string' },
    },
  });
  const profile = values.fast ? 'fast' : 'release';
  const addon = values.only !== 'typescript';
  prepare({ compiles: addon && (values.force || !addonIsCurrent(profile)) });
  const started = Date.now();
  const made = [];
  if (addon && buildAddon({ profile, force: values.force, symbols: values.symbols })) made.push('native/');
  if (values.only !== 'addon' && (await buildTypeScript({ force: values.force }))) made.push('dist/');
  console.error(
    made.length
      ? `millrace: built ${made.join(' and ')} in ${((Date.now() - started) / 1000).toFixed(1)} s`
      : 'millrace: nothing has changed',
  );
});
