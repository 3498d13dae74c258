// The command line of a suite: reads the arguments, runs the cases, prints and, when told to, writes the tables.
import { parseArgs } from 'node:util';
import { cannot, machine } from '../measure/machine.mjs';
import { haveWrk } from '../measure/wrk.mjs';
import { judge } from '../report/goals.mjs';
import { rewrite, write } from '../report/page.mjs';
import { caseRows, forTerminal, goalRows } from '../report/rows.mjs';
import { installPeers, pinned } from './install.mjs';

const help = ({ name, minutes, rounds, seconds, cases, servers }) => `npm run bench -- peers ${name} [options]

  --rounds    rounds over all servers, default ${rounds} (a whole run then takes about ${minutes} minutes); a case may need fewer
  --seconds   seconds of each measurement, default ${seconds}
  --only      cases: ${cases.map((each) => each.name).join(', ')}
  --servers   ${servers()
    .map((each) => each.name)
    .join(', ')}
  --write     write docs/benchmarks.md and bench/results/${name}.json (whole runs only)
  --render    write docs/benchmarks.md from bench/results/${name}.json, without measuring`;

const whole = (text, option) => {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new Error(`--${option} takes a whole number from 1 to 999, not ${text}`);
  return Number(text);
};

function chosen(text, known, option) {
  if (text === undefined) return known;
  const names = text.split(',').filter(Boolean);
  const strange = names.filter((name) => !known.includes(name));
  if (strange.length || !names.length)
    throw new Error(`--${option} knows ${known.join(', ')}, not ${strange.join(', ')}`);
  return known.filter((name) => names.includes(name));
}

/**
 * Runs a suite:
 *
 * - `name`, `title`; `how`: paragraphs for the page about what is compared; `minutes` of a whole run by default;
 * - `rounds`, `seconds`: the defaults;
 * - `servers()`: { name, title, unavailable }, the last null or why one cannot be measured; called once all is installed;
 * - `reference`: the server that ratios are to; `goals`: see report/goals.mjs;
 * - `peers`: the packages of bench/peers/package.json that it uses; `versions()`: those of other software;
 * - `install()`: what is needed beside them;
 * - `cases`: { name, title, what, kind, most, servers, run(names, { rounds, seconds, tell }) }, `kind` being one of
 *   report/rows.mjs, `most` the rounds that suffice, `servers` the names of those that it tells apart.
 */
export async function runSuite(suite, args) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: String(suite.rounds) },
      seconds: { type: 'string', default: String(suite.seconds) },
      only: { type: 'string' },
      servers: { type: 'string' },
      write: { type: 'boolean', default: false },
      render: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(help(suite));
  if (values.render) return console.log(`written: ${rewrite(suite).join(', ')}`);
  if (values.write && (values.only || values.servers)) {
    throw new Error('--write takes whole runs: the page compares figures of one run only');
  }
  const options = { rounds: whole(values.rounds, 'rounds'), seconds: whole(values.seconds, 'seconds') };
  const wanted = chosen(
    values.only,
    suite.cases.map(({ name }) => name),
    'only',
  );
  const known = () => suite.servers();
  const names = chosen(
    values.servers,
    known().map(({ name }) => name),
    'servers',
  );
  const reason = cannot();
  if (reason) throw new Error(reason);
  if (!haveWrk()) throw new Error('wrk is not on PATH: apt-get install wrk, or see https://github.com/wg/wrk');
  installPeers();
  suite.install?.();

  const servers = known();
  const absent = servers.filter(({ name, unavailable }) => unavailable && names.includes(name));
  for (const { name, unavailable } of absent) console.error(`bench: ${name} is left out: ${unavailable}`);
  const present = names.filter((name) => !absent.some((each) => each.name === name));
  const titles = servers.map(({ name, title }) => [name, title]);
  const tell = (text) => process.stderr.write(text);

  const results = {};
  for (const { name, title, kind, most = Infinity, servers: told = present, run } of suite.cases) {
    if (!wanted.includes(name)) continue;
    tell(`${name} `);
    const rounds = Math.min(options.rounds, most);
    results[name] = await run(
      present.filter((each) => told.includes(each)),
      { ...options, rounds, tell },
    );
    tell('\n');
    const table = caseRows(results[name], titles, { kind, reference: suite.reference });
    console.log(`\n${title}\n${forTerminal(table)}\n${table.notes.map((note) => `! ${note}\n`).join('')}`);
  }
  if (suite.goals.length) console.log(`Goals\n${forTerminal(goalRows(judge(suite.goals, results)))}\n`);
  if (!values.write) return;
  const given = args.filter((each) => each !== '--write');
  const command = [`npm run bench -- peers ${suite.name}`, ...given, '--write'].join(' ');
  const versions = { ...pinned(suite.peers), ...suite.versions?.() };
  const cases = suite.cases.map(({ name, title, what, kind }) => ({ name, title, what, kind }));
  const files = await write(suite, { machine: machine(), command, ...options, versions, servers, cases, results });
  console.log(`written: ${files.join(', ')}`);
}
