// Writes docs/benchmarks.md: what stands between our two marks is replaced, what people wrote around them stays.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goals } from './goals.mjs';
import { caseRows, forMarkdown, goalRows } from './rows.mjs';

const inBench = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const PAGE = inBench('../docs/benchmarks.md');
const RESULTS = inBench('results/http1.json');
const START = '<!-- bench:http1 -->';
const END = '<!-- /bench:http1 -->';

const NEW_PAGE = `# Benchmarks

CPU time of the server process for each request, beside other servers for Node.js, measured in one run on one machine.
The tables are written by the command that stands above them; the text outside them is written by hand.

## HTTP/1.1

${START}
${END}
`;

const HOW = `Server and load (wrk, one thread) have a core each. All servers of a case run at once and are loaded in turn, round after
round; the figures are medians of the rounds. CPU time is what Linux has charged to the server process between the start
and the end of a measurement (\`/proc\`), over the requests that wrk counted. The sum is exact; its division into user and
system is sampled at each timer tick, so a single user figure is good to a few percent. \`ratio\` is user + system to that of
uWebSockets.js in the same run, \`spread\` half the distance between best and worst round. \`busy\` is the share of its
core that the server used: where it is well below 100 %, the load generator was the slower of the two, and requests per
second say nothing of the server; a server that waits also gathers fewer requests at a wake. Compare nothing across machines or runs.`;

function render({ machine, command, rounds, seconds, versions, servers, cases, results }) {
  const titles = servers.map(({ name, title }) => [name, title]);
  const absent = servers.filter(({ unavailable }) => unavailable).map(({ title }) => title);
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
    HOW,
  ];
  if (absent.length) parts.push(`Not measured in this run: ${absent.join('; ')}.`);
  parts.push('### Goals', forMarkdown(goalRows(goals(results))));
  for (const { name, title, what, idle } of cases) {
    if (!results[name]) continue;
    const table = caseRows(results[name], titles, { idle, reference: 'uwebsockets' });
    parts.push(`### ${title}`, what, forMarkdown(table));
    if (table.notes.length) parts.push(table.notes.map((note) => `- ${note}`).join('\n'));
  }
  return parts.join('\n\n');
}

/** Replaces what is between the marks of a page, and adds them at its end when it has none. */
export function splice(page, text) {
  const from = page.indexOf(START);
  const to = page.indexOf(END);
  if (from < 0 !== to < 0 || to < from) throw new Error(`docs/benchmarks.md must hold ${START} and, after it, ${END}`);
  if (from < 0) return `${page.trimEnd()}\n\n${START}\n\n${text}\n\n${END}\n`;
  return `${page.slice(0, from)}${START}\n\n${text}\n\n${page.slice(to)}`;
}

// The house form of JSON is prettier's; without it, as in a bare checkout, the plain one.
async function formatted(value) {
  const plain = `${JSON.stringify(value, null, 2)}\n`;
  try {
    const prettier = await import('prettier');
    return await prettier.format(plain, { ...(await prettier.resolveConfig(RESULTS)), parser: 'json' });
  } catch {
    return plain;
  }
}

/** Keeps a run's numbers in bench/results/http1.json and writes its tables into docs/benchmarks.md. */
export async function write(run) {
  mkdirSync(dirname(RESULTS), { recursive: true });
  writeFileSync(RESULTS, await formatted(run));
  writePage(run);
  return [PAGE, RESULTS];
}

/** Writes the tables of the run that bench/results/http1.json holds, without measuring. */
export function rewrite() {
  if (!existsSync(RESULTS)) throw new Error('bench/results/http1.json is not there: no run has been written yet');
  writePage(JSON.parse(readFileSync(RESULTS, 'utf8')));
  return [PAGE];
}

function writePage(run) {
  writeFileSync(PAGE, splice(existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : NEW_PAGE, render(run)));
}
