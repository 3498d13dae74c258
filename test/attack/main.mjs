// npm run attack -- [names…] [--full] [--poller nested|uv|both] [--together N] [--options JSON] [--json]
// Attacks a server of ours and says how it bore it: a line for each attack, and what did not hold below it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { find } from '../../scripts/lib/command.mjs';
import { ATTACKS, attackNamed, formOf } from './attacks/index.mjs';
import { stage, startTwin } from './lib/arena.mjs';
import { launchLoad, launchTool } from './lib/attackers.mjs';
import { summary } from './lib/judge.mjs';

const POLLERS = { nested: ['nested'], uv: ['uv'], both: ['nested', 'uv'] };
const COLUMNS = ['attack', 'poller', 'connections', 'probes', 'worst ms', 'own ms', 'gone after ms', 'MiB', 'verdict'];
const WIDTHS = [27, 7, 12, 7, 9, 7, 16, 5, 7];

const line = (cells) =>
  cells
    .map((cell, place) => String(cell).padEnd(WIDTHS[place]))
    .join(' ')
    .trimEnd();

function cells(row) {
  const gone = row.gone === null ? 'never' : row.gone.toFixed(0);
  const [worst, own, grown] = [row.worst, row.own, Math.max(0, row.grown)].map((value) => value.toFixed(0));
  const verdict = row.problems.length > 0 ? 'FAILED' : 'held';
  return [row.attack, row.poller, row.connections, row.probes, worst, own, `${gone} of ${row.allowed}`, grown, verdict];
}

/** Runs one attack over one poller and prints its row; whether all held. */
async function run(attack, { poller, twin, folder, json, patience }) {
  const path = attack.tool && find(attack.tool);
  if (attack.tool && path === null) {
    const reason = `${attack.tool} is not installed (Debian: apt-get install ${attack.tool})`;
    console.log(
      json ? JSON.stringify({ attack: attack.name, poller, skipped: reason }) : `${attack.name}: skipped: ${reason}`,
    );
    return true;
  }
  const launch = (port) => (attack.tool ? launchTool(attack, path, port) : launchLoad(attack, port));
  const options = attack.files ? { ...attack.options, folder } : attack.options;
  const seen = await stage({ attack, options, poller, launch, twin, patience });
  const row = { ...summary(attack, seen), poller };
  if (json) console.log(JSON.stringify(row));
  else console.log([line(cells(row)), ...row.problems].join('\n  '));
  return row.problems.length === 0;
}

async function main({ values, positionals }) {
  const pollers = POLLERS[values.poller ?? (values.full ? 'both' : 'nested')];
  if (pollers === undefined) throw new Error(`--poller is ${Object.keys(POLLERS).join(', ')}, not ${values.poller}`);
  if (process.platform !== 'linux') throw new Error('attacks are watched through /proc: they need Linux');
  const chosen = positionals.length > 0 ? positionals.map(attackNamed) : ATTACKS;
  if (values.list) return chosen.forEach(({ name, about }) => console.log(`${name.padEnd(27)} ${about}`));

  const own = JSON.parse(values.options);
  const form = (attack) => formOf(attack, values.full);
  const queue = chosen.flatMap((attack) => pollers.map((poller) => ({ attack: form(attack), poller })));
  const folder = mkdtempSync(join(tmpdir(), 'millrace-attack-'));
  writeFileSync(join(folder, 'file'), Buffer.alloc(1 << 20, 'x'));
  if (!values.json) console.log(line(COLUMNS));
  const twin = await startTwin();
  const patience = values.patience === undefined ? undefined : Number(values.patience);
  const lane = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const attack = { ...next.attack, options: { ...next.attack.options, ...own } };
      const held = await run(attack, { poller: next.poller, twin, folder, json: values.json, patience });
      if (!held) process.exitCode = 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: Number(values.together) }, lane));
  } finally {
    await twin.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(
  parseArgs({
    allowPositionals: true,
    options: {
      full: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      options: { type: 'string', default: '{}' },
      patience: { type: 'string' },
      poller: { type: 'string' },
      together: { type: 'string', default: '1' },
    },
  }),
);
