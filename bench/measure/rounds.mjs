// Interleaved rounds over all servers of a case, so that what the machine does meanwhile falls on all alike.
import { medians, spread } from './statistics.mjs';

/** From this share on, a row says that other work ran on the cores of a measurement. */
const DISTURBED = 0.1;
/** What it says then begins so. */
export const OTHER_WORK = 'other work took';

/**
 * Runs a case. In every round each server has its turn: it is started anew, measured and stopped. Where the memory of a
 * process lies makes it dearer or cheaper by a twentieth for as long as it lives, so figures of one process, however many, are
 * that process's. A server that fails loses what is left of its row; the others go on.
 *
 * - `open(name)` → { server, problems }: starts a server, checks what it answers and warms it; without it, a name is all a
 *   round gets;
 * - `round(server, number)` → { problems, otherWork, …figures };
 * - `close(server)`;
 * - `fields`: the figures to take medians of; `headline`: the one whose spread is told.
 *
 * The answer: name → { rounds, problems, median, spread }; the last two are null without a round.
 */
export async function interleaved(names, { rounds, tell, open, round, close, fields, headline }) {
  const outcome = Object.fromEntries(names.map((name) => [name, { rounds: [], problems: [] }]));
  const opened = open ?? ((name) => ({ server: name, problems: [] }));
  const turn = async (name, number, entry) => {
    const { server, problems } = await opened(name);
    entry.problems.push(...problems);
    try {
      const { problems, ...row } = await round(server, number);
      entry.rounds.push(row);
      entry.problems.push(...problems);
    } finally {
      await close?.(server);
    }
  };
  const failed = new Set();
  for (let number = 0; number < rounds; number++) {
    for (const name of names) {
      if (failed.has(name)) continue;
      try {
        await turn(name, number, outcome[name]);
        tell('.');
      } catch (error) {
        tell(`\n${name}: ${error.message}\n`);
        outcome[name].problems.push(error.message.split('\n')[0]);
        failed.add(name);
      }
    }
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
