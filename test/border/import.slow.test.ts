import { runProgram } from '../support/program.js';

interface Seen {
  took: number;
  threads: number;
  listeners: boolean;
  signals: boolean;
}

async function load(how: string): Promise<Seen> {
  const { code, stdout, stderr } = await runProgram('import.mjs', [how]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Seen;
}

describe.each(['require', 'import'])('loading the package by %s', (how) => {
  test('takes under 15 ms', async () => {
    // Whatever else the machine does only ever adds: the quickest of a few counts.
    let quickest = Infinity;
    for (let tries = 0; tries < 60 && quickest >= 15; tries++) quickest = Math.min(quickest, (await load(how)).took);
    expect(quickest).toBeLessThan(15);
  });

  test('starts no thread, listens to no process event, catches no signal', async () => {
    expect(await load(how)).toMatchObject({ threads: 0, listeners: true, signals: true });
  });
});

test('the core is all that a server loads; what other rooms make is of the same classes, under the same names', async () => {
  const { code, stdout, stderr } = await runProgram('rooms.mjs', [], { timeout: 30_000 });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^\d+ rooms\n$/);
}, 40_000);
