import { runVolume } from './run.js';

test.each([
  ['up', ['--how', 'iterate', '--framing', 'chunked']],
  ['down', ['--how', 'write', '--framing', 'declared']],
])(
  '1 GB %s arrives whole, and the memory of the server stays flat',
  async (way, args) => {
    expect(await runVolume('transfer.mjs', ['--way', way, ...args])).toMatch(/more than in its warm-up/);
  },
  120_000,
);
