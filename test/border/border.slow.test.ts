import { otherNodes, ownNode } from '../support/nodes.js';
import { runProgram } from '../support/program.js';

// Each row: a program, its argument, the exit code that is right, what it must say.
const ROWS: readonly (readonly [program: string, args: string[], code: number, says?: RegExp])[] = [
  ['workers-share-port.mjs', [], 0],
  ['exceptions.mjs', ['handlers'], 0],
  ['exceptions.mjs', ['error-hook'], 0],
  ['exceptions.mjs', ['listeners'], 0],
  ['exceptions.mjs', ['drain'], 0],
  ['exceptions.mjs', ['socket'], 0],
  ['exceptions.mjs', ['fatal'], 1, /answers/],
  ['panic.mjs', ['0'], 0],
  ['panic.mjs', ['1'], 0],
  ['exits.mjs', ['under-load'], 7],
  ['exits.mjs', ['in-handler'], 7],
  ['exits.mjs', ['in-listener'], 7],
  ['exits.mjs', ['in-exit-listener'], 7],
  ['exits.mjs', ['worker-under-load'], 0, /alive/],
  ['exits.mjs', ['main-with-workers'], 7],
  ['exits.mjs', ['closed'], 0, /nothing left/],
  ['exits.mjs', ['destroyed'], 0, /closed/],
  ['exits.mjs', ['unref'], 0, /ok/],
  ['exits.mjs', ['ref-again'], 0, /held/],
  ['exits.mjs', ['holds'], 0, /held/],
  ['late-writes.mjs', [], 0],
  ['junk.mjs', [], 0],
  ['twenty-workers.mjs', [], 0],
  ['worker-cycles.mjs', ['200'], 0],
];

const nodes = [ownNode, ...otherNodes(['20', '22', '24', '26'])];

describe.each(nodes.map((node) => [node.major, node] as const))('on Node %s', (_major, node) => {
  describe.each(['nested', 'uv'])('with the poller %s', (poller) => {
    test.each(ROWS.map((row) => [`${row[0]} ${row[1].join(' ')}`.trim(), row] as const))(
      '%s',
      async (_name, [program, args, code, says]) => {
        const outcome = await runProgram(program, args, { node, poller, flags: ['--expose-gc'], timeout: 90_000 });
        expect({ ...outcome, stdout: '' }).toMatchObject({ code, signal: null });
        if (says !== undefined) expect(outcome.stdout).toMatch(says);
      },
      100_000,
    );
  });
});
