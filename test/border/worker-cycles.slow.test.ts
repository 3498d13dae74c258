import { otherNodes, ownNode } from '../support/nodes.js';
import { runProgram } from '../support/program.js';
import { expectOutcome } from './scenarios.js';

describe.each([ownNode, ...otherNodes(['20', '22', '24', '26'])])('Node $major', (node) => {
  test.each(['nested', 'uv'])(
    'two hundred workers under load are started and terminated without leak or crash, poller %s',
    async (poller) => {
      const outcome = await runProgram('worker-cycles.mjs', ['200'], {
        node,
        poller,
        flags: ['--expose-gc'],
        timeout: 180_000,
      });
      expectOutcome(outcome, { stdout: /KiB a cycle/ });
    },
    190_000,
  );
});
