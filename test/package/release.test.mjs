import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { names } from '../../scripts/check/symbols.mjs';
import { obstacle } from '../../scripts/lib/platforms.mjs';
import { publishedManifest } from '../../scripts/lib/release.mjs';
import { inRoot, readPackage } from '../../scripts/lib/root.mjs';
import { fits } from '../../scripts/lib/setup.mjs';
import { wrapper } from '../../scripts/lib/typescript.mjs';
import { bumped } from '../../scripts/lib/version.mjs';

const read = (path) => readFileSync(inRoot(path), 'utf8');

test('moves every version at once and leaves foreign ones alone', () => {
  const { texts } = bumped('9.8.7', '2030-01-02', read);
  assert.equal(JSON.parse(texts['package.json']).version, '9.8.7');
  assert.equal(JSON.parse(texts['package-lock.json']).packages[''].version, '9.8.7');
  assert.match(texts['Cargo.toml'], /\[workspace\.package\]\nversion = "9\.8\.7"/);
  assert.equal(texts['Cargo.toml'].match(/9\.8\.7/g).length, 1);
  const crates = texts['Cargo.lock'].match(/name = "millrace-/g).length;
  assert.equal(texts['Cargo.lock'].match(/version = "9\.8\.7"/g).length, crates);
  assert.match(texts['CHANGELOG.md'], /## \[Unreleased\]\n\n## \[9\.8\.7\] - 2030-01-02\n/);
});

test('refuses what is not a version', () => {
  assert.throws(() => bumped('v1', '2030-01-02', read), /not a version/);
});

test('states one version everywhere now', () => {
  const { version } = readPackage();
  assert.equal(JSON.parse(read('package-lock.json')).version, version);
  assert.match(read('Cargo.toml'), new RegExp(`\\[workspace\\.package\\]\\nversion = "${version}"`));
});

test('publishes the platform packages at the version of the main one, and no tools of the workshop', () => {
  const published = publishedManifest(readPackage(), ['millrace-b', 'millrace-a']);
  const { version } = readPackage();
  assert.deepEqual(published.optionalDependencies, { 'millrace-a': version, 'millrace-b': version });
  assert.deepEqual(
    [published.devDependencies, published.scripts, published.overrides],
    [undefined, undefined, undefined],
  );
  assert.deepEqual(published.dependencies, readPackage().dependencies);
});

test('has a lock file that names no host and lacks no platform', () => {
  const { packages } = JSON.parse(read('package-lock.json'));
  const present = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')));
  for (const [path, entry] of Object.entries(packages)) {
    assert.equal(entry.resolved, undefined, `${path} names a host`);
    for (const name of Object.keys(entry.optionalDependencies ?? {}))
      assert.ok(present.has(name), `${path} lacks ${name}`);
  }
});

test('reads the range of Node versions in package.json', () => {
  const { node } = readPackage().engines;
  const verdicts = [
    '18.20.0',
    '20.18.3',
    '20.19.0',
    '20.20.2',
    '21.7.0',
    '22.11.0',
    '22.12.0',
    '24.0.0',
    '26.10.1',
  ].map((each) => fits(each, node));
  assert.deepEqual(verdicts, [false, false, true, true, false, false, true, true, true]);
});

test('says why a target cannot be built', () => {
  const machine = { host: 'x86_64-unknown-linux-gnu', sysroot: '/nowhere' };
  assert.equal(obstacle('x86_64-unknown-linux-gnu', machine), null);
  assert.match(obstacle('aarch64-apple-darwin', machine), /macOS/);
  assert.match(obstacle('aarch64-unknown-linux-gnu', machine), /rustup target add aarch64-unknown-linux-gnu/);
});

test('reads names out of what nm prints', () => {
  assert.deepEqual(names('0000000000029300 T napi_register_module_v1\n                 U read@GLIBC_2.2.5\n'), [
    'napi_register_module_v1',
    'read',
  ]);
});

test('writes an ES wrapper that takes every name from the CommonJS module', () => {
  assert.match(
    wrapper('index.js', ['a', 'b']),
    /\nexport const \{\n {2}a,\n {2}b,\n\} = createRequire\(import\.meta\.url\)\('\.\/index\.js'\);\n$/,
  );
});
