import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MOST_ALONE, failures, tryAlone } from '../../scripts/check/alone.mjs';
import { Failure, collect } from '../../scripts/check/phase.mjs';
import { tool } from '../../scripts/lib/command.mjs';
import { inRoot } from '../../scripts/lib/root.mjs';

const one = (name, more = {}) => ({ name, message: `what ${name} said`, details: `all that ${name} said`, ...more });
const passes = () => Promise.resolve({ failed: [] });
const fails = ({ name }) => Promise.resolve({ failed: [one(name, { details: `again ${name}` })] });
const FILES = 'test files';

test('a file that passes alone is a warning with its first message, and no failure', async () => {
  assert.deepEqual(await tryAlone([], () => assert.fail('was run'), FILES), []);
  assert.deepEqual(await tryAlone([one('a'), one('b', { note: ' over uv' })], passes, FILES), [
    'failed beside others, passed alone: a: what a said',
    'failed beside others, passed alone: b over uv: what b said',
  ]);
});

test('failed files are run one after the other', async () => {
  let running = 0;
  const order = [];
  await tryAlone(
    ['a', 'b', 'c'].map((name) => one(name)),
    async ({ name }) => {
      order.push(name);
      assert.equal(++running, 1);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return { failed: [] };
    },
    FILES,
  );
  assert.deepEqual(order, ['a', 'b', 'c']);
});

test('a file that fails again fails the phase, which tells what it said the second time and of those that passed', async () => {
  const again = (which) => (which.name === 'b' ? fails(which) : passes());
  await assert.rejects(tryAlone([one('a'), one('b'), one('c')], again, FILES), (error) => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, /passed alone: a: what a said/);
    assert.match(error.message, /failed beside others and alone: b\nagain b/);
    assert.match(error.message, /passed alone: c: what c said/);
    return true;
  });
});

test(`of more than ${MOST_ALONE} files none is tried again`, async () => {
  const many = Array.from({ length: MOST_ALONE + 1 }, (_, place) => one(`file${place}`));
  await assert.rejects(
    tryAlone(many, () => assert.fail('was run'), FILES),
    (error) =>
      error instanceof Failure &&
      /^4 test files failed/.test(error.message) &&
      many.every(({ details }) => error.message.includes(details)),
  );
  assert.equal((await tryAlone(many.slice(1), passes, FILES)).length, MOST_ALONE);
});

test('a report of Jest names the files that failed, and what failed first in them', async (context) => {
  const folder = mkdtempSync(inRoot('.cache/alone-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const write = (name, text) => writeFileSync(join(folder, name), text);
  write('good.test.js', `test('holds', () => undefined);`);
  write(
    'bad.test.js',
    `describe('it', () => test('holds', () => undefined));
    describe('it', () => test('is more', () => expect(246.2).toBeGreaterThan(248)));
    test('is never looked at', () => expect(1).toBe(2));`,
  );
  write('broken.test.js', `throw new Error('on purpose');`);
  const report = join(folder, 'report.json');
  const args = [
    tool('jest/bin/jest.js'),
    '--ci',
    '--json',
    '--outputFile',
    report,
    '--rootDir',
    folder,
    '--config',
    '{}',
  ];
  const { status } = await collect(process.execPath, args);
  assert.equal(status, 1);
  const found = failures(JSON.parse(readFileSync(report, 'utf8'))).sort((a, b) => a.name.localeCompare(b.name));
  assert.deepEqual(
    found.map(({ name }) => name.replace(/^.*\//, '')),
    ['bad.test.js', 'broken.test.js'],
  );
  assert.match(found[0].message, /^it is more: .*toBeGreaterThan\(.*Expected: > 248 Received: 246\.2$/);
  assert.match(found[0].details, /is never looked at/);
  assert.match(found[1].message, /on purpose/);
  assert.ok(found.every(({ name }) => name.startsWith('.cache/alone-')));
});
