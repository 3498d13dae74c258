import { allAttacks, testAttacks } from '../support/attacks.js';
import { requireTool } from '../support/debian.js';

// Before the catalogue is asked what can be run.
requireTool('slowhttptest');
testAttacks(['slowhttptest'], 4);

test('it attacks in its four modes', () => {
  const modes = allAttacks().filter(({ family }) => family === 'slowhttptest');
  expect(modes.map(({ name }) => name)).toEqual(
    ['headers', 'body', 'read', 'range'].map((mode) => `slowhttptest-${mode}`),
  );
});
