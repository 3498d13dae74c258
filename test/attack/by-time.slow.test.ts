import { AttackRun, attackNames, testAttacks } from '../support/attacks.js';

/** Attacks that wait for a deadline: they cost little, so several run at a time. */
const names = attackNames().filter((name) =>
  /drip|stall|body-rate|slow-read|silent|idle|half-|hoard|unanswered/.test(name),
);

testAttacks(names, ['--together', '6']);

test('an attack that is not fended off is told so', async () => {
  const run = new AttackRun(['header-drip'], ['--options', '{"headersTimeout":60000}', '--patience', '100']);
  const { problems } = await run.borne('header-drip');
  await run.end();
  expect(problems).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^attackers are still there: /),
      expect.stringMatching(/^left behind: /),
      expect.stringMatching(/^\d+ descriptors are open, \d+ before$/),
      'stats() counted 0 headers, not 200',
    ]),
  );
}, 30_000);

test('every attack has a test', () => {
  const elsewhere = /^(reset|storm|pipelined|flood-in|head-of|url-of|fields|chunk-ext|body-of|slowhttptest)/;
  expect(attackNames().filter((name) => !names.includes(name) && !elsewhere.test(name))).toEqual([]);
});
