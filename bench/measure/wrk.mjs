// Runs wrk on a core of its own and reads what it counted.
import { fileURLToPath } from 'node:url';
import { haveProgram } from './debian.mjs';
import { runLoadProgram } from './load-program.mjs';
import { cpuBetween, cpuTime, threads } from './process-facts.mjs';
import { perRequest } from './requests.mjs';

const script = (name) => fileURLToPath(new URL(`../load/${name}.lua`, import.meta.url));
/**
 * Seconds until thousands of connections are accepted: a connect whose SYN is dropped comes again after 1, then 2 s. A
 * load of few connections names a shorter `lead`.
 */
const WINDOW_LEAD = 4;

/** Whether wrk can be started; on Debian, as root, it is installed when it is not there. */
export const haveWrk = () => haveProgram('wrk', ['--version']);

function start(core, { url, connections, seconds, script: name, args = [], headers = {} }) {
  const options = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '10s', '-s', script(name)];
  for (const [field, value] of Object.entries(headers)) options.push('-H', `${field}: ${value}`);
  return runLoadProgram(core, 'wrk', [...options, url, '--', ...args], seconds);
}

// `status` is what the case wants answered: of wrk's counts, those above 399 are errors unless that is one of them.
function read(out, { status = 200 }) {
  const at = out.lastIndexOf('\noutcome\n');
  if (at < 0) throw new Error(`wrk printed no outcome\n${out.trim()}`);
  const lines = out.slice(at).trim().split('\n').slice(1);
  const values = Object.fromEntries(lines.map((line) => line.split(/ (.*)/s)));
  const number = (name) => Number(values[name]);
  const problems = ['connect', 'read', 'write', 'timeout']
    .filter((name) => number(name) > 0)
    .map((name) => `${number(name)} ${name} errors`);
  const strange = status > 399 ? number('requests') - number('status') : number('status');
  if (strange > 0) problems.push(`${strange} answers were not of status ${status}`);
  return { values, problems, requests: number('requests'), seconds: number('microseconds') / 1e6, p99: number('p99') };
}

/** Sends the load of a case for some seconds without measuring. */
export const warm = (core, load, seconds) => start(core, { ...load, seconds }).then((out) => read(out, load));

/**
 * Sends the load of a case and gives the CPU microseconds per request of a server's processes, with what wrk counted.
 *
 * `load`: { url, connections, script, headers, status, lead }, the last three where a case has them.
 */
export async function measure(core, pids, load, seconds) {
  if (load.script === 'window') return measureWindow(core, pids, load, seconds);
  const before = cpuTime(pids);
  const { requests, seconds: took, p99, problems } = read(await start(core, { ...load, seconds }), load);
  return perRequest(cpuBetween(before, cpuTime(pids)), { requests, seconds: took, p99, problems });
}

/** The same, by the readings that window.lua takes in the middle of a longer run. */
async function measureWindow(core, pids, load, seconds) {
  // Of a server with a worker, the worker is the last.
  const pid = pids.at(-1);
  const { lead = WINDOW_LEAD } = load;
  const tasks = threads(pid);
  const args = [String(pid), String(lead), String(seconds), ...tasks];
  const { values, p99, problems } = read(await start(core, { ...load, args, seconds: lead + seconds + 1 }), load);
  const [before, after] = ['window-start', 'window-end'].map((name) => {
    const [time, requests, user, system, nanoseconds] = values[name].split(' ').map(Number);
    const gone = !Number.isFinite(nanoseconds);
    return { time, requests, user, system, nanoseconds: gone ? null : nanoseconds, tasks: tasks.join(' ') };
  });
  if (!Number.isFinite(after.time)) throw new Error('the load never reached the end of its window: no requests?');
  const counted = { requests: after.requests - before.requests, seconds: after.time - before.time, p99, problems };
  return perRequest(cpuBetween(before, after), counted);
}
