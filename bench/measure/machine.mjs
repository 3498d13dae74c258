// The machine that a run's numbers belong to.
import { cpus, release, totalmem } from 'node:os';

/** The core that the server is pinned to, and the one for load and for us: the last and the first. */
export const cores = { server: cpus().length - 1, load: 0 };

/** What a reader needs to know to judge the numbers. */
export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    kernel: `${process.platform} ${release()}`,
    arch: process.arch,
    node: process.versions.node,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Why this machine cannot run the benchmark, or null. */
export function cannot() {
  if (process.platform !== 'linux') return 'CPU time is read from /proc: the benchmark runs on Linux';
  if (cpus().length < 2) return 'server and load need a core each, and this machine has one';
  return null;
}
