// Reads the edges between rooms from the sources; each function gives the sentences of what breaks a rule.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { filesUnder } from '../../lib/stamp.mjs';

const PREFIX = 'millrace-';
const allows = (table, from, to) => table[from].includes('*') || table[from].includes(to);
const slashes = (path) => path.split(sep).join('/');

/** Edges between crates out of `cargo metadata`; a dependency for tests and benches alone is free. */
export function crateEdges(metadata, table) {
  const wrong = [];
  let count = 0;
  for (const { name, dependencies } of metadata.packages) {
    const from = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : null;
    if (!from || !Object.hasOwn(table, from)) {
      wrong.push(`crate ${name} is not in the table of rooms`);
      continue;
    }
    for (const dependency of dependencies) {
      if (dependency.kind === 'dev' || !dependency.name.startsWith(PREFIX)) continue;
      count++;
      const to = dependency.name.slice(PREFIX.length);
      if (!allows(table, from, to)) wrong.push(`crate ${from} may not use crate ${to} (Cargo.toml of ${name})`);
    }
  }
  return { wrong, count };
}

/** Every module that a source text names: import, export … from, import(), import type, require(). */
function specifiers(ts, path) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const found = [];
  const add = (node) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    found.push({ to: ts.isStringLiteralLike(node) ? node.text : null, line: line + 1 });
  };
  const visit = (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier)
      add(node.moduleSpecifier);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    else if (ts.isExternalModuleReference(node)) add(node.expression);
    else if (ts.isCallExpression(node) && node.arguments.length > 0) {
      const called = node.expression;
      const loads = called.kind === ts.SyntaxKind.ImportKeyword || /^require(\.resolve)?$/.test(called.getText());
      if (loads) add(node.arguments[0]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The room of a path relative to ts/: its folder, or the name of a file at the top. */
const roomOf = (path) =>
  path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/(\.d)?\.[cm]?[jt]s$/, '');

/** Edges between the folders of ts/; only one room may load the addon, and another package only the rooms it is for. */
export function moduleEdges(root, { ts: table, addon, packages = {} }) {
  const ts = createRequire(import.meta.url)('typescript');
  const home = join(root, 'ts');
  const native = join(root, 'native');
  const wrong = [];
  const edges = new Set();
  for (const path of filesUnder(home).filter((each) => /\.[cm]?ts$/.test(each))) {
    const from = roomOf(slashes(relative(home, path)));
    if (!Object.hasOwn(table, from)) {
      wrong.push(`ts/${slashes(relative(home, path))} is in no room of the table`);
      continue;
    }
    for (const { to, line } of specifiers(ts, path)) {
      const where = `ts/${slashes(relative(home, path))}:${line}`;
      if (to?.startsWith('node:')) continue;
      if (to === null) {
        // A name made at run time: a user's module on the command line, or the addon.
        if (from !== addon && from !== 'cli') wrong.push(`${where} loads a module whose name is not a literal`);
        continue;
      }
      if (!to.startsWith('.')) {
        if (!Object.hasOwn(packages, to)) wrong.push(`${where} imports ${to}, a package that no room may use`);
        else if (!packages[to].includes(from))
          wrong.push(`${where} imports ${to}; only ts/${packages[to].join(', ts/')} may`);
        continue;
      }
      const target = resolve(dirname(path), to);
      if (target === native || target.startsWith(native + sep) || target.endsWith('.node')) {
        if (from !== addon) wrong.push(`${where} loads the addon; only ts/${addon} may`);
        continue;
      }
      const inside = relative(home, target);
      if (inside.startsWith('..')) {
        if (inside !== join('..', 'package.json')) wrong.push(`${where} imports ${to}, which is outside ts/`);
        continue;
      }
      const room = roomOf(slashes(inside));
      if (room === from) continue;
      edges.add(`${from} ${room}`);
      if (!allows(table, from, room)) wrong.push(`${where}: ts/${from} may not use ts/${room}`);
    }
  }
  return { wrong, count: edges.size };
}

/** Rust text without comments, strings and character literals, line breaks kept. */
export function bare(text) {
  const blank = (part) => part.replace(/[^\n]/g, ' ');
  return text.replace(
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|b?r(#*)"[\s\S]*?"\1|b?"(?:\\[\s\S]|[^"\\])*"|b?'(?:\\[^\n]{1,9}?|[^'\\\n])'/g,
    blank,
  );
}

/** Crates without the attribute that keeps unsafe code out, and unsafe code outside the files that may have it. */
export function strayUnsafe(root, permitted) {
  const wrong = [];
  for (const crate of readdirSync(join(root, 'crates')).sort()) {
    const folder = join(root, 'crates', crate);
    const library = join(folder, 'src/lib.rs');
    if (!existsSync(library)) continue;
    const places = permitted[crate] ?? [];
    if (places.includes('.')) continue;
    const level = places.length ? 'deny' : 'forbid';
    const attribute = new RegExp(`^#!\\[(${places.length ? 'deny|forbid' : 'forbid'})\\(unsafe_code\\)\\]`, 'm');
    if (!attribute.test(bare(readFileSync(library, 'utf8'))))
      wrong.push(`crates/${crate}/src/lib.rs lacks #![${level}(unsafe_code)]`);
    for (const path of filesUnder(join(folder, 'src')).filter((each) => each.endsWith('.rs'))) {
      const name = slashes(relative(folder, path));
      if (places.some((place) => name === place || name.startsWith(`${place}/`) || name === `${place}.rs`)) continue;
      const lines = bare(readFileSync(path, 'utf8')).split('\n');
      const line = lines.findIndex((each) => /\bunsafe\b(?!_)/.test(each));
      if (line >= 0)
        wrong.push(
          `crates/${crate}/${name}:${line + 1} has unsafe code; ${places.join(', ') || 'no file of this crate'} may`,
        );
    }
  }
  return wrong;
}

/** Functions given to napi-rs whose panic would end the process, because nothing catches it (a `#[napi]` function does not). */
export function unguardedNapi(root) {
  const wrong = [];
  for (const path of filesUnder(join(root, 'crates/node/src')).filter((each) => each.endsWith('.rs'))) {
    const text = bare(readFileSync(path, 'utf8'));
    for (const match of text.matchAll(/#\[(?:napi_derive::)?napi\b(?:\(([^\]]*)\))?\]/g)) {
      const after = text.slice(match.index + match[0].length);
      // Further attributes, then the item itself.
      const item = after.replace(/^(?:\s*#\[[^\]]*\])*\s*/, '');
      const name = /^(?:pub(?:\([^)]*\))?\s+)?(?:const\s+|async\s+|unsafe\s+|extern\s+)*fn\s+(\w+)/.exec(item)?.[1];
      if (!name || /\bcatch_unwind\b/.test(match[1] ?? '')) continue;
      // The hook that registers the hot functions cannot say so in its attribute: its body has to.
      if (/\bmodule_exports\b/.test(match[1] ?? '') && /\bcatch_unwind\b/.test(body(item))) continue;
      const line = text.slice(0, match.index).split('\n').length;
      wrong.push(
        `${slashes(relative(root, path))}:${line}: ${name} is #[napi] without catch_unwind; a panic in it would abort the process`,
      );
    }
  }
  return wrong;
}

// The text of a function up to the brace that closes it.
function body(item) {
  let depth = 0;
  for (let i = item.indexOf('{'); i < item.length && i >= 0; i++) {
    if (item[i] === '{') depth++;
    else if (item[i] === '}' && --depth === 0) return item.slice(0, i);
  }
  return item;
}
