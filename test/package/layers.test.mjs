import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { bare, crateEdges, moduleEdges, strayUnsafe, unguardedNapi } from '../../scripts/check/layers/edges.mjs';

const table = { native: [], errors: ['native'], server: ['errors', 'native'], index: ['server'], cli: ['index'] };

/** A checkout made of the given files; it is gone when the test ends. */
function checkout(t, files) {
  const root = mkdtempSync(join(tmpdir(), 'millrace-layers-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

const modules = (t, files) => moduleEdges(checkout(t, files), { ts: table, addon: 'native' });
const dependency = (name, kind = null) => ({ name, kind });

test('accepts edges that the table names', (t) => {
  const { wrong, count } = modules(t, {
    'ts/native/addon.ts': `export const addon = require('../../native/index.js'); import 'node:fs';`,
    'ts/errors/millrace-error.ts': `import { addon } from '../native/addon.js'; export { addon };`,
    'ts/server/server.ts': `import type { E } from '../errors/millrace-error.js'; import './request.js';`,
    'ts/index.ts': `export * from './server/server.js';`,
    'ts/cli/main.ts': `import '../index.js';`,
  });
  assert.deepEqual(wrong, []);
  assert.equal(count, 4);
});

for (const [what, text] of [
  ['an import', `import '../server/server.js';`],
  ['a type import', `import type { S } from '../server/server.js';`],
  ['an export', `export * from '../server/server.js';`],
  ['an import()', `void import('../server/server.js');`],
  ['an import type', `export type S = import('../server/server.js').S;`],
  ['a require', `require('../server/server.js');`],
]) {
  test(`refuses ${what} that goes up a floor`, (t) => {
    const { wrong } = modules(t, { 'ts/errors/millrace-error.ts': text });
    assert.deepEqual(wrong, ['ts/errors/millrace-error.ts:1: ts/errors may not use ts/server']);
  });
}

test('refuses the addon outside its room', (t) => {
  const { wrong } = modules(t, { 'ts/server/server.ts': `\nrequire('../../native/index.js');` });
  assert.deepEqual(wrong, ['ts/server/server.ts:2 loads the addon; only ts/native may']);
});

test('refuses a folder that the table does not know', (t) => {
  assert.deepEqual(modules(t, { 'ts/utils/misc.ts': '' }).wrong, ['ts/utils/misc.ts is in no room of the table']);
});

test('refuses a module of another package', (t) => {
  assert.match(modules(t, { 'ts/server/server.ts': `import 'undici';` }).wrong[0], /imports undici/);
});

test('accepts edges between crates that the table names, and any for tests', () => {
  const packages = [
    {
      name: 'millrace-http1',
      dependencies: [dependency('millrace-head'), dependency('millrace-net', 'dev'), dependency('libc')],
    },
  ];
  assert.deepEqual(crateEdges({ packages }, { http1: ['head'] }), { wrong: [], count: 1 });
});

test('refuses an edge between crates that is not in the table, and a crate that is not', () => {
  const packages = [
    { name: 'millrace-http1', dependencies: [dependency('millrace-net'), dependency('millrace-engine', 'build')] },
    { name: 'millrace-misc', dependencies: [] },
  ];
  assert.deepEqual(crateEdges({ packages }, { http1: ['head'] }).wrong, [
    'crate http1 may not use crate net (Cargo.toml of millrace-http1)',
    'crate http1 may not use crate engine (Cargo.toml of millrace-http1)',
    'crate millrace-misc is not in the table of rooms',
  ]);
});

test('refuses a crate that does not forbid unsafe code', (t) => {
  const root = checkout(t, { 'crates/head/src/lib.rs': '//! #![forbid(unsafe_code)]\n' });
  assert.deepEqual(strayUnsafe(root, {}), ['crates/head/src/lib.rs lacks #![forbid(unsafe_code)]']);
});

test('refuses unsafe code outside the files that may have it', (t) => {
  const root = checkout(t, {
    'crates/net/src/lib.rs': '#![deny(unsafe_code)]\n#[allow(unsafe_code)]\nmod sys;\n',
    'crates/net/src/sys/epoll.rs': 'unsafe { close(1) }',
    'crates/net/src/wheel.rs': '// unsafe is a word here\nconst WORD: &str = "unsafe";\nfn f() { unsafe { g() } }\n',
  });
  assert.deepEqual(strayUnsafe(root, { net: ['src/sys'] }), ['crates/net/src/wheel.rs:3 has unsafe code; src/sys may']);
});

test('refuses a function of the binding that does not catch panics', (t) => {
  const root = checkout(t, {
    'crates/node/src/lib.rs': [
      '/// Fine.',
      '#[napi(catch_unwind, js_name = "a")]',
      'pub fn a() {}',
      '#[napi]',
      'pub struct Data { x: u32 }',
      '#[napi]',
      '#[allow(dead_code)]',
      'pub fn b() {}',
      '#[napi(module_exports)]',
      'pub fn c(e: Object) -> Result<()> { catch_unwind(|| register(e)) }',
      '#[napi(module_exports)]',
      'pub fn d(e: Object) -> Result<()> { register(e) }',
      'fn e() { catch_unwind(|| 1) }',
    ].join('\n'),
  });
  assert.deepEqual(
    unguardedNapi(root).map((line) => /^(\S+): (\w+) is/.exec(line)?.slice(1).join(' ')),
    ['crates/node/src/lib.rs:6 b', 'crates/node/src/lib.rs:11 d'],
  );
});

test('blanks comments, strings and characters of Rust and leaves lifetimes', () => {
  const text = `let a = "x\\"unsafe"; // unsafe\n/* unsafe */ let c = '"'; let d = r#"un"safe"#; fn f<'a>(x: &'a str) { unsafe {} }`;
  assert.equal(bare(text).match(/unsafe/g)?.length, 1);
  assert.equal(bare(text).length, text.length);
});
