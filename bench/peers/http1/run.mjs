// Runs the cases: interleaved rounds over all servers, so that what the machine does meanwhile falls on all alike.
import { cores } from '../../measure/machine.mjs';
import { watchOtherWork } from '../../measure/process-facts.mjs';
import { medians, spread } from '../../measure/statistics.mjs';
import { measure, warm } from '../../measure/wrk.mjs';
import { CASES, IDLE } from './cases.mjs';
import { sampleIdle } from './idle.mjs';
import { startServer, verify } from './servers.mjs';

const FIRST_WARM_SECONDS = 2;
const WARM_SECONDS = 1;

// A failure of one server is its row's, not the end of the run.
async function attempt(outcome, name, work) {
  const entry = (outcome[name] ??= { rounds: [], problems: [] });
  try {
    const { problems, ...row } = await work();
    entry.rounds.push(row);
    entry.problems.push(...problems);
  } catch (error) {
    entry.problems.push(error.message.split('\n')[0]);
    throw error;
  }
}

async function runCase(names, { load: { path, ...load } }, { rounds, seconds, tell }) {
  const outcome = {};
  const running = new Map();
  const fail = async (name, error) => {
    tell(`\n${name}: ${error.message}\n`);
    await running.get(name)?.child.stop();
    running.delete(name);
  };
  try {
    for (const name of names) {
      await attempt(outcome, name, async () => {
        running.set(name, await startServer(name));
        return { problems: await verify(running.get(name)) };
      }).catch((error) => fail(name, error));
      outcome[name].rounds.length = 0;
    }
    for (let round = 0; round < rounds; round++) {
      for (const [name, server] of [...running]) {
        const sent = { ...load, url: server.url(path) };
        await attempt(outcome, name, async () => {
          // The window script has its own lead-in, which warms.
          if (load.script !== 'window') await warm(cores.load, sent, round ? WARM_SECONDS : FIRST_WARM_SECONDS);
          const otherWork = watchOtherWork(server.pid, cores);
          const row = await measure(cores.load, server.pid, sent, seconds);
          return { ...row, otherWork: otherWork() };
        }).catch((error) => fail(name, error));
        tell('.');
      }
    }
  } finally {
    await Promise.all([...running.values()].map((server) => server.child.stop()));
  }
  const fields = ['user', 'system', 'total', 'rate', 'busy', 'p99'];
  return summarize(outcome, fields, 'total');
}

/** From this share on, a row says that other work ran on the cores of a measurement. */
const DISTURBED = 0.1;
/** Fresh processes for each figure of memory: they differ by a few percent, and each takes seven seconds. */
const IDLE_ROUNDS = 3;

async function runIdle(names, { rounds, tell }) {
  const outcome = {};
  const failed = new Set();
  for (let round = 0; round < Math.min(rounds, IDLE_ROUNDS); round++) {
    for (const name of names) {
      if (failed.has(name)) continue;
      await attempt(outcome, name, () => sampleIdle(name)).catch((error) => {
        tell(`\n${name}: ${error.message}\n`);
        failed.add(name);
      });
      tell('.');
    }
  }
  return summarize(outcome, ['opened', 'answered', 'first', 'openedAnonymous', 'answeredAnonymous', 'base'], 'opened');
}

function summarize(outcome, fields, headline) {
  for (const entry of Object.values(outcome)) {
    entry.median = entry.rounds.length ? medians(entry.rounds, fields) : null;
    entry.spread = entry.rounds.length ? spread(entry.rounds.map((row) => row[headline])) : null;
    const disturbed = entry.rounds.filter(({ otherWork }) => otherWork >= DISTURBED);
    if (disturbed.length) {
      const most = Math.round(Math.max(...disturbed.map(({ otherWork }) => otherWork)) * 100);
      entry.problems.push(
        `other work took up to ${most} % of a core in ${disturbed.length} of ${entry.rounds.length} rounds`,
      );
    }
    entry.problems = [...new Set(entry.problems)];
  }
  return outcome;
}

/** Runs the named cases on the named servers; `tell` writes progress. The answer: case → server → rounds and medians. */
export async function runCases(cases, names, options) {
  const results = {};
  for (const name of cases) {
    options.tell(`${name} `);
    results[name] = name === IDLE ? await runIdle(names, options) : await runCase(names, CASES[name], options);
    options.tell('\n');
    options.finished?.(name, results[name]);
  }
  return results;
}
