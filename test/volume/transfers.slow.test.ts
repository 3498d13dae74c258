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

test('1 GB through a relay arrives whole, and its memory stays flat', async () => {
  const said = await runVolume('relay.mjs', ['--way', 'down', '--mib', '1024']);
  expect(said).toMatch(/whole, .* more than in its warm-up/);
}, 120_000);

test('a relay with TLS on one side carries both ways at once', async () => {
  const said = await runVolume('relay.mjs', ['--tls', 'far', '--mib', '64']);
  expect(said).toMatch(/whole, .* more than in its warm-up/);
}, 120_000);
