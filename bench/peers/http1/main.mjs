// npm run bench -- peers http1: our HTTP/1.1 server beside others.
import { parseArgs } from 'node:util';
import { cannot, machine } from '../../measure/machine.mjs';
import { haveWrk } from '../../measure/wrk.mjs';
import { goals } from '../../report/goals.mjs';
import { rewrite, write } from '../../report/page.mjs';
import { caseRows, forTerminal, goalRows } from '../../report/rows.mjs';
import { installPeers, pinned } from '../install.mjs';
import { CASES, CASE_NAMES, IDLE } from './cases.mjs';
import { CONNECTIONS } from './idle.mjs';
import { runCases } from './run.mjs';
import { REFERENCE, servers } from './servers.mjs';

const HELP = `npm run bench -- peers http1 [--rounds N] [--seconds N] [--only CASE,…] [--servers NAME,…] [--write | --render]

  --rounds    rounds over all servers, default 5 (a whole run then takes about 17 minutes)
  --seconds   seconds of each measurement, default 2
  --only      cases: ${CASE_NAMES.join(', ')}
  --servers   ${servers()
    .map(({ name }) => name)
    .join(', ')}
  --write     write docs/benchmarks.md and bench/results/http1.json (whole runs only)
  --render    write docs/benchmarks.md from bench/results/http1.json, without measuring`;

const DESCRIBED = [
  ...Object.entries(CASES).map(([name, { title, what }]) => ({ name, title, what, idle: false })),
  {
    name: IDLE,
    title: `Memory of an idle connection, ${CONNECTIONS / 1000} 000 of them`,
    what:
      'What the resident memory of a fresh process grows by, for each connection, garbage collected: opened and silent, ' +
      'then after one request and its answer. 5 000 others are open before, uncounted: they fill what the start of the ' +
      'process left free. Medians of at most three processes.',
    idle: true,
  },
];

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

/** Reads the arguments, runs the cases, prints and, when told to, writes the tables. */
export async function http1(args) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      only: { type: 'string' },
      servers: { type: 'string' },
      write: { type: 'boolean', default: false },
      render: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(HELP);
  if (values.render) return console.log(`written: ${rewrite().join(', ')}`);
  if (values.write && (values.only || values.servers)) {
    throw new Error('--write takes whole runs: the page compares figures of one run only');
  }
  const options = { rounds: whole(values.rounds, 'rounds'), seconds: whole(values.seconds, 'seconds') };
  const cases = chosen(values.only, CASE_NAMES, 'only');
  const known = servers();
  const names = chosen(
    values.servers,
    known.map(({ name }) => name),
    'servers',
  );
  const reason = cannot();
  if (reason) throw new Error(reason);
  if (!haveWrk()) throw new Error('wrk is not on PATH: apt-get install wrk, or see https://github.com/wg/wrk');
  installPeers();

  const absent = known.filter(({ name, unavailable }) => unavailable && names.includes(name));
  for (const { name, unavailable } of absent) console.error(`bench: ${name} is left out: ${unavailable}`);
  const present = names.filter((name) => !absent.some((each) => each.name === name));
  const titles = known.map(({ name, title }) => [name, title]);
  const print = (name, outcome) => {
    const { title, idle } = DESCRIBED.find((each) => each.name === name);
    const table = caseRows(outcome, titles, { idle, reference: REFERENCE });
    console.log(`\n${title}\n${forTerminal(table)}\n${table.notes.map((note) => `! ${note}\n`).join('')}`);
  };
  const results = await runCases(cases, present, {
    ...options,
    tell: (text) => process.stderr.write(text),
    finished: print,
  });
  console.log(`Goals (ratios to uWebSockets.js unless they say otherwise)\n${forTerminal(goalRows(goals(results)))}\n`);
  if (!values.write) return;
  const given = args.filter((each) => each !== '--write');
  const command = ['npm run bench -- peers http1', ...given, '--write'].join(' ');
  const files = await write({
    ...{ machine: machine(), command, ...options, versions: pinned(), servers: known, cases: DESCRIBED, results },
  });
  console.log(`written: ${files.join(', ')}`);
}
