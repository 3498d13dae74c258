// npm run volume -- [program…] [--poller nested|uv]: the programs of test/volume in their long form, over both pollers
// where none is named (about 45 minutes). `npm test` runs them in a short form.
import { parseArgs } from 'node:util';
import { collect } from './check/phase.mjs';
import { bringUpToDate } from './lib/built.mjs';
import { PlainError, main } from './lib/command.mjs';
import { inRoot } from './lib/root.mjs';

const POLLERS = ['nested', 'uv'];
const FRAMINGS = ['declared', 'chunked'];
const transfer = (way, how, framings = FRAMINGS) =>
  framings.map((framing) => ['--way', way, '--how', how, '--framing', framing]);

/** The runs of each program, by their arguments; those that mostly wait are run together, before the others. */
const PROGRAMS = {
  'slow-reader': { waits: true, runs: [['--seconds', '60']] },
  events: { waits: true, runs: [['--seconds', '180', '--silence', '90', '--clients', '1000']] },
  trickle: { waits: true, runs: [['--seconds', '120']] },
  transfer: {
    runs: [
      ...transfer('up', 'iterate'),
      ...transfer('up', 'readable'),
      ...transfer('down', 'write'),
      ...transfer('down', 'send'),
      // The size of a file is known.
      ...transfer('down', 'file', ['declared']),
    ],
  },
  'keep-alive': { runs: [[]] },
  connections: { runs: [[]] },
  stages: { runs: [[]] },
  'limit-scope': { runs: [[]] },
  'files-run-out': { runs: [[]] },
  relay: {
    runs: [['--way', 'down', '--mib', '10240'], ...['none', 'near', 'far', 'both'].map((tls) => ['--tls', tls])],
  },
  tunnels: { runs: [[]] },
  'client-trickle': { waits: true, runs: [[]] },
  'client-reuse': { runs: [[]] },
  'client-flat': { runs: [[]] },
  'client-download': {
    runs: ['body', 'stream'].flatMap((how) => FRAMINGS.map((framing) => ['--how', how, '--framing', framing])),
  },
  'client-storm': { runs: [[], ['--origins', '1']] },
};
const LONGEST = 20 * 60_000;

/** Runs a program and prints what it said; whether it ended well. */
async function runProgram(name, args, poller) {
  const { status, out } = await collect(process.execPath, [inRoot(`test/volume/programs/${name}.mjs`), ...args], {
    env: { ...process.env, MILLRACE_POLLER: poller },
    timeout: LONGEST,
  });
  console.log(`${status === 0 ? 'ok    ' : 'failed'}  ${poller.padEnd(6)}  ${[name, ...args].join(' ')}`);
  console.log(out.trim().replace(/^/gm, '        '));
  return status === 0;
}

await main(async () => {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { poller: { type: 'string' } } });
  const unknown = positionals.filter((name) => !(name in PROGRAMS));
  if (unknown.length) {
    throw new PlainError(`there is no ${unknown.join(' or ')}; there are ${Object.keys(PROGRAMS).join(', ')}`);
  }
  if (values.poller !== undefined && !POLLERS.includes(values.poller)) {
    throw new PlainError(`--poller takes ${POLLERS.join(' or ')}, got '${values.poller}'`);
  }
  await bringUpToDate();
  const chosen = positionals.length ? positionals : Object.keys(PROGRAMS);
  let failures = 0;
  for (const poller of values.poller === undefined ? POLLERS : [values.poller]) {
    const runs = (waits) =>
      chosen
        .filter((name) => (PROGRAMS[name].waits ?? false) === waits)
        .flatMap((name) => PROGRAMS[name].runs.map((args) => [name, args]));
    const together = await Promise.all(runs(true).map(([name, args]) => runProgram(name, args, poller)));
    failures += together.filter((well) => !well).length;
    for (const [name, args] of runs(false)) failures += (await runProgram(name, args, poller)) ? 0 : 1;
  }
  if (failures) throw new PlainError(`${failures} runs failed`);
});
