// Joins the modules of ts/ behind a public entry into one CommonJS file: one read and one compilation instead of a
// hundred at every load, and calls between modules that are plain calls. The main entry is joined room by room (rooms.mjs).
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { PlainError } from './command.mjs';
import { CORE, given, moduleOf, roomOf, rooms } from './rooms.mjs';
import { inRoot } from './root.mjs';
import { filesUnder } from './stamp.mjs';

/** The entry that is joined room by room. */
const MAIN = 'index';

/** Modules that stay modules of their own: they use the public entries as everybody does. */
const APART = /^cli\//;

export const isApart = (path) => APART.test(path);

/** The file of dist/ that has what an entry exports, from the folder of the entry. */
export const holderOf = (entry) => (entry === MAIN ? `rooms/${CORE}.js` : `${basename(entry)}.js`);

/** The addon's loader, which lies beside dist/: reached from a folder of dist/. */
const addon = (folder) => ({
  name: 'addon',
  setup(build) {
    const path = relative(inRoot('dist', folder), inRoot('native/index.js'));
    build.onResolve({ filter: /native\/index\.js$/ }, () => ({ path, external: true }));
  },
});

/** Imports that lead out of the bundle to the other entries. */
function exits(entry, entries) {
  const others = new Map(entries.filter((each) => each !== entry).map((each) => [inRoot('ts', `${each}.ts`), each]));
  const from = dirname(entry);
  return {
    name: 'exits',
    setup(build) {
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
  const without = text.replace(/^var (import_\w+) = require\("(node:[\w/]+)"\);\n/gm, (line, name, module) => {
    if (!LATE.has(module)) return line;
    names.set(name, module);
    return '';
  });
  const used = without.replace(/\bimport_\w+\b/g, (name) => {
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

/** What a bundle is made by, wherever it begins. */
const COMMON = {
  write: false,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  packages: 'external',
  // Names stay: they are in stack traces, logs and `constructor.name`. So do lines.
  keepNames: false,
  logLevel: 'silent',
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, target: 'es2022' } },
};

/**
 * Takes out the comments that esbuild leaves within classes. A character beyond Latin-1 in one makes V8 hold and scan the
 * whole file in two bytes each.
 */
async function withoutComments(text, { transform }) {
  const bare = text.replace(/^[ \t]*\/\*\*(?:(?!\*\/)[^])*\*\/\n/gm, '').replace(/^[ \t]*\/\/ (?!ts\/).*\n/gm, '');
  const options = { minify: true, target: 'node20' };
  const [one, other] = await Promise.all([text, bare].map(async (each) => (await transform(each, options)).code));
  if (one !== other) throw new Error('a comment that was taken out was none');
  return bare;
}

/** Gives classes that speak of themselves their own name back: esbuild has called `class _Server` what `var Server` holds. */
function withOwnNames(text) {
  const renamed = new Set([...text.matchAll(/^var (\w+) = class _\1\b/gm)].map(([, name]) => `_${name}`));
  return text.replace(/\b_\w+\b/g, (name) => (renamed.has(name) ? name.slice(1) : name));
}

async function joined(what, options) {
  const esbuild = createRequire(import.meta.url)('esbuild');
  const { outputFiles } = await esbuild.build({ ...COMMON, ...options }).catch((error) => {
    throw new PlainError(`the bundle of ${what} failed: ${error.message}`);
  });
  return withOwnNames(await withoutComments(outputFiles[0].text, esbuild));
}

function put(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** Imports that lead from one room into another: their path names the module. */
const doors = (room) => ({
  name: 'doors',
  setup(build) {
    build.onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
      const module = moduleOf(path, resolveDir);
      if (module === undefined || roomOf(module) === room) return undefined;
      return { path: `room:${module}`, external: true };
    });
  },
});

const roomName = (room) => `room_${room.replace(/-/g, '_')}`;

/**
 * Has other rooms loaded when something of them is first used, every time by way of their exports; what is the core's is
 * there as soon as any other room is, and taken once.
 */
function throughDoors(text, room, gifts) {
  const modules = new Map();
  const without = text.replace(/^var (import_\w+) = require\("room:([^"]+)"\);\n/gm, (_, name, module) => {
    modules.set(name, module);
    return '';
  });
  const loaders = new Map();
  const ofCore = new Set();
  const used = without.replace(/\b(import_\w+)\b(?:\.(\w+))?/g, (all, name, member) => {
    const module = modules.get(name);
    if (module === undefined) return all;
    const other = roomOf(module);
    const alias = gifts.get(other).get(`${module}#${member}`);
    if (alias === undefined) throw new Error(`${room}: ${member} of ${module} is not given`);
    if (other === CORE) {
      ofCore.add(alias);
      return `core_${alias}`;
    }
    loaders.set(other, roomName(other));
    return `(${roomName(other)}().${alias})`;
  });
  // A room takes what it needs of the core when it is read: before the core is whole, that is not there.
  const early = room === CORE ? /^(?!function|async function)\S.*\(room_\w+\(\).*$/m.exec(used) : null;
  if (early !== null) throw new PlainError(`the core needs another room while it is read: ${early[0]}`);
  const list = [...ofCore].sort().map((alias) => `  ${alias}: core_${alias},\n`);
  const head = [
    ...(list.length > 0 ? [`var {\n${list.join('')}} = require("./${CORE}.js");\n`] : []),
    ...[...loaders].map(
      ([other, name]) => `var ${name}_;\nfunction ${name}() {\n  return (${name}_ ??= require("./${other}.js"));\n}\n`,
    ),
  ];
  return used.replace(/^("use strict";\n)?/, (strict) => strict + head.join(''));
}

/**
 * Has a function stand, among the exports of the core, for each function of another room that programs may take: what
 * imports it by name takes it at once, and its room is loaded when it is called.
 */
function withStandIns(text, exported) {
  const methods = [];
  let lending = text;
  for (const { name, module, isFunction } of exported) {
    if (roomOf(module) === CORE) continue;
    if (!isFunction) {
      throw new PlainError(`ts/${module} exports ${name}, which is no function, to programs: it has to be in the core`);
    }
    const getter = new RegExp(`^(  ${name}: \\(\\) => )(.+?)(,?)$`, 'm');
    const [, , way] = getter.exec(lending) ?? [];
    if (way === undefined) throw new Error(`the core does not export ${name}`);
    methods.push(`  ${name}(...args) {\n    return ${way}(...args);\n  },\n`);
    lending = lending.replace(getter, `$1standIns.${name}$3`);
  }
  return lending.replace(/^module\.exports = /m, `var standIns = {\n${methods.join('')}};\nmodule.exports = `);
}

/** The main entry: what the core lends to programs, and nothing of what it lends to other rooms. */
const mainEntry = (names) => `"use strict";
// Made by the build.
Object.defineProperty(exports, "__esModule", { value: true });
const core = require("./rooms/${CORE}.js");
${names.map((name) => `exports.${name} = core.${name};`).join('\n')}
`;

async function bundleRooms(ts, exported) {
  const modules = filesUnder(inRoot('ts'))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .map((path) => relative(inRoot('ts'), path).replaceAll('\\', '/'))
    .filter((path) => !/^(cli|compat)\//.test(path));
  const publicNames = exported.map(({ name }) => name);
  const gifts = given(ts, modules, publicNames);
  const made = rooms().map(async (room) => {
    const lines = [...gifts.get(room)].map(([key, alias]) => {
      const [module, name] = key.split('#');
      return `export { ${name} as ${alias} } from './${module.replace(/\.ts$/, '.js')}';`;
    });
    if (room === CORE) lines.unshift(`export { ${publicNames.join(', ')} } from './${MAIN}.js';`);
    const text = await joined(`the room ${room}`, {
      stdin: { contents: lines.join('\n'), resolveDir: inRoot('ts'), sourcefile: `${room}.ts`, loader: 'ts' },
      plugins: [addon('rooms'), doors(room), tables],
    });
    // Nobody but other rooms and the entries sees it: it need not be copied to look like a module of a compiler's, nor
    // have its names listed for Node.
    const lent = text
      .replace(/^module\.exports = __toCommonJS\((\w+)\);$/m, 'module.exports = $1;')
      .replace(/^0 && \(module\.exports = \{[^}]*\}\);\n/m, '');
    const open = throughDoors(lent, room, gifts);
    return put(inRoot('dist/rooms', `${room}.js`), loadedLate(room === CORE ? withStandIns(open, exported) : open));
  });
  return [...(await Promise.all(made)), put(inRoot('dist', `${MAIN}.js`), mainEntry(publicNames))];
}

/**
 * Writes dist/<entry>.js for each public entry, and the rooms of the main one; gives their paths. `exported` is what the
 * main entry exports at run time: { name, module, isFunction }.
 */
export async function bundle(ts, entries, exported) {
  const made = await bundleRooms(ts, exported);
  for (const entry of entries) {
    if (entry === MAIN) continue;
    const source = inRoot('ts', `${entry}.ts`);
    if (!existsSync(source))
      throw new PlainError(`package.json exports dist/${entry}.mjs and there is no ts/${entry}.ts`);
    const plugins = [addon(dirname(entry)), exits(entry, entries), tables];
    const text = await joined(entry, { entryPoints: [source], plugins });
    made.push(put(inRoot('dist', `${entry}.js`), loadedLate(text)));
  }
  return made;
}
