import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inRoot } from '../../scripts/lib/root.mjs';
import { SEED, seedOf, seedVariables } from '../../scripts/lib/seed.mjs';

const read = (path) => readFileSync(inRoot(path), 'utf8');

test('tests that are run by hand have the seed of the check', () => {
  assert.equal(/^PROPTEST_RNG_SEED = "(\d+)"$/m.exec(read('.cargo/config.toml'))?.[1], String(SEED));
  for (const file of ['test/support/seed.ts', 'test/volume/programs/lib/random.mjs']) {
    assert.equal(/SEED = Number\(process\.env\.MILLRACE_SEED \?\? (\d+)\)/.exec(read(file))?.[1], String(SEED), file);
  }
  assert.match(read('crates/engine/tests/random.rs'), new RegExp(`env::var\\(name\\)\\.map_or\\(${SEED}, `));
});

test('an environment may ask for another seed, and every test learns of it', () => {
  assert.equal(seedOf({}), String(SEED));
  assert.equal(seedOf({ MILLRACE_SEED: '77' }), '77');
  assert.deepEqual(seedVariables('77'), { MILLRACE_SEED: '77', PROPTEST_RNG_SEED: '77' });
});

test('no test draws a seed of its own', () => {
  const drawn = /seed\w* =[^;]*(Math\.random|Date\.now|performance\.now)/i;
  const wrong = readdirSync(inRoot('test'), { recursive: true })
    .map((name) => join('test', name))
    .filter((name) => /\.test\.ts$/.test(name) && (drawn.test(read(name)) || /from 'fast-check'/.test(read(name))));
  assert.deepEqual(wrong, []);
});
