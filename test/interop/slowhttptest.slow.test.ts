import { attackNames, AttackRun } from '../support/attacks.js';
import { requireTool, testWith } from '../support/debian.js';

const tool = requireTool('slowhttptest');
const names = attackNames().filter((name) => name.startsWith('slowhttptest-'));

let run: AttackRun | undefined;
beforeAll(() => {
  if ('path' in tool) run = new AttackRun(names, ['--together', '4']);
});
afterAll(() => run?.end());

test('there are its four modes', () => {
  expect(names).toEqual(['headers', 'body', 'read', 'range'].map((mode) => `slowhttptest-${mode}`));
});

testWith(tool).each(names)(
  '%s: a probe is answered in 100 ms all through, its connections are gone in time, nothing stays, all is counted',
  async (name) => {
    const { problems, connections } = await run!.borne(name);
    expect(problems).toEqual([]);
    expect(connections).toBeGreaterThanOrEqual(40);
  },
  60_000,
);
