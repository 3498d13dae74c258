import { runProgram } from '../support/program.js';

test.each(['nested', 'uv'])(
  'after a hundred thousand requests and ten thousand aborted ones nothing is left, poller %s',
  async (poller) => {
    const flags = ['--expose-gc'];
    const outcome = await runProgram('leaks.mjs', ['100000', '10000'], { poller, flags, timeout: 60_000 });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/MiB over the second half/);
  },
  65_000,
);
