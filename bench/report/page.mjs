// Writes docs/benchmarks.md: each suite has two marks of its own, and only what stands between them is replaced.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OTHER_WORK } from '../measure/rounds.mjs';
import { judge } from './goals.mjs';
import { caseRows, forMarkdown, goalRows } from './rows.mjs';

const inBench = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const PAGE = inBench('../docs/benchmarks.md');
const resultsOf = (suite) => inBench(`results/${suite.name}.json`);

const WIDTH = 120;

const NEW_PAGE = `# Benchmarks

CPU time of the server process for each request, beside other servers, measured in one run on one machine. The tables are
written by the command that stands above them; the text outside them is written by hand.
`;

const HOW = `Server and load have a core each. In every round each server has its turn: it is started anew, warmed,
measured and stopped, for where the memory of a process lies makes it dearer or cheaper by a twentieth for as long as it
lives; the figures are medians of the rounds. CPU time is what Linux has charged to the server's processes between the
start and the end of a measurement (\`/proc\`), over the requests or bytes that the load counted. The sum is exact; its
division into user and system is sampled at each timer tick, so a single user figure is good to a few percent. \`ratio\`
is user + system to that of REFERENCE in the same run, \`spread\` half the distance between best and worst round. \`busy\`
is the share of its core that the server used: where it is well below 100 %, the load was the slower of the two, and
requests per second say nothing of the server; a server that waits also gathers fewer requests at a wake. Compare nothing
across machines or runs.`;

const DISTURBED = `**Other work ran on the machine during this run**, as the notes say: it takes caches and turns of the
processor from all servers, not from all alike. Read these figures as orders of magnitude.`;

/** Breaks a paragraph at spaces, as this project's pages are broken. */
function wrap(text) {
  const lines = [];
  for (const word of text.split(/\s+/)) {
    if (lines.length && lines.at(-1).length + word.length < WIDTH) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines.join('\n');
}

/** The tables of a suite's run as Markdown. */
export function render(suite, { machine, command, rounds, seconds, versions, servers, cases, results }) {
  const titles = servers.map(({ name, title }) => [name, title]);
  const absent = servers.filter(({ unavailable }) => unavailable);
  const reference = titles.find(([name]) => name === suite.reference)?.[1] ?? suite.reference;
  const parts = [
    `\`\`\`sh\n${command}\n\`\`\``,
    [
      `${machine.cpu}, ${machine.cores} cores, ${(machine.memory / 2 ** 30).toFixed(1)} GiB`,
      `${machine.kernel} ${machine.arch}, Node.js ${machine.node}`,
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
      `${machine.date}, ${rounds} rounds of ${seconds} s`,
    ].join('; ') + '.',
    wrap(HOW.replace('REFERENCE', reference)),
    ...suite.how.map(wrap),
  ];
  const all = Object.values(results).flatMap((outcome) => Object.values(outcome));
  if (all.some(({ problems }) => problems.some((problem) => problem.startsWith(OTHER_WORK)))) {
    parts.push(wrap(DISTURBED));
  }
  for (const { title, unavailable } of absent) parts.push(wrap(`Not measured in this run: ${title} (${unavailable}).`));
  if (suite.goals.length) parts.push('### Goals', forMarkdown(goalRows(judge(suite.goals, results))));
  for (const { name, title, what, kind } of cases) {
    if (!results[name]) continue;
    const table = caseRows(results[name], titles, { kind, reference: suite.reference });
    parts.push(`### ${title}`, wrap(what), forMarkdown(table));
    if (table.notes.length) parts.push(table.notes.map((note) => `- ${note}`).join('\n'));
  }
  return parts.join('\n\n');
}

/** Replaces what is between a suite's marks in a page; where there are none yet, adds a section with them at its end. */
export function splice(page, { name, title }, text) {
  const [start, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from < 0 !== to < 0 || to < from) throw new Error(`docs/benchmarks.md must hold ${start} and, after it, ${end}`);
  if (from < 0) return `${page.trimEnd()}\n\n## ${title}\n\n${start}\n\n${text}\n\n${end}\n`;
  return `${page.slice(0, from)}${start}\n\n${text}\n\n${page.slice(to)}`;
}

// The house form of JSON is prettier's; without it, as in a bare checkout, the plain one.
async function formatted(path, value) {
  const plain = `${JSON.stringify(value, null, 2)}\n`;
  try {
    const prettier = await import('prettier');
    return await prettier.format(plain, { ...(await prettier.resolveConfig(path)), parser: 'json' });
  } catch {
    return plain;
  }
}

/** Keeps a run's numbers in bench/results/ and writes its tables into the page; answers which files were written. */
export async function write(suite, run) {
  const path = resultsOf(suite);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, await formatted(path, run));
  return [...writePage(suite, run), path];
}

/** Writes the tables of the run that was kept, without measuring. */
export function rewrite(suite) {
  const path = resultsOf(suite);
  if (!existsSync(path)) throw new Error(`${path} is not there: no run has been written yet`);
  return writePage(suite, JSON.parse(readFileSync(path, 'utf8')));
}

function writePage(suite, run) {
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : NEW_PAGE;
  writeFileSync(PAGE, splice(page, suite, render(suite, run)));
  return [PAGE];
}
