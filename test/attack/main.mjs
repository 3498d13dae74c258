// npm run attack -- [names…] [--full] [--poller nested|uv|both] [--json]: attacks a server of ours and says how it bore it.
import { parseArgs } from 'node:util';
import { ATTACKS, attackNamed } from './attacks/index.mjs';
import { stage, startTwin } from './lib/arena.mjs';
import { launchLoad } from './lib/attackers.mjs';
import { summary } from './lib/judge.mjs';

const COLUMNS = ['attack', 'poller', 'connections', 'probes', 'worst ms', 'own ms', 'gone after ms', 'MiB', 'verdict'];
const WIDTHS = [26, 7, 12, 7, 9, 7, 20, 5, 7];

const line = (cells) =>
  cells
    .map((cell, place) => String(cell).padEnd(WIDTHS[place]))
    .join(' ')
    .trimEnd();

function cells(row, poller) {
  const gone = row.gone === null ? 'never' : row.gone.toFixed(0);
  const [worst, own, grown] = [row.worst, row.own, Math.max(0, row.grown)].map((value) => value.toFixed(0));
  const within = `${gone} of ${row.allowed}`;
  return [
    row.attack,
    poller,
    row.connections,
    row.probes,
    worst,
    own,
    within,
    grown,
    row.problems.length ? 'FAILED' : 'held',
  ];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    poller: { type: 'string' },
  },
});
const chosen = positionals.length > 0 ? positionals.map(attackNamed) : ATTACKS;
const pollers = { nested: ['nested'], uv: ['uv'], both: ['nested', 'uv'] }[
  values.poller ?? (values.full ? 'both' : 'nested')
];
if (pollers === undefined) throw new Error(`--poller is nested, uv or both, not ${values.poller}`);

if (values.list) {
  for (const { name, about } of ATTACKS) console.log(`${name.padEnd(26)} ${about}`);
} else {
  if (!values.json) console.log(line(COLUMNS));
  const twin = await startTwin();
  try {
    for (const attack of chosen) {
      for (const poller of pollers) {
        const size = attack.size[values.full ? 'full' : 'short'];
        const launch = (port) => launchLoad(attack, size, port);
        const seen = await stage({ attack, options: attack.options, poller, launch, twin });
        const row = summary(attack, size, seen);
        if (values.json) console.log(JSON.stringify({ ...row, poller }));
        else console.log(line(cells(row, poller)));
        if (row.problems.length === 0) continue;
        process.exitCode = 1;
        if (!values.json) for (const problem of row.problems) console.log(`  ${problem}`);
      }
    }
  } finally {
    await twin.end();
  }
}
