// Interleaved rounds over all servers of a case, so that what the machine does meanwhile falls on all alike.
import { medians, spread } from './statistics.mjs';

/** From this share on, a row says that other work ran on the cores of a measurement. */
const DISTURBED = 0.1;
/** What it says then begins so. */
export const OTHER_WORK = 'other work took';

/**
 * Runs a case. All servers are opened first; then each has its turn in every round; then all are closed. A failure of
 * one server is its row's, not the end of the run.
 *
 * - `open(name)` → { server, problems }: starts a server and checks what it answers; without it, a name is all a round gets;
 * - `round(server, number)` → { problems, otherWork, …figures };
 * - `close(server)`;
 * - `fields`: the figures to take medians of; `headline`: the one whose spread is told.
 *
 * The answer: name → { rounds, problems, median, spread }; the last two are null without a round.
 */
export async function interleaved(names, { rounds, tell, open, round, close, fields, headline }) {
  const outcome = Object.fromEntries(names.map((name) => [name, { rounds: [], problems: [] }]));
  const running = new Map(open ? [] : names.map((name) => [name, name]));
  const attempt = async (name, work) => {
    try {
      await work(outcome[name]);
    } catch (error) {
      tell(`\n${name}: ${error.message}\n`);
      outcome[name].problems.push(error.message.split('\n')[0]);
      const server = running.get(name);
      running.delete(name);
      if (server !== undefined) await close?.(server);
    }
  };
  try {
    for (const name of open ? names : []) {
      await attempt(name, async (entry) => {
        const { server, problems } = await open(name);
        running.set(name, server);
        entry.problems.push(...problems);
      });
    }
    for (let number = 0; number < rounds; number++) {
      for (const [name, server] of [...running]) {
        await attempt(name, async (entry) => {
          const { problems, ...row } = await round(server, number);
          entry.rounds.push(row);
          entry.problems.push(...problems);
        });
        tell('.');
      }
    }
  } finally {
    await Promise.all([...running.values()].map((server) => close?.(server)));
  }
  for (const entry of Object.values(outcome)) summarize(entry, fields, headline);
  return outcome;
}

function summarize(entry, fields, headline) {
  const { rounds } = entry;
  entry.median = rounds.length ? medians(rounds, fields) : null;
  entry.spread = rounds.length ? spread(rounds.map((row) => row[headline])) : null;
  const disturbed = rounds.filter(({ otherWork }) => otherWork >= DISTURBED);
  if (disturbed.length) {
    const most = Math.round(Math.max(...disturbed.map(({ otherWork }) => otherWork)) * 100);
    entry.problems.push(`${OTHER_WORK} up to ${most} % of a core in ${disturbed.length} of ${rounds.length} rounds`);
  }
  entry.problems = [...new Set(entry.problems)];
}
