import { runProgram } from '../support/program.js';

test.each(['nested', 'uv'])(
  'after a hundred thousand requests and ten thousand aborted ones nothing is left, poller %s',
  async (poller) => {
    const flags = ['--expose-gc'];
    const outcome = await runProgram('leaks.mjs', ['100000', '10000'], { poller, flags, timeout: 120_000 });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/MiB over the last 5 of/);
  },
  125_000,
);
