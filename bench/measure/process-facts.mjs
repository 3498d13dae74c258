// What Linux tells about a process: CPU time and resident memory.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** The ids of a process's threads. */
export const threads = (pid) => readdirSync(`/proc/${pid}/task`);

// The fields of a process's stat that follow its name. That, in parentheses, may hold anything: they are counted behind
// its end. utime is field 14 of all, 11 of these; stime the next.
function statFields(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** The processes whose parent a process is. */
export function children(pid) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return Number(statFields(name)[1]) === pid;
      } catch {
        return false; // it has ended meanwhile
      }
    })
    .map(Number);
}

/**
 * The CPU time that the processes of a server have used so far: clock ticks of user and system time, and the nanoseconds
 * of all threads that are there (null when one went away while it was read).
 */
export function cpuTime(pids) {
  const sum = { user: 0, system: 0, nanoseconds: 0 };
  const tasks = pids.flatMap((pid) => threads(pid).map((task) => `${pid}/task/${task}`));
  for (const pid of pids) {
    const fields = statFields(pid);
    sum.user += Number(fields[11]);
    sum.system += Number(fields[12]);
  }
  try {
    for (const task of tasks) sum.nanoseconds += Number(readFileSync(`/proc/${task}/schedstat`, 'utf8').split(' ')[0]);
  } catch {
    sum.nanoseconds = null;
  }
  return { ...sum, tasks: tasks.join(' ') };
}

/**
 * Microseconds of user and system time between two readings.
 *
 * The sum is the scheduler's, exact to the nanosecond; how it divides is known in clock ticks alone. When threads
 * came or went between, the ticks give both.
 */
export function cpuBetween(before, after) {
  const user = after.user - before.user;
  const system = after.system - before.system;
  const inTicks = ((user + system) * 1e6) / TICKS_PER_SECOND;
  const exact = before.nanoseconds !== null && after.nanoseconds !== null && before.tasks === after.tasks;
  const total = exact ? (after.nanoseconds - before.nanoseconds) / 1e3 : inTicks;
  const share = user + system > 0 ? user / (user + system) : 0;
  return { user: total * share, system: total * (1 - share), total };
}

// Ticks that all processes together have used of a core: user, nice, system, then, after idle and iowait, interrupts and
// what the machine's host took (steal).
function coreTicks(core) {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
  const [user, nice, system, , , irq, softirq, steal] = line.split(' ').map(Number);
  return user + nice + system + irq + softirq + steal;
}

// Ticks of a process; with `children`, of those too that have ended and been waited for.
function processTicks(pid, children) {
  const [user, system, childUser, childSystem] = statFields(pid).slice(11, 15).map(Number);
  return user + system + (children ? childUser + childSystem : 0);
}

/**
 * Begins to watch two cores: that of a server, and that of the load and of ourselves. `pids` are the server's processes,
 * `loads` those of load that are children of ours and still run at the end. The function that it gives ends that and
 * answers the greater share of either core that went to other work, 0 to 1. Call it when the load has ended.
 */
export function watchOtherWork(pids, { server, load }, loads = []) {
  const ticks = (all) => all.reduce((sum, pid) => sum + processTicks(pid, false), 0);
  const read = () => [
    performance.now(),
    coreTicks(server) - ticks(pids),
    coreTicks(load) - ticks(loads) - processTicks(process.pid, true),
  ];
  const before = read();
  return () => {
    const [elapsed, ...others] = read().map((value, i) => value - before[i]);
    return Math.max(0, ...others.map((spent) => spent / TICKS_PER_SECOND / (elapsed / 1_000)));
  };
}

/** Resident bytes of a process, all and without files that are mapped. */
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? NaN) * 1024;
  return { resident: bytes('VmRSS'), anonymous: bytes('RssAnon') };
}

/** How many descriptors a process has open. */
export const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;
