// Joins the modules of ts/ behind a public entry into one CommonJS file: one read and one compilation instead of a
// hundred at every load, and calls between modules that are plain calls.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { PlainError } from './command.mjs';
import { inRoot } from './root.mjs';

/** Modules that stay modules of their own: they use the public entries as everybody does. */
const APART = /^cli\//;

export const isApart = (path) => APART.test(path);

/** Imports that lead out of the bundle: the addon's loader, which lies beside dist/, and the other entries. */
function exits(entry, entries) {
  const others = new Map(entries.filter((each) => each !== entry).map((each) => [inRoot('ts', `${each}.ts`), each]));
  const from = dirname(entry);
  return {
    name: 'exits',
    setup(build) {
      build.onResolve({ filter: /native\/index\.js$/ }, () => ({
        path: relative(inRoot('dist', from), inRoot('native/index.js')),
        external: true,
      }));
      build.onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir, kind }) => {
        if (kind === 'entry-point') return undefined;
        const other = others.get(join(resolveDir, path.replace(/\.js$/, '.ts')));
        if (other === undefined) return undefined;
        const way = relative(from, `${other}.js`);
        return { path: way.startsWith('.') ? way : `./${way}`, external: true };
      });
    },
  };
}

/** Writes dist/<entry>.js for each public entry and gives their paths. */
export async function bundle(entries) {
  const { build } = createRequire(import.meta.url)('esbuild');
  const made = [];
  for (const entry of entries) {
    const source = inRoot('ts', `${entry}.ts`);
    if (!existsSync(source))
      throw new PlainError(`package.json exports dist/${entry}.mjs and there is no ts/${entry}.ts`);
    const outfile = inRoot('dist', `${entry}.js`);
    await build({
      entryPoints: [source],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      packages: 'external',
      // Names stay: they are in stack traces, logs and `constructor.name`.
      keepNames: false,
      logLevel: 'silent',
      tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, target: 'es2022' } },
      plugins: [exits(entry, entries)],
    }).catch((error) => {
      throw new PlainError(`the bundle of ${entry} failed: ${error.message}`);
    });
    made.push(outfile);
  }
  return made;
}
