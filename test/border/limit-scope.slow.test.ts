import { ownNode } from '../support/nodes.js';
import { runProgram } from '../support/program.js';
import { expectOutcome } from './scenarios.js';

test('limits and rate limits hold per thread, or with limitScope exactly for four worker threads together', async () => {
  expectOutcome(await runProgram('limit-scope.mjs', [], { node: ownNode }), {});
});
