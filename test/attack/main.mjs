// npm run attack -- [names or families…] [--full] [--poller nested|uv|both] [--together N] [--options JSON] [--json]
// Attacks a server of ours and says how it bore it: a line for each attack, and what did not hold below it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { find } from '../../scripts/lib/command.mjs';
import { ATTACKS, attacksNamed, formOf } from './attacks/index.mjs';
import { stage, startTwin } from './lib/arena.mjs';
import { launchLoad, launchTool } from './lib/attackers.mjs';
import { isWorthAnother, summary } from './lib/judge.mjs';
import { raiseLoopback, whyNoWire } from './lib/wire.mjs';

const POLLERS = { nested: ['nested'], uv: ['uv'], both: ['nested', 'uv'] };
const COLUMNS = ['attack', 'poller', 'connections', 'probes', 'own ms', '(worst)', 'gone after ms', 'MiB', 'verdict'];
const WIDTHS = [27, 7, 12, 7, 7, 8, 21, 5, 7];

const line = (cells) =>
  cells
    .map((cell, place) => String(cell).padEnd(WIDTHS[place]))
    .join(' ')
    .trimEnd();

function cells(row) {
  const whole = (value) => Math.max(0, value).toFixed(0);
  const gone = row.gone === null ? 'never' : `${whole(row.ownGone)} (${whole(row.gone)})`;
  const [worst, own, grown] = [row.worst, row.own, row.grown].map(whole);
  const verdict = row.problems.length > 0 ? 'FAILED' : row.first === undefined ? 'held' : 'held the second time';
  return [
    row.attack,
    row.poller,
    row.connections,
    row.probes,
    own,
    `(${worst})`,
    `${gone} of ${row.allowed}`,
    grown,
    verdict,
  ];
}

/** Why an attack cannot be run here; undefined where it can. */
function obstacle({ tool, wire }) {
  if (tool && find(tool) === null) return `${tool} is not installed (Debian: apt-get install ${tool})`;
  return wire ? whyNoWire() : undefined;
}

/** All attacks, for people or for programs. */
function list(json) {
  for (const attack of ATTACKS) {
    const { name, family, about } = attack;
    if (json) console.log(JSON.stringify({ name, family, about, missing: obstacle(attack) }));
    else console.log(`${family.padEnd(13)} ${name.padEnd(27)} ${about}`);
  }
}

/** Runs one attack over one poller and prints its row; whether all held. */
async function run(attack, { poller, twin, folder, json, patience, inside, full }) {
  const reason = inside ? undefined : obstacle(attack);
  if (reason !== undefined) {
    const row = { attack: attack.name, poller, skipped: reason };
    console.log(json ? JSON.stringify(row) : `${attack.name}: skipped: ${reason}`);
    return true;
  }
  if (attack.wire && !inside) return runInside(attack, { poller, json, patience, full });
  const launch = (port) => (attack.tool ? launchTool(attack, find(attack.tool), port) : launchLoad(attack, port));
  const options = {
    ...attack.options,
    ...(attack.files ? { folder } : {}),
    // Attackers come over the wire, probes over the loopback.
    ...(attack.wire ? { host: '0.0.0.0' } : {}),
  };
  const attempt = async () => summary(attack, await stage({ attack, options, poller, launch, twin, patience }));
  const first = await attempt();
  if (!isWorthAnother(first)) return tell({ ...first, poller }, json);
  return tell({ ...(await attempt()), poller, first: first.problems }, json);
}

/** Prints a row; whether all held. */
function tell(row, json) {
  if (json) console.log(JSON.stringify(row));
  else
    console.log(
      [line(cells(row)), ...(row.first ?? []).map((problem) => `the first time: ${problem}`), ...row.problems].join(
        '\n  ',
      ),
    );
  return row.problems.length === 0;
}

/** Runs this program once more, in a network namespace of its own, and prints the row that it gives. */
async function runInside(attack, { poller, json, patience, full }) {
  const args = [fileURLToPath(import.meta.url), attack.name, '--inside', '--json', '--poller', poller];
  args.push('--options', JSON.stringify(attack.options));
  if (full) args.push('--full');
  if (patience !== undefined) args.push('--patience', String(patience));
  const child = spawn('unshare', ['--net', process.execPath, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  await once(child, 'close');
  return tell(JSON.parse(said), json);
}

async function main({ values, positionals }) {
  const pollers = POLLERS[values.poller ?? (values.full ? 'both' : 'nested')];
  if (pollers === undefined) throw new Error(`--poller is ${Object.keys(POLLERS).join(', ')}, not ${values.poller}`);
  if (process.platform !== 'linux') throw new Error('attacks are watched through /proc: they need Linux');
  const chosen = positionals.length > 0 ? positionals.flatMap(attacksNamed) : ATTACKS;
  if (values.list) return list(values.json);

  const own = JSON.parse(values.options);
  const form = (attack) => formOf(attack, values.full);
  const queue = chosen.flatMap((attack) => pollers.map((poller) => ({ attack: form(attack), poller })));
  const folder = mkdtempSync(join(tmpdir(), 'millrace-attack-'));
  writeFileSync(join(folder, 'file'), Buffer.alloc(1 << 20, 'x'));
  if (!values.json) console.log(line(COLUMNS));
  if (values.inside) raiseLoopback();
  // Whoever ends us ends what we have started.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));
  const twin = await startTwin();
  const patience = values.patience === undefined ? undefined : Number(values.patience);
  const lane = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const attack = { ...next.attack, options: { ...next.attack.options, ...own } };
      const held = await run(attack, { ...values, poller: next.poller, twin, folder, patience });
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
      inside: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      options: { type: 'string', default: '{}' },
      patience: { type: 'string' },
      poller: { type: 'string' },
      together: { type: 'string', default: '1' },
    },
  }),
);
