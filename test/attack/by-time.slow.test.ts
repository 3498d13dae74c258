import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { allAttacks, AttackRun, testAttacks } from '../support/attacks.js';

// These wait for deadlines and cost little: several run at a time.
testAttacks(['drips', 'slow-reads', 'half-open'], 6);

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

test('every family of attacks has its tests', () => {
  const tested = ['drips', 'slow-reads', 'half-open', 'resets', 'floods', 'storms', 'bursts', 'slowhttptest'];
  expect([...new Set(allAttacks().map(({ family }) => family))].sort()).toEqual(tested.sort());
});

test('docs/attacks.md has a row for every attack', () => {
  const page = readFileSync(join(__dirname, '../../docs/attacks.md'), 'utf8');
  expect(allAttacks().filter(({ name }) => !page.includes(`| \`${name}\` |`))).toEqual([]);
});
