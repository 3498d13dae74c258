// What Linux says about a process and about this system.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';

const PAGE = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));
const TICK_MS = 1_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

export const MIB = 1 << 20;
export const mib = (bytes) => `${(bytes / MIB).toFixed(1)} MiB`;

/** Resident bytes of a process. */
export const resident = (pid) => Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE;

/**
 * Memory that this process uses: what is resident, and of V8's heap only what is used, for V8 keeps and gives back pages
 * when it likes. Needs --expose-gc.
 */
export function used() {
  globalThis.gc();
  const { total_physical_size: held, used_heap_size: used } = getHeapStatistics();
  return process.memoryUsage.rss() - held + used;
}

/** Open descriptors of a process. */
export const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

/** CPU time of a process so far, in ms. */
export function cpuTime(pid) {
  // The name, in parentheses, may hold anything: fields are counted behind its end. utime is field 14, stime 15.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The most descriptors that a process of ours may have: Node raises its own limit to that. */
export const mostDescriptors = () =>
  Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))[1]);

/** What the kernel allocates for each socket, apart from buffers. */
const SOCKET_SLABS = ['TCP', 'sock_inode_cache', 'filp', 'eventpoll_epi'];

/** Bytes of the kernel's objects for sockets on this system; null where only root may see them. */
export function slabs() {
  let text;
  try {
    text = readFileSync('/proc/slabinfo', 'utf8');
  } catch {
    return null;
  }
  const bytes = SOCKET_SLABS.map((name) => {
    const [, count, size] = new RegExp(`^${name} +(\\d+) +\\d+ +(\\d+)`, 'm').exec(text) ?? [];
    return count === undefined ? 0 : Number(count) * Number(size);
  });
  return bytes.reduce((sum, each) => sum + each, 0);
}

/** Watches the resident memory of a process; `most()` is the highest since the last call. */
export class MemoryWatch {
  #pid;
  #most = 0;
  #timer;

  constructor(pid, interval = 10) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#look(), interval);
  }

  #look() {
    this.#most = Math.max(this.#most, resident(this.#pid));
  }

  most() {
    this.#look();
    const most = this.#most;
    this.#most = 0;
    return most;
  }

  stop() {
    clearInterval(this.#timer);
  }
}

/** Turns of the loop until a condition holds; fails with what it said last after `seconds`. */
export async function until(holds, what, seconds = 15) {
  const deadline = performance.now() + seconds * 1_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${seconds} s: ${await what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Says why a program cannot run here, and ends it well. */
export function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(0);
}
