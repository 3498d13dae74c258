// Joins the modules of ts/ behind a public entry into one CommonJS file: one read and one compilation instead of a
// hundred at every load, and calls between modules that are plain calls.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
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

/** Modules of Node that take time to load, and that no module needs before it is called. */
const LATE = new Set(['node:net', 'node:fs', 'node:fs/promises', 'node:os', 'node:crypto', 'node:url']);

/** Has what is late loaded when it is first used: esbuild reads each of its names from the module's object, every time. */
function loadedLate(text) {
  const names = new Map();
  const without = text.replace(/^var (import_node_\w+) = require\("(node:[\w/]+)"\);\n/gm, (line, name, module) => {
    if (!LATE.has(module)) return line;
    names.set(name, module);
    return '';
  });
  const used = without.replace(/\bimport_node_\w+\b/g, (name) => {
    const module = names.get(name);
    return module === undefined ? name : `(${lateName(module)}())`;
  });
  const loaders = [...new Set(names.values())].map((module) => {
    const name = lateName(module);
    return `var ${name}_;\nfunction ${name}() {\n  return (${name}_ ??= require("${module}"));\n}\n`;
  });
  return used.replace(/^("use strict";\n)?/, (strict) => strict + loaders.join(''));
}

const lateName = (module) => `late_${module.slice(5).replace('/', '_')}`;

/** Tables that were generated are data: as text they cost a tenth of what they cost as a literal. */
const tables = {
  name: 'tables',
  setup(build) {
    build.onLoad({ filter: /\.generated\.ts$/ }, async ({ path }) => {
      const { code } = await build.esbuild.transform(readFileSync(path, 'utf8'), { loader: 'ts', format: 'cjs' });
      const module = { exports: {} };
      new Function('module', 'exports', 'require', code)(module, module.exports, () => ({}));
      const lines = Object.entries(module.exports).map(([name, value]) => {
        const text = JSON.stringify(value);
        if (!isDeepStrictEqual(JSON.parse(text), value)) throw new Error(`${path}: ${name} is more than data`);
        return `export const ${name} = JSON.parse(${JSON.stringify(text)});`;
      });
      return { contents: lines.join('\n'), loader: 'js' };
    });
  },
};

/** Writes dist/<entry>.js for each public entry and gives their paths. */
export async function bundle(entries) {
  const { build } = createRequire(import.meta.url)('esbuild');
  const made = [];
  for (const entry of entries) {
    const source = inRoot('ts', `${entry}.ts`);
    if (!existsSync(source))
      throw new PlainError(`package.json exports dist/${entry}.mjs and there is no ts/${entry}.ts`);
    const outfile = inRoot('dist', `${entry}.js`);
    const { outputFiles } = await build({
      entryPoints: [source],
      outfile,
      write: false,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      packages: 'external',
      // Names stay: they are in stack traces, logs and `constructor.name`.
      keepNames: false,
      logLevel: 'silent',
      tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, target: 'es2022' } },
      plugins: [exits(entry, entries), tables],
    }).catch((error) => {
      throw new PlainError(`the bundle of ${entry} failed: ${error.message}`);
    });
    mkdirSync(dirname(outfile), { recursive: true });
    writeFileSync(outfile, loadedLate(outputFiles[0].text));
    made.push(outfile);
  }
  return made;
}
