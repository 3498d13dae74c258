// npm run connections -- [--count 50000] [--hold 20] [--servers N] [--clients N]: many connections over several
// processes, each answered three times; what they cost (docs/capacity.md). MILLRACE_POLLER chooses the poller.
import { bringUpToDate } from './lib/built.mjs';
import { main, run } from './lib/command.mjs';
import { inRoot } from './lib/root.mjs';

await main(async () => {
  await bringUpToDate();
  run(process.execPath, [inRoot('test/volume/programs/connections.mjs'), ...process.argv.slice(2)]);
});
