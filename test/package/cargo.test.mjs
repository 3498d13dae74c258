import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeOf } from '../../scripts/check/cargo.mjs';

const ok = (passed) => `
running ${passed} tests
.. 2/${passed}
test result: ok. ${passed} passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.17s

`;
const bad = (tests) => `
running 4 tests
${Object.keys(tests)
  .map((name) => `${name} --- FAILED\n`)
  .join('')}.
failures:

${Object.entries(tests)
  .map(([name, said]) => `---- ${name} stdout ----\n\nthread '${name}' (13648) panicked at ${said}\n\n`)
  .join('')}
failures:
${Object.keys(tests)
  .map((name) => `    ${name}\n`)
  .join('')}
test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.17s

`;
const failed = (target, why = '') => `error: test failed, to rerun pass \`${target}\`\n${why}`;
const end = (...targets) => `error: ${targets.length} targets failed:\n    \`${targets.join('`\n    `')}\`\n`;

test('counts what passed in all targets', () => {
  assert.deepEqual(outcomeOf({ status: 0, stdout: ok(3) + ok(4), stderr: '' }), {
    passed: 7,
    fatal: false,
    failed: [],
  });
});

test('names the targets that failed, with the first thing that each said', () => {
  const late = 'tests/timeouts.rs:1:70:\ntook 30 ms\nstack backtrace:\n   0: rust_begin_unwind';
  const stdout = [
    bad({ is_late: late, second: 'tests/timeouts.rs:9:9:\nnot equal' }),
    ok(3),
    bad({ third: 'src/lib.rs:1:1:\nassertion `left == right` failed\n  left: 1\n right: 2\nnote: run with' }),
  ].join('');
  const targets = ['-p millrace-net --test timeouts', '-p millrace-tls --lib'];
  const stderr = `${targets.map((target) => failed(target)).join('a word of a test\n')}${end(...targets)}`;
  const outcome = outcomeOf({ status: 101, stdout, stderr });
  assert.deepEqual([outcome.passed, outcome.fatal], [5, false]);
  assert.deepEqual(
    outcome.failed.map(({ name, message }) => [name, message]),
    [
      [targets[0], 'is_late: tests/timeouts.rs:1:70: took 30 ms'],
      [targets[1], 'third: src/lib.rs:1:1: assertion `left == right` failed left: 1 right: 2'],
    ],
  );
  assert.match(outcome.failed[0].details, /rust_begin_unwind[^]*not equal/);
});

test('gives no second try to what was killed, to what a sanitizer found, and to what was never run', () => {
  const killed = `\nCaused by:\n  process didn't exit successfully: \`x\` (signal: 6, SIGABRT: process abort signal)\n`;
  const one = '-p millrace-net --test poller';
  const fatal = (stdout, stderr) => {
    const outcome = outcomeOf({ status: 101, stdout, stderr });
    assert.deepEqual([outcome.fatal, outcome.failed], [true, []]);
  };
  fatal('\nrunning 1 test\n', failed(one, killed) + end(one));
  // The name of another test stands in what was printed.
  fatal(bad({ a: 'b.rs:1:1:\nno' }), failed(one, killed) + end(one));
  fatal(bad({ a: 'b.rs:1:1:\nno' }), `==1==ERROR: AddressSanitizer: heap-use-after-free\n${failed(one)}${end(one)}`);
  fatal('', 'error: could not compile `millrace-net` (lib) due to 1 previous error\n');
  fatal(bad({ a: 'b.rs:1:1:\nno' }) + bad({ b: 'b.rs:1:1:\nno' }), failed(one) + end(one));
});
