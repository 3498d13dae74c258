import { SEED } from '../support/seed.js';
import { runVolume } from './run.js';

test('20 000 requests to a server that closes idle connections at random: no GET fails, no POST is made twice', async () => {
  const said = await runVolume('client-reuse.mjs', ['--requests', '20000', '--seed', String(SEED)]);
  expect(said).toMatch(/20000 requests, 0 failed, 0 POSTs came twice/);
}, 120_000);

test('50 000 requests of every kind leave memory and descriptors of their client flat', async () => {
  expect(await runVolume('client-flat.mjs', ['--requests', '50000'])).toMatch(/descriptors by -?\d/);
}, 120_000);

test.each([
  ['body', 'chunked'],
  ['stream', 'declared'],
])(
  'half a gigabyte by %s, %s, comes whole from another process, and the memory of the client stays flat',
  async (how, framing) => {
    const said = await runVolume('client-download.mjs', ['--how', how, '--framing', framing, '--mib', '512']);
    expect(said).toMatch(/whole, .* more than in its warm-up/);
  },
  120_000,
);

test('200 servers that trickle for longer than timeouts.body are read to their end; total and silence end others', async () => {
  const times = ['--seconds', '3', '--every', '50', '--body', '1000', '--total', '1500'];
  expect(await runVolume('client-trickle.mjs', times)).toMatch(/none was cut/);
}, 120_000);

test('5 000 requests at once over ten servers keep within both caps as the servers count, before and after a restart', async () => {
  expect(await runVolume('client-storm.mjs', ['--rounds', '2'])).toMatch(/cap 128\) and 1024 in all/);
  const few = ['--rounds', '1', '--requests', '2000', '--origins', '5'];
  expect(await runVolume('client-storm.mjs', few)).toMatch(/at most 128 .* and 640 in all/);
}, 120_000);
