import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, Skip, collect, demand, steps } from '../../scripts/check/phase.mjs';
import { nightlyOf } from '../../scripts/lib/nightly.mjs';

const script = (text) => ['-e', text];

test('gives the status and what a program printed, both streams', async () => {
  const result = await collect(process.execPath, script(`console.log('a'); console.error('b'); process.exitCode = 3;`));
  assert.equal(result.status, 3);
  assert.equal(result.stdout, 'a\n');
  assert.match(result.out, /b/);
});

test('ends a program that does not end, and its children', async () => {
  const child = `setInterval(() => {}, 1000)`;
  const parent = `const { spawn } = require('child_process');
    const child = spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' });
    console.log(child.pid);
    ${child};`;
  const { status, out, stdout } = await collect(process.execPath, script(parent), { timeout: 1500 });
  assert.notEqual(status, 0);
  assert.match(out, /was ended after 1\.5 s/);
  // `collect` resolves when every holder of the pipe has ended, so the child has been killed too.
  assert.match(stdout, /^\d+\n$/);
});

test('fails a phase with what the program said', async () => {
  await assert.rejects(demand(process.execPath, script(`console.log('why'); process.exit(1)`)), (error) => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, /status 1\)\nwhy$/);
    return true;
  });
});

test('runs every step of a phase and reports all that failed', async () => {
  const fail = (text) => () => Promise.reject(new Failure(text));
  const list = [
    ['a', null, fail('first')],
    ['b', 'no tool', () => assert.fail('was run')],
    ['c', null, fail('second')],
  ];
  await assert.rejects(steps(list), (error) => error instanceof Failure && error.message === 'first\n\nsecond');
});

test('says what a phase left out, and skips it when that is everything', async () => {
  assert.equal(
    await steps([
      ['a', 'no tool', null],
      ['b', null, () => {}],
    ]),
    'a left out: no tool',
  );
  await assert.rejects(steps([['a', 'no tool', null]]), (error) => error instanceof Skip);
});

test('finds the nightly toolchain among those that are installed, and none where there is none', () => {
  const list = 'stable-x86_64-unknown-linux-gnu (active, default)\nnightly-2026-01-02-x86_64-unknown-linux-gnu\n';
  assert.equal(nightlyOf(list), 'nightly-2026-01-02-x86_64-unknown-linux-gnu');
  assert.equal(nightlyOf(`${list}nightly-x86_64-unknown-linux-gnu\n`), 'nightly-x86_64-unknown-linux-gnu');
  assert.equal(nightlyOf('stable-x86_64-unknown-linux-gnu\n1.95.0-x86_64-unknown-linux-gnu\n'), undefined);
});
