// A round whose result is CPU time: what the processes of a server spent while a client moved something.
import { cores } from './machine.mjs';
import { cpuBetween, cpuTime, watchOtherWork } from './process-facts.mjs';

/** What such a case tells of each round, and by what it is judged. */
export const CPU_ROUND = { fields: ['user', 'system', 'total', 'rate', 'busy'], headline: 'total' };

/** Microseconds for each message, and messages per second. */
export const PER_MESSAGE = { each: (micros, moved) => micros / moved, rate: (moved, took) => (moved / took) * 1e3 };

/** Milliseconds per gigabyte, and megabytes per second. */
export const PER_GIGABYTE = {
  each: (micros, bytes) => micros / 1e3 / (bytes / 1e9),
  rate: (bytes, took) => bytes / 1e3 / took,
};

/** Runs `move`, which resolves to how much was moved and in how many milliseconds. */
export async function cpuRound({ pids, client }, { each, rate }, move) {
  const otherWork = watchOtherWork(pids, cores, [client.pid]);
  const before = cpuTime(pids);
  const [moved, took] = await move();
  const cpu = cpuBetween(before, cpuTime(pids));
  return {
    user: each(cpu.user, moved),
    system: each(cpu.system, moved),
    total: each(cpu.total, moved),
    rate: rate(moved, took),
    busy: cpu.total / 1e3 / took,
    problems: [],
    otherWork: otherWork(),
  };
}

/** Opens a case's server and has `ready` look at it; what fails in between leaves no server behind. */
export async function openedOrStopped(server, ready) {
  try {
    return { server, problems: (await ready(server)) ?? [] };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
