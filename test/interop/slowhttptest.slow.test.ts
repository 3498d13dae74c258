import { delimiter, dirname } from 'node:path';

import { allAttacks, testAttacks } from '../support/attacks.js';
import { debianProgram } from '../support/debian.js';
import { tellSkipped } from '../support/where.js';

// Before the catalogue is asked what can be run: it looks for the program on PATH, and says what is missing.
const tool = debianProgram('slowhttptest', 'slowhttptest');
if ('program' in tool) process.env.PATH = `${dirname(tool.program)}${delimiter}${process.env.PATH ?? ''}`;
else tellSkipped(` without slowhttptest: ${tool.missing}`);

testAttacks(['slowhttptest'], 4);

test('it attacks in its four modes', () => {
  const modes = allAttacks().filter(({ family }) => family === 'slowhttptest');
  expect(modes.map(({ name }) => name)).toEqual(
    ['headers', 'body', 'read', 'range'].map((mode) => `slowhttptest-${mode}`),
  );
});
